"""`moltghost check --policies`: the rules, asked of what each stack would declare."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from policies.exemptions import ExemptionError
from policies.judging import Report, committed_exemptions, judge

REFUSED = 3
"""Exit status where a rule refuses what a stack declares."""


def judge_stacks(folder: Path, stacks: Sequence[str], files: Mapping[str, Path]) -> None:
    """Record the stacks of a folder, judge each, and print what is found; SystemExit(3) if a rule refuses one.

    `files` are read for some stacks instead of those in the folder. No engine, cloud or credential is used.
    """
    # The SDK and the providers' packages take seconds to import, and a check that asks no rule needs neither.
    from infra.synth.fleet import Fleet, synth
    from infra.synth.monitor import SynthError

    try:
        exemptions = committed_exemptions()
        fleet = Fleet(folder.resolve(), files={name: file.resolve() for name, file in files.items()})
        reports = [judge(stack, exemptions) for stack in synth(fleet, stacks).values()]
    except (ExemptionError, SynthError) as error:
        raise click.ClickException(str(error)) from None
    for report in reports:
        click.echo(summary(report))
    if any(report.failures for report in reports):
        raise SystemExit(REFUSED)


def summary(report: Report) -> str:
    """A report in lines: what was judged, and every finding that counts."""
    said = [
        f"{len(report.failures)} refused",
        f"{len(report.unknowns)} not known yet",
        f"{len(report.exempted)} exempt",
    ]
    head = f"{report.stack}: {len(report.judgements)} judgements, {', '.join(said)}"
    return "\n".join([head, *(f"  {line}" for line in report.lines())])
