"""Rules about a region's cluster: given or made, its zones, its pools, its database, and where its addresses lie."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Network

from components.cluster.catalogue import INSTANCE_TYPES, GpuClass, mismatches
from components.cluster.devices_spec import PLUGIN_FLOOR
from components.cluster.pools_manifests import pool_problems
from components.cluster.pools_spec import PoolSpec
from components.cluster.upgrades import minor_of, skew_problem
from infra.plan.cells import gpus_of
from infra.plan.fleet_addresses import FLEET, blocks_hold_regions, ranges_are_apart
from infra.plan.identity import repeated
from infra.plan.pools import pool_spec
from infra.settings.eks import Pool
from infra.settings.kinds import GlobalSettings, RegionSettings
from infra.settings.problems import Problem

_VERSION = re.compile(r":v?(\d+)\.(\d+)\.(\d+)[^@]*@")
_FIELDS = {"min_nodes": "min", "max_nodes": "max"}
"""A pool's settings by the component's names, where they differ."""
_REGION, _EKS, _POOLS = "moltghost:region", "moltghost:eks", "moltghost:pools"


def blocks_can_be_cut(settings: GlobalSettings | RegionSettings) -> Iterator[Problem]:
    """A block is one a region fits in, out of the fleet's own addresses."""
    blocks = dict(_blocks(settings))
    yield from blocks_hold_regions(blocks)
    for path, block in blocks.items():
        if block.is_private and not block.subnet_of(FLEET):
            yield Problem(path, f"is not in {FLEET}", f"Give a block out of {FLEET}", str(block))


def _blocks(settings: GlobalSettings | RegionSettings) -> list[tuple[str, IPv4Network]]:
    if isinstance(settings, RegionSettings):
        return [(f"{_REGION}.block", settings.region.block)]
    return [(f"moltghost:regions.{name}.block", region.block) for name, region in settings.regions.items()]


def blocks_are_apart(settings: GlobalSettings) -> Iterator[Problem]:
    """No two regions share an address: the mesh between them could not tell them apart."""
    yield from ranges_are_apart(dict(_blocks(settings)), {})


def cluster_is_given_or_made(settings: RegionSettings) -> Iterator[Problem]:
    """Either the stack makes the cluster, and its ranges and GPUs follow; or one is given, and they are told."""
    cell = settings.region
    told = {"network": cell.network is not None, "gpu_classes": bool(cell.gpu_classes)}
    for field, there in told.items():
        path = f"{_REGION}.{field}"
        if settings.eks is not None and there:
            yield Problem(
                path, "is told, but the stack makes the cluster: it is computed", "Take it out", None, (_EKS,)
            )
        elif settings.eks is None and not there:
            remedy = "Say what the given cluster has, or add moltghost:eks and have one made"
            yield Problem(path, "is missing: a cluster is given", remedy)
    if settings.eks is None:
        for field in ("pools", "database"):
            if getattr(settings, field):
                path = f"moltghost:{field}"
                yield Problem(path, "is for a cluster the stack makes", "Take it out, or add moltghost:eks", None)
    elif not any(pool.purpose == "system" for pool in settings.pools.values()):
        yield Problem(_POOLS, "has no pool for the platform's own pods", "Add one with `purpose: system`", None)


def machine_tells_of_a_given_cluster(settings: RegionSettings) -> Iterator[Problem]:
    """How a cluster is reached is told of one that is given, and asked of one that the stack makes."""
    if settings.machine is None:
        return
    for field in ("kubeconfig", "tunnel_source"):
        path, told = f"moltghost:machine.{field}", getattr(settings.machine, field)
        if settings.eks is not None and told is not None:
            yield Problem(path, "is told, but the stack makes the cluster", "Take it out", str(told), (_EKS,))
        elif settings.eks is None and told is None:
            yield Problem(path, "is missing: a cluster is given", "Say how it is reached, or add moltghost:eks")


def given_ranges_lie_in_the_block(settings: RegionSettings) -> Iterator[Problem]:
    """A given cluster's addresses are of the region's block, so that no other region's are the same.

    A machine's own are not: its cluster is on no network but the machine's.
    """
    network, block = settings.region.network, settings.region.block
    if network is None or settings.machine is not None:
        return
    for field in ("nodes", "pods", "services"):
        given: IPv4Network = getattr(network, field)
        if not given.subnet_of(block):
            path = f"{_REGION}.network.{field}"
            message = f"is not in the region's block {block}"
            yield Problem(path, message, "Give a range of the block", str(given), (f"{_REGION}.block",))


def zones_are_the_regions(settings: RegionSettings) -> Iterator[Problem]:
    """Zones are the AWS region's own, each named once; a pool's are the cluster's."""
    if settings.eks is None:
        return
    aws, named = settings.region.aws.region, settings.eks.zones
    listed = [(f"{_EKS}.zones[{at}]", zone) for at, zone in enumerate(named)]
    yield from repeated(listed, "a zone")
    for path, zone in listed:
        if zone[:-1] != aws:
            remedy = f"Name a zone of {aws}, such as {aws}a"
            yield Problem(path, f"is no zone of {aws}", remedy, zone, (f"{_REGION}.aws.region",))
    for name, pool in settings.pools.items():
        for at, zone in enumerate(pool.zones or ()):
            if zone not in named:
                path = f"{_POOLS}.{name}.zones[{at}]"
                yield Problem(path, "is no zone of the cluster's", f"Name some of {', '.join(named)}", zone, (_EKS,))


def pools_can_be_had(settings: RegionSettings) -> Iterator[Problem]:
    """AWS sells what a pool is made of, where it is, the way it is bought."""
    zones_are_right = not any(zones_are_the_regions(settings))
    for name, pool in settings.pools.items():
        path = f"{_POOLS}.{name}"
        if pool.min > pool.max:
            message = f"is below the {pool.min} nodes there are at least"
            yield Problem(f"{path}.max", message, "Raise it, or lower min", pool.max, (f"{path}.min",))
        found = [*_bought(settings, path, pool), *_catalogued(settings, path, pool)]
        yield from found
        if zones_are_right and not found and pool.min <= pool.max and settings.eks is not None:
            yield from _made(settings, path, pool_spec(name, pool, settings.eks.zones))


def _made(settings: RegionSettings, path: str, pool: PoolSpec) -> Iterator[Problem]:
    """What the cluster itself refuses of a pool of which nothing else is wrong."""
    for one in pool_problems(pool, settings.region.aws.region):
        field = _FIELDS.get(one.field, one.field)
        yield Problem(f"{path}.{field}", one.message, one.remedy, one.value, (path, _EKS))


def _bought(settings: RegionSettings, path: str, pool: Pool) -> Iterator[Problem]:
    place = f"{path}.reservation"
    if pool.capacity == "on-demand" and pool.reservation is not None:
        remedy = "Take it out, or say `capacity: reservation`"
        yield Problem(place, "is for nodes AWS holds for you", remedy, pool.reservation, (f"{path}.capacity",))
    if pool.capacity != "on-demand" and pool.reservation is None:
        yield Problem(place, f"is missing: capacity is {pool.capacity}", "Give its id: cr-…")
    zones = pool.zones or (settings.eks.zones if settings.eks else [])
    if pool.capacity == "block" and len(zones) != 1:
        yield Problem(f"{path}.zones", "is not one zone, and a Capacity Block is in one", "Name its zone", pool.zones)


def _catalogued(settings: RegionSettings, path: str, pool: Pool) -> Iterator[Problem]:
    found = mismatches(
        pool.instance_type,
        settings.region.aws.region,
        _gpu_class(pool),
        block=pool.capacity == "block",
        local=pool.storage == "local",
    )
    region = f"{_REGION}.aws.region"
    for one in found:
        yield Problem(f"{path}.{one.field}", one.message, one.remedy, one.value, (region, f"{path}.instance_type"))
    if pool.storage == "local" and settings.eks is not None and settings.eks.images.local_disks is None:
        remedy = "Add `local_disks` to moltghost:eks.images, or use network volumes"
        yield Problem(f"{path}.storage", "needs the image that makes disks volumes", remedy, "local", (_EKS,))
    has_gpus = _gpu_class(pool) is not None
    if not found and has_gpus != (pool.purpose == "gpu"):
        message = f"does not fit {pool.instance_type}, which has {'GPUs' if has_gpus else 'no GPU'}"
        remedy = "Choose another type, or another purpose"
        yield Problem(f"{path}.purpose", message, remedy, pool.purpose, (f"{path}.instance_type",))


def releases_fit_the_cluster(settings: RegionSettings) -> Iterator[Problem]:
    """A node's kubelet is no newer than the control plane, and not too old for it."""
    for name, pool in settings.pools.items():
        if settings.eks is not None:
            version = f"1.{minor_of(pool.release)}"
            if wrong := skew_problem(settings.eks.version, version):
                path = f"{_POOLS}.{name}.release"
                yield Problem(
                    path, f"does not fit: {wrong}", "Name another release", pool.release, (f"{_EKS}.version",)
                )


def tunnels_are_somewhere(settings: RegionSettings) -> Iterator[Problem]:
    """Where the stack makes the region's tunnel, it is said where that is; a machine's tunnel is nowhere."""
    if settings.machine is None and settings.edge.location is None:
        remedy = "Give `{latitude: …, longitude: …}` in degrees"
        yield Problem("moltghost:edge.location", "is missing: Cloudflare picks the nearest region by it", remedy)


def gpu_plugin_is_sound(settings: RegionSettings) -> Iterator[Problem]:
    """The plugin that hands out GPUs is none with a known hole."""
    image = settings.eks.images.device_plugin if settings.eks else None
    version = _VERSION.search(image) if image else None
    if version is not None and tuple(map(int, version.groups())) < PLUGIN_FLOOR:
        floor = ".".join(map(str, PLUGIN_FLOOR))
        message = f"is older than {floor}, the first without CVE-2025-23266"
        yield Problem(f"{_EKS}.images.device_plugin", message, "Name a newer one", image)


def _gpu_class(pool: Pool) -> GpuClass | None:
    """The class of the pool's GPUs, which its type alone decides."""
    made_of = INSTANCE_TYPES.get(pool.instance_type)
    return made_of.gpu_class if made_of else None


def database_can_grow(settings: RegionSettings) -> Iterator[Problem]:
    """RDS wants the ceiling a tenth above what there is to begin with."""
    database = settings.database
    if database is not None and database.max_storage_gib * 10 < database.storage_gib * 11:
        path = "moltghost:database.max_storage_gib"
        message = f"is less than a tenth above {database.storage_gib}"
        yield Problem(path, message, "Raise it", database.max_storage_gib, ("moltghost:database.storage_gib",))


def agents_can_be_hosted(settings: RegionSettings) -> Iterator[Problem]:
    """A region that makes its cluster has GPUs in it."""
    if settings.eks is not None and settings.pools and not gpus_of(settings):
        yield Problem(_POOLS, "has no pool with GPUs, and every agent wants one", "Add one with `purpose: gpu`", None)
