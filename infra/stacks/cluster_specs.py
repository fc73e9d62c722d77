"""A region's network, cluster, nodes and database as the specs of their components. Pure."""

from components.cluster.devices_spec import DevicesSpec
from components.cluster.eks_spec import AddonVersions, EksSpec
from components.cluster.pools_spec import PoolsSpec
from components.cluster.site_nodes_spec import SiteMachinesSpec, SiteNodesSpec
from components.database.spec import DatabaseSpec
from components.naming import PLATFORM, resource_name
from components.network.spec import NetworkSpec
from infra.plan import RegionPlan
from infra.plan.pools import pool_spec
from infra.plan.region_ceilings import network_of, ranges_of_nodes
from infra.plan.sites import Joined
from infra.settings.eks import Eks
from infra.settings.mesh import SiteNodes


def cluster_name(plan: RegionPlan) -> str:
    """What the cluster is called in its account."""
    return resource_name(PLATFORM, plan.region, "cluster")


def network_spec(plan: RegionPlan, eks: Eks, place: Joined | None = None) -> NetworkSpec:
    """The region's VPC, and which other sites it is joined to."""
    return network_of(plan.settings, eks, place)


def eks_spec(plan: RegionPlan, eks: Eks, place: Joined | None = None) -> EksSpec:
    """The control plane and its addons; and where else nodes of it are than in the region's own zones."""
    network, elsewhere = plan.cell.network, ranges_of_nodes(plan.settings, place)
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
        site_ranges=elsewhere,
        mtu=place.mtu_to([each.site for each in _nodes_at(plan)]) if place else None,
    )


def site_nodes_spec(plan: RegionPlan) -> SiteNodesSpec | None:
    """The machines of other sites that are its nodes, where there are any."""
    if not (listed := _nodes_at(plan)):
        return None
    return SiteNodesSpec(
        region=plan.region,
        aws_region=plan.cell.aws.region,
        account_id=plan.cell.aws.account_id,
        cluster=cluster_name(plan),
        sites=tuple(SiteMachinesSpec(site=each.site, gpu_class=each.gpu_class) for each in listed),
    )


def _nodes_at(plan: RegionPlan) -> list[SiteNodes]:
    return plan.settings.mesh.nodes_at if plan.settings.mesh else []


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
