"""A region's network, cluster, nodes and database as the specs of their components. Pure."""

from components.cluster.devices_spec import DevicesSpec
from components.cluster.eks_spec import AddonVersions, EksSpec
from components.cluster.pools_spec import PoolsSpec
from components.database.spec import DatabaseSpec
from components.naming import PLATFORM, resource_name
from components.network.spec import NetworkSpec
from infra.plan import RegionPlan
from infra.plan.pools import pool_spec
from infra.plan.region_ceilings import network_of
from infra.plan.sites import Joined
from infra.settings.eks import Eks


def cluster_name(plan: RegionPlan) -> str:
    """What the cluster is called in its account."""
    return resource_name(PLATFORM, plan.region, "cluster")


def network_spec(plan: RegionPlan, eks: Eks, place: Joined | None = None) -> NetworkSpec:
    """The region's VPC, and which other sites it is joined to."""
    return network_of(plan.settings, eks, place)


def eks_spec(plan: RegionPlan, eks: Eks) -> EksSpec:
    """The control plane and its addons."""
    network = plan.cell.network
    return EksSpec(
        region=plan.region,
        aws_region=plan.cell.aws.region,
        account_id=plan.cell.aws.account_id,
        name=cluster_name(plan),
        version=eks.version,
        service_cidr=network.services,
        pod_cidr=network.pods,
        admins=tuple(eks.admins),
        api_sources=tuple(eks.api_sources),
        addons=AddonVersions(**eks.addons.model_dump()),
        model_buckets=tuple(eks.model_buckets),
        log_retention_days=eks.log_retention_days,
        deletion_protection=not eks.delete_with_stack,
        cilium_registry=eks.images.cilium,
    )


def pools_spec(plan: RegionPlan, eks: Eks) -> PoolsSpec:
    """The pools, each in its zones."""
    return PoolsSpec(
        region=plan.region,
        aws_region=plan.cell.aws.region,
        account_id=plan.cell.aws.account_id,
        cluster=cluster_name(plan),
        cluster_version=eks.version,
        deletion_protection=not eks.delete_with_stack,
        pools=tuple(pool_spec(name, pool, eks.zones) for name, pool in plan.settings.pools.items()),
    )


def devices_spec(plan: RegionPlan, eks: Eks) -> DevicesSpec:
    """What runs on nodes beside agents."""
    return DevicesSpec(
        region=plan.region,
        aws_region=plan.cell.aws.region,
        cluster=cluster_name(plan),
        api_server_nodes=plan.cell.network.nodes,
        device_plugin_image=eks.images.device_plugin,
        autoscaler_image=eks.images.autoscaler,
        local_disks_image=eks.images.local_disks,
    )


def database_spec(plan: RegionPlan) -> DatabaseSpec | None:
    """The region's database, where it has one."""
    database = plan.settings.database
    if database is None:
        return None
    return DatabaseSpec(
        region=plan.region,
        aws_region=plan.cell.aws.region,
        account_id=plan.cell.aws.account_id,
        identifier=resource_name(PLATFORM, plan.region, "database"),
        instance_class=database.instance_class,
        storage_gib=database.storage_gib,
        max_storage_gib=database.max_storage_gib,
        backup_retention_days=database.backup_days,
        delete_with_stack=database.delete_with_stack,
    )
