"""`moltghost prove`: whether any tenant could reach another, from what the stacks declare."""

from collections.abc import Sequence
from pathlib import Path

import click

from infra.prove.proof import prove as judge
from infra.synth.fleet import Fleet, fleet_stacks
from infra.synth.model import from_json
from infra.synth.monitor import SynthError
from infra.synth.pool import synth_all
from infra.synth.program import PROJECT
from policies.record import Stack

REFUSED = 3
"""The exit status where a claim does not hold, or could not be proved."""
_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option(
    "--stack", "stacks", multiple=True, help="A stack to prove together with the others named; by itself all."
)
@click.option("--folder", type=_FOLDER, default=PROJECT, help="Where the stack files are, if not in the project.")
@click.option("--records", type=_FOLDER, help="Read records `moltghost synth --out` wrote here, and run no program.")
@click.option(
    "--format", "form", type=click.Choice(("text", "json")), default="text", help="How the verdict is printed."
)
@click.option("--out", type=_FILE, help="Write the certificate (JSON) to this file too.")
@click.option("--jobs", type=click.IntRange(1), help="Processes to work with; by itself one a core.")
def prove(
    stacks: tuple[str, ...], folder: Path, records: Path | None, form: str, out: Path | None, jobs: int | None
) -> None:
    """Prove that no tenant reaches another, or show the shortest way.

    No cloud and no credential is used. The claims are about the stacks that are read, together: what is left out is
    not judged. Exits with 3 if a claim does not hold or something could not be read.
    """
    verdict = judge(recorded(records, stacks) if records else _synthed(folder, stacks, jobs))
    if out is not None:
        out.write_text(verdict.to_json())
    click.echo(verdict.to_json() if form == "json" else verdict.to_text(), nl=False)
    if not verdict.holds:
        raise click.exceptions.Exit(REFUSED)


def _synthed(folder: Path, stacks: Sequence[str], jobs: int | None) -> list[Stack]:
    folder = folder.resolve()
    try:
        return list(synth_all(Fleet(folder), list(stacks) or fleet_stacks(folder), jobs).values())
    except SynthError as error:
        raise click.ClickException(str(error)) from None


def recorded(records: Path, stacks: Sequence[str]) -> list[Stack]:
    """Records out of a folder. Raises click.UsageError for what is not there, or is none."""
    names = list(stacks) or sorted(path.stem for path in records.glob("*.json"))
    if missing := [name for name in names if not (records / f"{name}.json").exists()]:
        raise click.UsageError(f"--records {records}: there is no record of {', '.join(missing)}")
    if not names:
        raise click.UsageError(
            f"--records {records}: there is no record in it; write some with `moltghost synth --out`"
        )
    try:
        return [from_json((records / f"{name}.json").read_text()) for name in names]
    except (KeyError, TypeError, ValueError) as error:
        raise click.UsageError(f"--records {records}: one is no record of this version: {error!r}") from None
