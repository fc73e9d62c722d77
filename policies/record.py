"""What a stack declares, as plain values: the shape that policies, diffs and proofs read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Unknown:
    """A value nobody knows before the deployment; `why` says where it will come from (a URN and a property).

    `text` is what is known of it, where that is more than nothing; each other part is `{{<urn>#<property>}}` there.
    It serves comparisons and explanations. A check that judges it has to judge every value the parts can take.
    """

    why: str
    text: str | None = None


@dataclass(frozen=True)
class Secret:
    """A secret's place: `digest` is a keyed hash of its JSON, to tell whether two are equal. The value is not kept."""

    digest: str


Value: TypeAlias = "bool | int | float | str | Unknown | Secret | Sequence[Value] | Mapping[str, Value] | None"


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One registration, as the engine is told of it.

    `inputs` are in the engine's property form: keys as the provider's schema names them, as `pulumi preview --json`
    shows them. `property_dependencies` name, for each input, the URNs it was made from. `options` holds the options
    that have no field here, by the engine's names (`deleteBeforeReplace`, `ignoreChanges`, `aliases`, …).
    """

    urn: str
    type: str
    name: str
    parent: str | None
    provider: str | None
    dependencies: tuple[str, ...]
    property_dependencies: Mapping[str, tuple[str, ...]]
    inputs: Mapping[str, Value]
    protect: bool
    options: Mapping[str, Value]
    custom: bool


@dataclass(frozen=True, kw_only=True)
class Stack:
    """All a program declares for one stack, in the order of its registrations; `kind` is the setting of that name."""

    name: str
    kind: str
    resources: tuple[Resource, ...]
    outputs: Mapping[str, Value]
