"""`moltghost reconcile`: the comparison without an engine, beside what the engine itself previews."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

_ACTIONS: Mapping[str, str] = {
    "create": "create",
    "delete": "delete",
    "update": "update",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
}
"""The engine's operations by our actions; others change nothing."""
_COMPONENT = "moltghost:"
_INTERNAL = "pulumi:pulumi:"


def actions_of(report: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Of each stack that changes, what happens to each URN: out of what `moltghost diff --format json` printed."""
    found: dict[str, dict[str, str]] = {}
    for group in report["groups"]:
        for variant in group["variants"]:
            for urn in variant["urns"]:
                stack = urn.split("::")[0].rpartition(":")[2]
                found.setdefault(stack, {})[urn] = group["action"]
    return found


def previewed(preview: Mapping[str, Any]) -> dict[str, str]:
    """What happens to each URN: out of what `pulumi preview --json` printed. Components are nothing anywhere."""
    return {
        step["urn"]: _ACTIONS[step["op"]]
        for step in preview.get("steps", ())
        if step["op"] in _ACTIONS and not _is_component(step["urn"])
    }


def differences(ours: Mapping[str, str], engines: Mapping[str, str]) -> Iterator[str]:
    """Where the two tell something else of a resource."""
    for urn in sorted({*ours, *engines}):
        one, other = ours.get(urn, "nothing"), engines.get(urn, "nothing")
        if one != other:
            yield f"{urn}: {one} by the records, {other} by the engine"


def _is_component(urn: str) -> bool:
    type_ = urn.split("::")[2].rpartition("$")[2]
    return type_.startswith((_COMPONENT, _INTERNAL))


@click.command()
@click.argument("report", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.argument("previews", nargs=-1, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--list", "listed", is_flag=True, help="Only print the stacks that change, one a line.")
def reconcile(report: Path, previews: tuple[Path, ...], listed: bool) -> None:
    """Compare REPORT, of `moltghost diff --format json`, with PREVIEWS, of `pulumi preview --json`, <stack>.json each.

    A difference is what the engine knows and the revisions don't: drift, an update that never was made, a default of a
    provider. Ends with 0 where there is none, 2 where there is one, 1 on errors.
    """
    told = actions_of(json.loads(report.read_text()))
    if listed:
        click.echo("".join(f"{stack}\n" for stack in sorted(told)), nl=False)
        return
    if missing := sorted(told.keys() - {each.stem for each in previews}):
        raise click.ClickException(f"no preview of {', '.join(missing)}: each stack that changes needs one")
    found = [
        f"{file.stem}: {difference}"
        for file in previews
        for difference in differences(told.get(file.stem, {}), previewed(json.loads(file.read_text())))
    ]
    if found:
        click.echo("\n".join(found))
        raise SystemExit(2)
    click.echo(f"the engine says the same of {len(previews)} stacks")
