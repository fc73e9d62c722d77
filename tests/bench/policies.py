"""What the rules cost: over a record, and as the engine asks them through the policy pack."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from infra.local.progress import Steps
from policies.judging import judge
from policies.record import Resource
from policies.registry import RULES
from tests.policies.all_cases import CASES
from tests.policies.engine_program import EngineProgram
from tests.policies.resources import stack

RESOURCES = 1000
ROUNDS = 5


@dataclass(frozen=True)
class Cost:
    """Seconds for `resources` resources; `judgements` are how often a rule was asked of one."""

    resources: int
    judgements: int
    pure: float
    preview: float
    preview_with_pack: float


def measured(folder: Path, count: int = RESOURCES) -> Cost:
    """Judge what passes every rule, as often as makes `count` resources; a case is left whole."""
    resources: list[Resource] = []
    for case in _endless():
        if len(resources) >= count:
            break
        resources += case
    record = stack(*resources, kind="region")
    rounds = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        report = judge(record)
        rounds.append(time.perf_counter() - begun)
    program = EngineProgram(folder / "program", "region")
    program.declare(resources)
    plain, asked = (_preview(program, with_pack=flag) for flag in (False, True))
    return Cost(len(resources), len(report.judgements), min(rounds), plain, asked)


def policies(steps: Steps, console: Console) -> None:
    """Measure, and print the table."""
    with steps.step(f"policies over {RESOURCES} resources"), tempfile.TemporaryDirectory() as folder:
        cost = measured(Path(folder))
    table = Table(title=f"{len(RULES)} rules, {cost.resources} resources, {cost.judgements} judgements")
    table.add_column("form")
    table.add_column("seconds", justify="right")
    for name, seconds in (
        ("over a record", cost.pure),
        ("pulumi preview without the pack", cost.preview),
        ("pulumi preview with the pack", cost.preview_with_pack),
        ("of that, the pack", cost.preview_with_pack - cost.preview),
    ):
        table.add_row(name, f"{seconds:.3f}")
    console.print(table)


def _endless() -> Iterator[tuple[Resource, ...]]:
    """Good cases again and again, under other names."""
    turn = 0
    while True:
        for name, case in CASES.items():
            yield case.good(f"{name}-{turn}")
        turn += 1


def _preview(program: EngineProgram, *, with_pack: bool) -> float:
    begun = time.perf_counter()
    said = program.preview() if with_pack else program.preview(pack=None)
    taken = time.perf_counter() - begun
    assert not said.refused, "\n".join(said.text.splitlines()[-20:])
    return taken
