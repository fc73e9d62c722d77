"""The stack of one customer: its place and its agents in each of its regions, and its records at the edge."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network

import pulumi

from components.edge.tenant_edge import EdgeNamespaces, TenantEdge, TenantEdgeArgs
from components.labels import Region
from components.naming import resource_name
from infra import providers
from infra.outputs import CustomerOutputs
from infra.plan import CustomerPlan
from infra.plan.build import EVERYWHERE
from infra.plan.placement import when_lost
from infra.settings.models import Backup
from infra.stacks import access_specs
from infra.stacks.bundles import read_bundle
from infra.stacks.cell import Cell
from infra.stacks.customers import Ground, declare_customer
from infra.stacks.references import Reference


async def assemble(plan: CustomerPlan) -> CustomerOutputs:
    """Declare everything the plan says, and say what came of it.

    Raises pulumi.RunError if a stack it stands on has not been deployed, or its skills cannot be used.
    """
    settings = plan.settings
    everywhere = Reference(settings.global_stack)
    known = set(await everywhere.value("regions"))
    if unknown := [region for region in plan.regions if region not in known]:
        raise pulumi.RunError(f"{settings.global_stack} lists no region {', '.join(unknown)}: add it there first")
    grounds = [await _ground(plan, region) for region in plan.regions]
    require_sites(settings.placement.sites, [ground.cell for ground in grounds])
    places = [ground.cell.aws_region for ground in grounds]
    if len(set(places)) < len(places):
        told = f"{' and '.join(plan.regions)} are both {places[0]} at AWS"
        raise pulumi.RunError(f"{told}: what takes over must be elsewhere; change `failover` in moltghost:placement")
    regions = declare_customer(grounds, settings.tenant)
    await _declare_edge(plan, everywhere)
    losses = {each.region: each.why for each in when_lost(settings.placement)}
    return CustomerOutputs(plan.tenant, await everywhere.value("hostname"), regions, losses)


def require_sites(sites: Mapping[str, str], cells: Sequence[Cell]) -> None:
    """Raises pulumi.RunError for agents at sites whose machines are no nodes of any of the customer's regions."""
    if strangers := sorted(agent for agent in sites if not any(agent in cell.sites for cell in cells)):
        told = ", ".join(f"{agent} at {sites[agent]}" for agent in strangers)
        regions = ", ".join(cell.region for cell in cells)
        remedy = "list it under moltghost:mesh.nodes_at of one of them and deploy that first"
        raise pulumi.RunError(f"{told}: no such site's machines are nodes of {regions}; {remedy}")


async def _ground(plan: CustomerPlan, region: Region) -> Ground:
    settings = plan.settings
    machine = settings.machine
    stack = Reference(settings.region_stacks[region])
    site_nodes: Mapping[str, str] = await stack.find("site_nodes") or {}
    cell = Cell(
        region=region,
        aws_region=await stack.value("aws_region"),
        account_id=await stack.value("account_id"),
        backup=Backup.model_validate(await stack.value("backup")),
        gateway_namespace=await stack.value("gateway_namespace"),
        never=tuple(map(IPv4Network, await stack.value("never"))),
        agent_image=await stack.value("agent_image"),
        edge_keys=await stack.value("edge_keys"),
        artifacts=machine.models if machine else {},
        dedicated=frozenset((await stack.value("dedicated")).get(plan.tenant, ())),
        sites={agent: site for agent, site in settings.placement.sites.items() if site in site_nodes},
    )
    if (told := await stack.value("region")) != region:
        raise pulumi.RunError(f"{stack.stack} is the stack of region {told}, not of {region}")
    endpoint = machine.aws_endpoint if machine else None
    return Ground(
        cell=cell,
        kubernetes=providers.kubernetes_provider(region, await stack.secret("kubeconfig")),
        aws=providers.aws_provider(region, cell.aws_region, cell.account_id, endpoint),
        models=settings.models,
        bundle=read_bundle(plan.tenant, settings.tenant.skills),
        agent_secrets=pulumi.Config().require_secret("agentSecrets"),
    )


async def _declare_edge(plan: CustomerPlan, everywhere: Reference) -> None:
    machine = plan.settings.machine
    ids: Mapping[str, str] = await everywhere.value("namespaces")
    args = TenantEdgeArgs(
        spec=access_specs.tenant_edge_spec(
            plan.settings.tenant, EVERYWHERE, await everywhere.value("account_id"), plan.regions
        ),
        namespaces=EdgeNamespaces(**ids),
        cloudflare=providers.cloudflare_provider(EVERYWHERE, machine.cloudflare_endpoint if machine else None),
    )
    TenantEdge(resource_name(plan.tenant, EVERYWHERE, "edge"), args)
