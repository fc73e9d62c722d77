"""Sets of IP addresses, as spans of whole numbers."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_network, summarize_address_range

_IPV6 = 1 << 32
"""Where IPv6 addresses start, so that those of both versions lie on one line."""


@dataclass(frozen=True)
class Addresses:
    """Spans of addresses, both ends included, in order and apart from each other."""

    spans: tuple[tuple[int, int], ...]

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __and__(self, other: "Addresses") -> "Addresses":
        return Addresses(tuple(_common(self.spans, other.spans)))

    def __or__(self, other: "Addresses") -> "Addresses":
        return Addresses(tuple(_joined([*self.spans, *other.spans])))

    def __sub__(self, other: "Addresses") -> "Addresses":
        return Addresses(tuple(_without(self.spans, other.spans)))

    def within(self, other: "Addresses") -> bool:
        """Whether `other` holds every one of these."""
        return not self - other

    def __str__(self) -> str:
        return ", ".join(_text(first, last) for first, last in self.spans) or "no address"


NOWHERE = Addresses(())
EVERYWHERE = Addresses(((0, _IPV6 - 1), (_IPV6, _IPV6 + (1 << 128) - 1)))


@cache
def network(cidr: str) -> Addresses:
    """The addresses of a range. Raises ValueError for what is none."""
    parsed = ip_network(cidr, strict=False)
    offset = 0 if parsed.version == 4 else _IPV6
    return Addresses(((offset + int(parsed.network_address), offset + int(parsed.broadcast_address)),))


def networks(cidrs: Iterable[str]) -> Addresses:
    """The addresses of several ranges. Raises ValueError for what is none."""
    return Addresses(tuple(_joined(span for cidr in cidrs for span in network(cidr).spans)))


def _joined(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    held: tuple[int, int] | None = None
    for first, last in sorted(spans):
        if held is not None and first <= held[1] + 1:
            held = (held[0], max(held[1], last))
            continue
        if held is not None:
            yield held
        held = (first, last)
    if held is not None:
        yield held


def _common(left: tuple[tuple[int, int], ...], right: tuple[tuple[int, int], ...]) -> Iterator[tuple[int, int]]:
    for first, last in left:
        for other_first, other_last in right:
            if max(first, other_first) <= min(last, other_last):
                yield max(first, other_first), min(last, other_last)


def _without(left: tuple[tuple[int, int], ...], right: tuple[tuple[int, int], ...]) -> Iterator[tuple[int, int]]:
    for first, last in left:
        at = first
        for other_first, other_last in right:
            if other_last < at or other_first > last:
                continue
            if other_first > at:
                yield at, other_first - 1
            at = max(at, other_last + 1)
        if at <= last:
            yield at, last


def _text(first: int, last: int) -> str:
    if first < _IPV6 <= last:
        return f"{_text(first, _IPV6 - 1)}, {_text(_IPV6, last)}"
    if first < _IPV6:
        return ", ".join(map(str, summarize_address_range(IPv4Address(first), IPv4Address(last))))
    ends = IPv6Address(first - _IPV6), IPv6Address(last - _IPV6)
    return ", ".join(map(str, summarize_address_range(*ends)))


NOT_GLOBAL = networks(
    (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
        *("192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/4", "240.0.0.0/4", "::/128", "::1/128", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48"),
        *("100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "fc00::/7", "fe80::/10", "ff00::/8"),
    )
)
"""Ranges no public host has: private, link-local (with the metadata service), multicast, and those that lead to IPv4.
https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry (2026-11)."""
