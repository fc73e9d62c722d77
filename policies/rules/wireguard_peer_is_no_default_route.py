"""No peer stands for the whole Internet."""

from ipaddress import ip_network

from policies.field import Findings
from policies.rule import Rule
from policies.wireguard import WIREGUARD_TYPES, Peer, per_peer

NARROWEST = 8
"""No site has a larger block than a /8."""


def check(peer: Peer) -> Findings:
    """Each of a peer's blocks is one a site can have, and it has one at least."""
    if not peer.allowed():
        yield peer["AllowedIPs"].fail("the peer is allowed nothing: it is not a site")
    for allowed in peer.allowed():
        try:
            wide = ip_network(allowed, strict=False).prefixlen < NARROWEST
        except ValueError:
            wide = True
        if wide:
            yield peer["AllowedIPs"].fail(f"{allowed} is more than a site has")


RULE = Rule(
    name="wireguard-peer-is-no-default-route",
    says="No WireGuard peer is allowed 0.0.0.0/0, ::/0 or another block wider than a /8.",
    reason="Such a peer may send as anyone, and is sent what was meant for the Internet.",
    remedy="Give the peer the blocks of its own region.",
    controls=("SOC2 CC6.6", "ISO 27001 A.8.20", "ISO 27001 A.8.22"),
    types=WIREGUARD_TYPES,
    check=per_peer(check),
)
