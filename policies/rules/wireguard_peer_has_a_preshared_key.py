"""Tunnels stay shut to who breaks Curve25519 later."""

from policies.field import Findings
from policies.rule import Rule
from policies.wireguard import WIREGUARD_TYPES, Peer, per_peer


def check(peer: Peer) -> Findings:
    """The peer has a preshared key, in place or in a file."""
    if not peer["PresharedKey"].text() and not peer["PresharedKeyFile"].text():
        yield peer["PresharedKey"].fail("no preshared key")


RULE = Rule(
    name="wireguard-peer-has-a-preshared-key",
    says="Each WireGuard peer has a preshared key.",
    reason="What is recorded today stays unreadable when Curve25519 no longer holds.",
    remedy="Make the pair's key with `moltghost mesh keys`.",
    controls=("SOC2 CC6.7", "ISO 27001 A.8.24", "GDPR Art. 32"),
    types=WIREGUARD_TYPES,
    check=per_peer(check),
)
