"""A stack seen whole: its resources by type, and which of them a property speaks of."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache, cached_property

from policies.field import inputs_of
from policies.record import Resource, Stack


@cache
def matches(type_: str, patterns: tuple[str, ...]) -> bool:
    """Whether a resource type is one of those the patterns mean (`kubernetes:apps/*:Deployment`)."""
    return any(fnmatchcase(type_, pattern) for pattern in patterns)


class Declared:
    """A stack's resources, indexed once for all rules that need to look beside a resource."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    @cached_property
    def by_urn(self) -> dict[str, Resource]:
        """The resources by URN."""
        return {each.urn: each for each in self.stack.resources}

    @cached_property
    def _by_type(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for each in self.stack.resources:
            found.setdefault(each.type, []).append(each)
        return found

    def of(self, *patterns: str) -> list[Resource]:
        """The resources whose type one of the patterns means."""
        return [each for type_, resources in self._by_type.items() if matches(type_, patterns) for each in resources]

    def referred(self, resource: Resource, key: str, *patterns: str) -> list[Resource]:
        """The resources of some types that an input was made from: the engine knows them before any of them exists."""
        urns = resource.property_dependencies.get(key, ())
        return [self.by_urn[urn] for urn in urns if urn in self.by_urn and matches(self.by_urn[urn].type, patterns)]

    def referring(self, target: Resource, key: str, name: str, *patterns: str) -> Iterator[Resource]:
        """The resources of these types whose input `key` was made from `target`, or is its input `name`."""
        named = target.inputs.get(name)
        for each in self.of(*patterns):
            by_name = isinstance(named, str) and inputs_of(each)[key].value == named
            if by_name or target.urn in each.property_dependencies.get(key, ()):
                yield each

    def provider_of(self, resource: Resource) -> Resource | None:
        """The provider that makes a resource, where this stack declares it. A reference is `<urn>::<id>`."""
        if resource.provider is None:
            return None
        return self.by_urn.get(resource.provider) or self.by_urn.get(resource.provider.rpartition("::")[0])
