"""What a rule is: words, the controls it serves, and a pure judgement of a resource or of a whole stack."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from policies.declared import Declared, matches
from policies.field import Finding, Findings
from policies.record import Resource

ALL_KINDS = frozenset({"dev", "global", "region", "tenant"})
CLOUD_KINDS = ALL_KINDS - {"dev"}
"""A dev stack is thrown away with its machine: what keeps data from being lost is not asked of it."""

ResourceCheck = Callable[[Resource], Findings]
StackCheck = Callable[[Declared], Iterator[tuple[Resource, Finding]]]


@dataclass(frozen=True, kw_only=True)
class Admission:
    """How the API server asks the same of what reaches it.

    `expression` is CEL over `object`, true for what may enter; `resources` are `<group>/<version>/<plural>`, the core
    group's without a group. `variables` are named expressions the expression uses, in order. `tenants_only` leaves out
    namespaces that carry no tenant's label.
    """

    resources: tuple[str, ...]
    expression: str
    variables: Mapping[str, str]
    tenants_only: bool = False


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One mandatory rule, in a file of its name.

    `types` are patterns of the resource types it judges. Exactly one of `check` and `check_stack` is given; the second
    is for what only the resources beside it can tell. `kinds` are the kinds of stacks it holds for.
    """

    name: str
    says: str
    reason: str
    remedy: str
    controls: tuple[str, ...]
    types: tuple[str, ...]
    check: ResourceCheck | None = None
    check_stack: StackCheck | None = None
    kinds: frozenset[str] = ALL_KINDS
    admission: Admission | None = None

    def __post_init__(self) -> None:
        if (self.check is None) == (self.check_stack is None):
            raise ValueError(f"rule {self.name}: give either check or check_stack")

    def judges(self, type_: str) -> bool:
        """Whether resources of this type are the rule's to judge."""
        return matches(type_, self.types)
