"""Ports of rules, cut into the fewest parts that no rule divides; a set of parts is the bits of a whole number."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.prove.problems import UnmodelledError

PROTOCOLS = ("TCP", "UDP", "SCTP")
OTHERS = "other"
"""What is none of the three, ICMP for one: only a rule without ports lets it pass."""
_LAST = 65535

Named = frozenset[tuple[str, str, int]]
"""A pod's ports that have a name: (name, protocol, number)."""


@dataclass(frozen=True, order=True)
class PortRule:
    """Ports `first` to `last` of a protocol, or those a pod calls `name`."""

    protocol: str
    first: int = 0
    last: int = _LAST
    name: str = ""

    def __str__(self) -> str:
        if self.name:
            return f"{self.protocol} {self.name}"
        if (self.first, self.last) == (0, _LAST):
            return f"{self.protocol}, every port"
        return (
            f"{self.protocol} {self.first}" if self.first == self.last else f"{self.protocol} {self.first}-{self.last}"
        )


def read_ports(value: Any, urn: str, field: str) -> tuple[PortRule, ...] | None:
    """A rule's ports; None is all of them. Raises UnmodelledError for what is not known."""
    if value is None or (isinstance(value, list | tuple) and not value):
        return None
    if not isinstance(value, list | tuple):
        raise UnmodelledError(urn, field, "is not known")
    return tuple(sorted(_read_port(each, urn, f"{field}[{at}]") for at, each in enumerate(value)))


def _read_port(value: Any, urn: str, field: str) -> PortRule:
    if not isinstance(value, Mapping):
        raise UnmodelledError(urn, field, "is not known")
    protocol = value.get("protocol") or "TCP"
    port, end = value.get("port"), value.get("endPort")
    if protocol not in PROTOCOLS:
        raise UnmodelledError(urn, f"{field}.protocol", "is not known or none of TCP, UDP, SCTP")
    if port is None and end is None:
        return PortRule(protocol)
    if type(port) is str and end is None:
        return PortRule(protocol, name=port)
    last = port if end is None else end
    if type(port) is not int or type(last) is not int or not 0 < port <= last <= _LAST:
        raise UnmodelledError(urn, f"{field}.port", "is not known or no port")
    return PortRule(protocol, port, last)


class PortParts:
    """The parts that `rules` and pods' `named` ports cut all ports into."""

    def __init__(self, rules: Iterable[PortRule], named: Iterable[Named]) -> None:
        cuts: dict[str, set[int]] = {protocol: {0} for protocol in PROTOCOLS}
        for rule in rules:
            if not rule.name:
                cuts[rule.protocol] |= {rule.first, rule.last + 1}
        for ports in named:
            for _, protocol, number in ports:
                cuts[protocol] |= {number, number + 1}
        self._starts = {protocol: sorted(at for at in found if at <= _LAST) for protocol, found in cuts.items()}
        self._offset: dict[str, int] = {}
        self.parts: list[tuple[str, int, int]] = []
        for protocol, starts in self._starts.items():
            self._offset[protocol] = len(self.parts)
            ends = [*(at - 1 for at in starts[1:]), _LAST]
            self.parts += [(protocol, first, last) for first, last in zip(starts, ends, strict=True)]
        self.parts.append((OTHERS, 0, 0))
        self.everything = (1 << len(self.parts)) - 1

    def mask(self, rules: tuple[PortRule, ...] | None, named: Named) -> int:
        """The parts a rule's ports are, at a pod with these named ports."""
        if rules is None:
            return self.everything
        found = 0
        for rule in rules:
            if not rule.name:
                found |= self._span(rule.protocol, rule.first, rule.last)
                continue
            for name, protocol, number in named:
                if (name, protocol) == (rule.name, rule.protocol):
                    found |= self._span(protocol, number, number)
        return found

    def part(self, protocol: str, port: int) -> int:
        """The part a port is in, as a mask."""
        return self._span(protocol, port, port)

    def _span(self, protocol: str, first: int, last: int) -> int:
        starts, offset = self._starts[protocol], self._offset[protocol]
        low, high = bisect_right(starts, first) - 1, bisect_right(starts, last) - 1
        return ((1 << (high - low + 1)) - 1) << (offset + low)

    def text(self, mask: int) -> str:
        """A mask for people."""
        if mask == self.everything:
            return "every port"
        found = [part for at, part in enumerate(self.parts) if mask >> at & 1]
        joined: list[tuple[str, int, int]] = []
        for protocol, first, last in found:
            if joined and joined[-1][0] == protocol and joined[-1][2] + 1 == first:
                joined[-1] = (protocol, joined[-1][1], last)
            else:
                joined.append((protocol, first, last))
        return ", ".join("other protocols" if part[0] == OTHERS else str(PortRule(*part)) for part in joined)
