"""Tunnels stay open through NAT."""

from policies.field import Findings
from policies.rule import Rule
from policies.wireguard import WIREGUARD_TYPES, Peer, per_peer

LONGEST_S = 60
"""NATs forget a quiet UDP flow after 30 s to some minutes; BFD needs the way back open."""


def check(peer: Peer) -> Findings:
    """A peer whose address is known is spoken to every minute at least; one without an address speaks first itself."""
    if not peer["Endpoint"].is_set:
        return
    interval = peer["PersistentKeepalive"].text()
    if not interval.isdigit() or not 0 < int(interval) <= LONGEST_S:
        yield peer["PersistentKeepalive"].fail(f"{interval or 'none'}: expected 1 to {LONGEST_S} seconds")


RULE = Rule(
    name="wireguard-peer-keeps-alive",
    says="Each WireGuard peer with an endpoint is kept alive, every 60 s at least.",
    reason="A tunnel that fell asleep behind a NAT is found dead by the first request of the day.",
    remedy="Set PersistentKeepalive to 25.",
    controls=("SOC2 A1.2", "ISO 27001 A.8.14"),
    types=WIREGUARD_TYPES,
    check=per_peer(check),
)
