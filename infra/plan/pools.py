"""A region's pools as its settings tell them, as the cluster's component reads them."""

from collections.abc import Sequence

from components.cluster.catalogue import INSTANCE_TYPES
from components.cluster.pools_spec import Block, Capacity, OnDemand, PoolSpec, Reservation
from components.cluster.upgrades import minor_of
from components.labels import TenantId
from infra.settings.eks import Pool


def pool_spec(name: str, pool: Pool, zones: Sequence[str]) -> PoolSpec:
    """The pool; `zones` are the cluster's, where it names none. Raises KeyError for a type not in the catalogue."""
    return PoolSpec(
        name=name,
        purpose=pool.purpose,
        instance_type=pool.instance_type,
        gpu_class=INSTANCE_TYPES[pool.instance_type].gpu_class,
        zones=tuple(pool.zones or zones),
        min_nodes=pool.min,
        max_nodes=pool.max,
        capacity=_capacity(pool),
        storage=pool.storage,
        tenant=None if pool.tenant is None else TenantId(pool.tenant),
        version=f"1.{minor_of(pool.release)}",
        release=pool.release,
        root_gb=pool.root_gb,
    )


def _capacity(pool: Pool) -> Capacity:
    if pool.reservation is None:
        return OnDemand()
    return Block(id=pool.reservation) if pool.capacity == "block" else Reservation(id=pool.reservation)
