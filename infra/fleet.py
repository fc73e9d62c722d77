"""All stacks of a folder, judged each by itself and all together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.plan import StackPlan, plan_stack
from infra.plan.fleet import RULES, Fleet, Verdict
from infra.settings import (
    ConfigError,
    GlobalSettings,
    Problem,
    RegionSettings,
    Source,
    TenantSettings,
    draft_settings,
    read_file,
)

_PREFIX, _SUFFIX = "Pulumi.", ".yaml"


@dataclass(frozen=True)
class Judged:
    """What was found in a folder: plans of the stacks that are sound by themselves, and an error for each other one.

    `verdicts` are what the sound ones are to each other.
    """

    plans: Mapping[str, StackPlan]
    errors: Mapping[str, ConfigError]
    verdicts: Sequence[Verdict]
    fleet: Fleet
    sources: Mapping[str, Source] = field(default_factory=dict)

    def problems(self) -> list[ConfigError]:
        """Everything that is wrong, one error a file."""
        return [*self.errors.values(), *self._between(self.verdicts)]

    def problems_of(self, stack: str) -> list[ConfigError]:
        """What is wrong with one stack, and with others because of it."""
        own = [self.errors[stack]] if stack in self.errors else []
        concerned = (one for one in self.verdicts if stack in {one.stack, *one.others})
        return [*own, *self._between(concerned)]

    def _between(self, verdicts: Iterable[Verdict]) -> Iterator[ConfigError]:
        by_stack: dict[str, list[Problem]] = {}
        for verdict in verdicts:
            by_stack.setdefault(verdict.stack, []).append(verdict.problem)
        for stack, problems in by_stack.items():
            source = self.sources[stack]
            yield ConfigError(source.name, problems, source.lines)


def stack_file(folder: Path, stack: str) -> Path:
    """Where a stack's config is."""
    return folder / f"{_PREFIX}{stack}{_SUFFIX}"


def judge_folder(folder: Path, instead: Mapping[str, Path] | None = None) -> Judged:
    """Judge every stack file of a folder; `instead` are files to be read for some stacks, there or not."""
    files = {
        file.name.removeprefix(_PREFIX).removesuffix(_SUFFIX): file
        for file in sorted(folder.glob(f"{_PREFIX}*{_SUFFIX}"))
    }
    plans: dict[str, StackPlan] = {}
    errors: dict[str, ConfigError] = {}
    sources: dict[str, Source] = {}
    for stack, file in {**files, **(instead or {})}.items():
        try:
            sources[stack] = read_file(file)
            plans[stack] = plan_stack(draft_settings(sources[stack]))
        except ConfigError as error:
            errors[stack] = error
    fleet = _fleet(plans, whole=not errors)
    verdicts = [verdict for rule in RULES for verdict in rule(fleet)]
    return Judged(plans, errors, verdicts, fleet, sources)


def _fleet(plans: Mapping[str, StackPlan], *, whole: bool) -> Fleet:
    """The stacks that make up a fleet: a dev stack is a whole of its own."""
    everywhere: dict[str, GlobalSettings] = {}
    regions: dict[str, RegionSettings] = {}
    tenants: dict[str, TenantSettings] = {}
    for stack, plan in plans.items():
        match plan.settings:
            case GlobalSettings():
                everywhere[stack] = plan.settings
            case RegionSettings():
                regions[stack] = plan.settings
            case TenantSettings():
                tenants[stack] = plan.settings
            case _:
                pass
    return Fleet(everywhere, regions, tenants, whole)
