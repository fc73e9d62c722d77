"""Which addresses of a region's block are for what.

A block of /14, as an example: 10.16.0.0/14

    10.16.0.0/16    VPC, in four slots of one zone each
        10.16.0.0/18    first zone: nodes /19, room /20, database /24, public /24, the rest is room
        10.16.64.0/18   second zone, and so on; a slot without a zone is room for one
    10.17.0.0/20    Services
    10.17.16.0/20   WireGuard
    10.18.0.0/15    pods
    …               what is left of 10.17.0.0/16 is free

Every range has one place that follows from the block alone: a zone, or a region, that is added moves nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, collapse_addresses

ZONE_SLOTS = 4
"""Zones a region's VPC can ever have."""

LONGEST_BLOCK = 18
"""Prefix of the smallest block a region fits in: its smallest subnets are /28 then, AWS's own least
(https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html, 2026-11)."""

SHORTEST_BLOCK = 10
"""Prefix of the largest block: beyond it nothing grows but the pods' range, and four regions would fill 10.0.0.0/8."""

PRIVATE = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))
"""RFC 1918. EKS takes Services from these alone
(https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html, 2026-11)."""

RESERVED_BY_AWS = 5
"""Addresses of each subnet nobody gets
(https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html, 2026-11)."""

_LARGEST_VPC = 16
_SERVICES_LONGER = 4
_SMALL_SUBNET_LONGER = 6


class BlockError(ValueError):
    """A region can't be laid out in this block. `remedy` says which it would fit in."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message}. {remedy}")
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True)
class ZoneRanges:
    """One zone's subnets: nodes (private), database (private, no way out), public (NAT and WireGuard gateways)."""

    nodes: IPv4Network
    database: IPv4Network
    public: IPv4Network


@dataclass(frozen=True)
class RegionRanges:
    """Every range of a region. `free` is what is left of the block, within the VPC and beside it."""

    block: IPv4Network
    vpc: IPv4Network
    pods: IPv4Network
    services: IPv4Network
    wireguard: IPv4Network
    zones: tuple[ZoneRanges, ...]
    free: tuple[IPv4Network, ...]

    def used(self) -> dict[str, IPv4Network]:
        """What is given away, by name; no two have an address in common."""
        subnets = {
            f"zones[{at}].{name}": network
            for at, zone in enumerate(self.zones)
            for name, network in (("nodes", zone.nodes), ("database", zone.database), ("public", zone.public))
        }
        return {"pods": self.pods, "services": self.services, "wireguard": self.wireguard, **subnets}


@dataclass(frozen=True)
class Room:
    """What still fits without a range being moved: zones, nodes in each zone's subnet of today, further /24 subnets."""

    zones: int
    nodes_a_zone: int
    subnets_of_256: int


def usable(subnet: IPv4Network) -> int:
    """Addresses of a subnet that AWS gives out."""
    return max(0, subnet.num_addresses - RESERVED_BY_AWS)


def allocate(block: IPv4Network, zones: int) -> RegionRanges:
    """The ranges of a region with this many zones. Raises BlockError if the block is too small, too large or public,
    and ValueError if there are no such many zones."""
    _require_block(block)
    if not 1 <= zones <= ZONE_SLOTS:
        raise ValueError(f"a region has 1 to {ZONE_SLOTS} zones, not {zones}")
    first, second = _nth(block, block.prefixlen + 2, 0), _nth(block, block.prefixlen + 2, 1)
    vpc = _nth(first, max(first.prefixlen, _LARGEST_VPC), 0)
    small = second.prefixlen + _SERVICES_LONGER
    slots = [_zone(_nth(vpc, vpc.prefixlen + 2, at)) for at in range(zones)]
    services, wireguard, pods = _nth(second, small, 0), _nth(second, small, 1), _nth(block, block.prefixlen + 1, 1)
    taken = [pods, services, wireguard, *(each for zone in slots for each in (zone.nodes, zone.database, zone.public))]
    return RegionRanges(
        block=block,
        vpc=vpc,
        pods=pods,
        services=services,
        wireguard=wireguard,
        zones=tuple(slots),
        free=tuple(without(block, taken)),
    )


def room(ranges: RegionRanges) -> Room:
    """What still fits into a region."""
    inside = [each for each in ranges.free if each.subnet_of(ranges.vpc)]
    return Room(
        zones=ZONE_SLOTS - len(ranges.zones),
        nodes_a_zone=usable(ranges.zones[0].nodes),
        subnets_of_256=sum(1 << (24 - each.prefixlen) for each in inside if each.prefixlen <= 24),
    )


def without(whole: IPv4Network, taken: Sequence[IPv4Network]) -> list[IPv4Network]:
    """The ranges of `whole` that none of `taken` touches, as few as there can be, in order."""
    left = [whole]
    for each in taken:
        left = [piece for part in left for piece in _cut(part, each)]
    return sorted(collapse_addresses(left))


def _cut(part: IPv4Network, taken: IPv4Network) -> list[IPv4Network]:
    if not part.overlaps(taken):
        return [part]
    return [] if part.subnet_of(taken) else list(part.address_exclude(taken))


def _require_block(block: IPv4Network) -> None:
    fitting = f"Take a /14 of {PRIVATE[0]}, or any block from /{SHORTEST_BLOCK} to /{LONGEST_BLOCK}"
    if block.prefixlen > LONGEST_BLOCK:
        raise BlockError(f"is too small for a region: it has {block.num_addresses} addresses", fitting)
    if block.prefixlen < SHORTEST_BLOCK:
        raise BlockError("is more than one region can use", fitting)
    if not any(block.subnet_of(private) for private in PRIVATE):
        raise BlockError("is not private (RFC 1918)", fitting)


def _zone(slot: IPv4Network) -> ZoneRanges:
    """A zone's slot: its first half for nodes, its last two sixty-fourths for what is small; between them is room."""
    small = slot.prefixlen + _SMALL_SUBNET_LONGER
    return ZoneRanges(
        nodes=_nth(slot, slot.prefixlen + 1, 0), database=_nth(slot, small, 62), public=_nth(slot, small, 63)
    )


def _nth(network: IPv4Network, prefix: int, at: int) -> IPv4Network:
    """The subnet of this prefix at this place, without listing those before it."""
    return IPv4Network((int(network.network_address) + (at << (32 - prefix)), prefix))
