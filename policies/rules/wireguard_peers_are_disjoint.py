"""What one peer may send, no other may."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

from policies.field import Findings
from policies.rule import Rule
from policies.wireguard import WIREGUARD_TYPES, Peer, per_interface

Network = IPv4Network | IPv6Network


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and int(one[0]) <= int(other[-1]) and int(other[0]) <= int(one[-1])


def check(peers: Sequence[Peer]) -> Findings:
    """No two peers of an interface have an address in common."""
    seen: list[tuple[Network, Peer]] = []
    for peer in peers:
        for allowed in peer.allowed():
            try:
                network = ip_network(allowed)
            except ValueError:
                yield peer["AllowedIPs"].fail(f"{allowed!r} is no network, or has bits beyond its prefix")
                continue
            for taken, other in seen:
                if other is not peer and _overlap(network, taken):
                    yield peer["AllowedIPs"].fail(f"{allowed} overlaps {taken} of {other.path}")
            seen.append((network, peer))


RULE = Rule(
    name="wireguard-peers-are-disjoint",
    says="No two peers of a WireGuard interface are allowed the same address.",
    reason="WireGuard gives an address to the last peer that claims it: one site would get another's packets.",
    remedy="Give each site the blocks of its own region alone.",
    controls=("SOC2 CC6.6", "ISO 27001 A.8.20", "ISO 27001 A.8.22", "GDPR Art. 32"),
    types=WIREGUARD_TYPES,
    check=per_interface(check),
)
