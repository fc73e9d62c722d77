"""A region with what its stack leaves to be computed: the ranges of its block, the GPUs of its pools."""

from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Network

from components.cluster.catalogue import INSTANCE_TYPES, InstanceType
from components.network.addresses import ZONE_SLOTS, allocate
from infra.settings.eks import Pool
from infra.settings.kinds import RegionSettings
from infra.settings.models import GpuClass, Network, Region


def region_of(settings: RegionSettings) -> Region:
    """The region, whole. Of a cluster that is given its own figures count, of one that is made what follows."""
    cell = settings.region
    return Region(
        name=cell.name,
        network=cell.network or network_in(cell.block),
        gpu_classes=cell.gpu_classes or gpus_of(settings),
        gateway=cell.gateway,
        storage=cell.storage,
        backup=cell.backup,
        aws=cell.aws,
    )


def network_in(block: IPv4Network) -> Network:
    """The ranges of a block. Raises BlockError for one no region fits in."""
    ranges = allocate(block, ZONE_SLOTS)
    return Network.model_validate(
        {"nodes": str(ranges.vpc), "pods": str(ranges.pods), "services": str(ranges.services)}
    )


def dedicated_classes(settings: RegionSettings) -> dict[str, list[str]]:
    """The GPU classes each tenant has nodes of its own for."""
    found: dict[str, set[str]] = {}
    for pool in settings.pools.values():
        made_of = INSTANCE_TYPES.get(pool.instance_type)
        if pool.tenant is not None and made_of is not None and made_of.gpu_class is not None:
            found.setdefault(pool.tenant, set()).add(made_of.gpu_class)
    return {tenant: sorted(classes) for tenant, classes in sorted(found.items())}


def pools_for(settings: RegionSettings, tenant: str) -> Iterator[tuple[Pool, InstanceType]]:
    """The pools a tenant's agents can be on: of a class it has nodes of its own for those alone, of the others those
    that are no other tenant's."""
    own = dedicated_classes(settings).get(tenant, [])
    for pool in settings.pools.values():
        made_of = INSTANCE_TYPES.get(pool.instance_type)
        if made_of is None or made_of.gpu_class is None:
            continue
        if pool.tenant == (tenant if made_of.gpu_class in own else None):
            yield pool, made_of


def classes_for(settings: RegionSettings, tenant: str) -> dict[str, int]:
    """The GPUs a tenant's agents can be on, by class."""
    if settings.region.gpu_classes:  # of a cluster that is given, all are everybody's
        return {name: offered.count for name, offered in settings.region.gpu_classes.items()}
    counted: Counter[str] = Counter()
    for pool, made_of in pools_for(settings, tenant):
        counted[str(made_of.gpu_class)] += pool.max * made_of.gpus
    return dict(sorted(counted.items()))


def gpus_of(settings: RegionSettings) -> dict[str, GpuClass]:
    """The GPUs a region's pools can grow to, by class. Types that are not in the catalogue have none."""
    counted: Counter[str] = Counter()
    for pool in settings.pools.values():
        made_of = INSTANCE_TYPES.get(pool.instance_type)
        if made_of is not None and made_of.gpu_class is not None:
            counted[made_of.gpu_class] += pool.max * made_of.gpus
    return {name: GpuClass(count=count) for name, count in sorted(counted.items())}
