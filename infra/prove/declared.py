"""The stacks of a proof, and how their resources are asked."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from infra.prove.problems import Unmodelled, UnmodelledError
from infra.prove.verdict import Breach
from policies.record import Resource, Stack, Unknown
from runtime.contract import labels

_NOTHING: Mapping[str, Any] = {}
TENANT_TAG = f"{labels.DOMAIN.partition('.')[0]}:tenant"
"""The tag of a cloud's resource that says whose it is."""
_REFERENCE = re.compile(r"\{\{(urn:[^{}]+)#([^{}]*)\}\}")


@dataclass
class Findings:
    """What a proof gathers while it reads."""

    breaches: set[Breach] = field(default_factory=set)
    unmodelled: set[Unmodelled] = field(default_factory=set)
    assumptions: set[str] = field(default_factory=set)

    def missed(self, urn: str, field: str, why: str) -> None:
        """Note what could not be read."""
        self.unmodelled.add(Unmodelled(urn, field, why))


class Declared:
    """Every resource of some stacks, by type; who owns each; and where each lies."""

    def __init__(self, stacks: Sequence[Stack]) -> None:
        self.stacks = sorted(stacks, key=lambda stack: stack.name)
        self._by_type: dict[str, list[Resource]] = defaultdict(list)
        self._stack_of: dict[str, Stack] = {}
        for stack in self.stacks:
            for each in stack.resources:
                self._by_type[each.type].append(each)
                self._stack_of[each.urn] = stack
        self.urns = self._stack_of

    @property
    def types(self) -> Mapping[str, list[Resource]]:
        """Resources by their types' tokens."""
        return self._by_type

    def of(self, *types: str) -> Iterator[Resource]:
        """Every resource of these types."""
        for each in types:
            yield from self._by_type.get(each, ())

    def stack(self, resource: Resource) -> Stack:
        """The stack that declares it."""
        return self._stack_of[resource.urn]

    @cached_property
    def tenants(self) -> frozenset[str]:
        """Every tenant some namespace is for."""
        return frozenset(
            tenant
            for each in self.of("kubernetes:core/v1:Namespace")
            if (tenant := _label(each, labels.TENANT)) is not None
        )

    @cached_property
    def _sole(self) -> dict[str, str | None]:
        """The tenant of each stack of one."""
        found: dict[str, set[str]] = defaultdict(set)
        for each in self.of("kubernetes:core/v1:Namespace"):
            if (tenant := _label(each, labels.TENANT)) is not None:
                found[self.stack(each).name].add(tenant)
        return {
            stack.name: next(iter(found[stack.name]))
            if stack.kind == "tenant" and len(found[stack.name]) == 1
            else None
            for stack in self.stacks
        }

    def owner(self, resource: Resource) -> str | None:
        """The tenant a cloud's resource is of: as its tag says, else its stack, else its name; None is the platform."""
        tags = resource.inputs.get("tags")
        if isinstance(tags, Mapping) and isinstance(tags.get(TENANT_TAG), str):
            return str(tags[TENANT_TAG])
        if (sole := self._sole[self.stack(resource).name]) is not None:
            return sole
        named = [each for each in self.tenants if resource.name.startswith(f"{each}-")]
        return max(named, key=len) if named else None

    def refers(self, resource: Resource, name: str, type_: str) -> str | None:
        """The URN of the one resource of a type that an input is made from; None if there is none or more."""
        found = {urn for urn in resource.property_dependencies.get(name, ()) if f"{type_}::" in urn}
        found |= {urn for urn, _ in _REFERENCE.findall(text(resource.inputs.get(name)) or "") if f"{type_}::" in urn}
        return next(iter(found)) if len(found) == 1 else None


def cluster_of(resource: Resource) -> str:
    """The cluster an object is put in: its provider's name, which is the same in every stack."""
    if resource.provider is None:
        raise UnmodelledError(resource.urn, "provider", "is not declared: which cluster it is in is not known")
    return _provider_name(resource.provider)


@cache
def _provider_name(provider: str) -> str:
    return provider.split("::")[3]


def text(value: Any) -> str | None:
    """A text, its unknown parts as references to what they come from; None for what is none."""
    if isinstance(value, Unknown):
        return value.text
    return value if isinstance(value, str) else None


def mapping(value: Any, urn: str, field: str) -> Mapping[str, Any]:
    """A mapping; an empty one where there is none. Raises UnmodelledError for anything else."""
    if value is None:
        return _NOTHING
    if type(value) is not dict and not isinstance(value, Mapping):  # the first is quick, and the rule
        raise UnmodelledError(urn, field, "is not known")
    return value


def listed(value: Any, urn: str, field: str) -> Sequence[Any]:
    """A list; an empty one where there is none. Raises UnmodelledError for anything else."""
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise UnmodelledError(urn, field, "is not known")
    return value


def required(value: Any, urn: str, field: str) -> str:
    """A text. Raises UnmodelledError where there is none."""
    found = text(value)
    if found is None:
        raise UnmodelledError(urn, field, "is not known")
    return found


def _label(resource: Resource, key: str) -> str | None:
    metadata = resource.inputs.get("metadata")
    found = metadata.get("labels") if isinstance(metadata, Mapping) else None
    value = found.get(key) if isinstance(found, Mapping) else None
    return value if isinstance(value, str) else None
