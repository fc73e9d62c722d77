"""One revision's own code, asked by another's: `python -m infra.synth.revision REQUEST`.

The request is a JSON file: `folder` (stack files), `stacks` (names, or null for the fleet), `key` (hex), `jobs`, `out`.
What is answered is a folder of records, `<stack>.json` each, and `ceilings`, which is JSON too. Later revisions keep to
it: otherwise they could not be compared with earlier ones.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.fleet import stack_file
from infra.plan.region_ceilings import region_ceilings
from infra.settings import ConfigError, draft_settings, read_file
from infra.settings.kinds import RegionSettings
from infra.synth.fleet import Fleet, fleet_stacks
from infra.synth.model import to_json
from infra.synth.monitor import SynthError
from infra.synth.pool import synth_all

CEILINGS = "ceilings"


def answer(request: Mapping[str, Any]) -> None:
    """Write what is asked for. Raises SynthError with what is wrong with each stack that can't be recorded."""
    folder, out = Path(request["folder"]), Path(request["out"])
    there = fleet_stacks(folder)
    wanted = there if request["stacks"] is None else [each for each in there if each in request["stacks"]]
    made = synth_all(Fleet(folder, bytes.fromhex(request["key"])), wanted, request["jobs"])
    for name, stack in made.items():
        (out / f"{name}.json").write_text(to_json(stack))
    (out / CEILINGS).write_text(json.dumps(usage(folder, wanted)))


def usage(folder: Path, stacks: Sequence[str]) -> dict[str, dict[str, float]]:
    """Of each region's stack, the share of each of its ceilings that is used."""
    found: dict[str, dict[str, float]] = {}
    for name in stacks:
        try:
            settings = draft_settings(read_file(stack_file(folder, name))).settings
        except ConfigError:  # its record says so
            continue
        if isinstance(settings, RegionSettings):
            found[name] = {each.name: round(each.share, 4) for each in region_ceilings(settings)}
    return found


if __name__ == "__main__":
    try:
        answer(json.loads(Path(sys.argv[1]).read_text()))
    except SynthError as error:
        sys.exit(str(error))
