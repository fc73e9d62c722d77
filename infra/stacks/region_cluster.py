"""A region's cluster as the stack makes it: its network, control plane, nodes, and what runs on each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from components.cluster.cilium import Cilium, CiliumArgs
from components.cluster.devices import Devices, DevicesArgs
from components.cluster.eks import Addons, AddonsArgs, Eks, EksArgs
from components.cluster.eks_spec import SECURE_PORT
from components.cluster.pools import Pools, PoolsArgs
from components.cluster.site_nodes import SiteNodes, SiteNodesArgs
from components.database.component import Database, DatabaseArgs
from components.naming import PLATFORM, resource_name
from components.network.component import Network, NetworkArgs
from infra import providers
from infra.outputs import DatabaseOutput, EksOutput
from infra.plan import RegionPlan
from infra.plan.sites import Joined
from infra.settings.eks import Eks as EksSettings
from infra.stacks import cluster_specs as specs
from infra.stacks.region_mesh import MeshGround, make_gateways


@dataclass(frozen=True)
class Grounds:
    """What a region's platform is put on: a cluster, and what of it must be there before a pod can run."""

    kubeconfig: pulumi.Output[str]
    api_server_port: int
    kubernetes: pulumi.ProviderResource
    needs: Sequence[pulumi.Resource] = ()
    volumes_key_arn: pulumi.Output[str] | None = None
    database: DatabaseOutput | None = None
    eks: EksOutput | None = None
    nat_addresses: Sequence[pulumi.Output[str]] = ()
    mesh_addresses: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    site_nodes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Around:
    """What a cluster is made beside: the region's place in the mesh, and the version its cluster runs already."""

    place: Joined | None = None
    running: str | None = None


def make_cluster(plan: RegionPlan, settings: EksSettings, around: Around) -> Grounds:
    """Declare the region's network, its gateways to other sites, cluster, nodes and database."""
    aws = _aws(plan)
    network_spec = specs.network_spec(plan, settings, around.place)
    network = Network(_named(plan, "network"), NetworkArgs(spec=network_spec, aws=aws))
    mesh, ground = plan.settings.mesh, MeshGround(network=network, spec=network_spec, aws=aws)
    addresses = make_gateways(plan, mesh, around.place, ground) if mesh is not None else {}
    eks_spec = specs.eks_spec(plan, settings, around.place)
    eks = Eks(
        _named(plan, "cluster"),
        EksArgs(
            spec=eks_spec,
            subnets=network.private_subnet_ids,
            security_groups=[network.security_groups["cluster"]],
            running=around.running,
            aws=aws,
            needs=network.ready,
        ),
    )
    # A secret, as a given cluster's is, though it holds none: tenants' stacks read either alike.
    kubeconfig: pulumi.Output[str] = pulumi.Output.secret(eks.kubeconfig)
    kubernetes = providers.kubernetes_provider(plan.region, kubeconfig)
    cilium = Cilium(
        _named(plan, "cilium"),
        CiliumArgs(spec=eks_spec, endpoint=eks.endpoint, kubernetes=kubernetes, needs=eks.ready),
    )
    site_nodes = _site_nodes(plan, eks, cilium, aws, kubernetes)
    pools = Pools(
        _named(plan, "pools"),
        PoolsArgs(
            spec=specs.pools_spec(plan, settings),
            cluster=eks.name,
            subnets=dict(zip(settings.zones, network.private_subnet_ids, strict=True)),
            # Not the group EKS makes: its members may send anywhere, and no list of ways out would hold.
            security_groups=[network.security_groups["nodes"]],
            aws=aws,
            needs=[*network.ready, *cilium.ready],
        ),
    )
    addons = Addons(_named(plan, "addons"), AddonsArgs(spec=eks_spec, cluster=eks.name, aws=aws, needs=pools.system))
    devices = Devices(
        _named(plan, "devices"),
        DevicesArgs(
            spec=specs.devices_spec(plan, settings),
            account_id=plan.cell.aws.account_id,
            aws=aws,
            kubernetes=kubernetes,
            needs=[*cilium.ready, *addons.ready],
        ),
    )
    needs = [*pools.system, *addons.ready, *devices.ready]
    database = _database(plan, network, aws)
    return Grounds(
        kubeconfig,
        SECURE_PORT,
        kubernetes,
        needs,
        pools.disks_key_arn,
        database,
        EksOutput(eks.name, eks.version),
        network.nat_addresses,
        addresses,
        site_nodes,
    )


def _site_nodes(
    plan: RegionPlan, eks: Eks, cilium: Cilium, aws: pulumi.ProviderResource, kubernetes: pulumi.ProviderResource
) -> dict[str, str]:
    """What machines of other sites join as, by site."""
    spec = specs.site_nodes_spec(plan)
    if spec is None:
        return {}
    args = SiteNodesArgs(spec=spec, cluster=eks.name, aws=aws, kubernetes=kubernetes, needs=cilium.ready)
    return SiteNodes(_named(plan, "site-nodes"), args).configs


def _database(plan: RegionPlan, network: Network, aws: pulumi.ProviderResource) -> DatabaseOutput | None:
    spec = specs.database_spec(plan)
    if spec is None:
        return None
    made = Database(
        _named(plan, "database"),
        DatabaseArgs(
            spec=spec,
            subnet_ids=network.database_subnet_ids,
            security_group_id=network.security_groups["database"],
            aws=aws,
        ),
    )
    return DatabaseOutput(made.endpoint, made.port, made.database, made.secret_arn)


def _aws(plan: RegionPlan) -> pulumi.ProviderResource:
    aws, machine = plan.cell.aws, plan.settings.machine
    return providers.aws_provider(
        plan.region, aws.region, aws.account_id, machine.aws_endpoint if machine is not None else None
    )


def _named(plan: RegionPlan, role: str) -> str:
    return resource_name(PLATFORM, plan.region, role)
