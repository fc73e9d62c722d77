"""Rules between stacks: what regions and customers take from each other, and nothing twice over the fleet.

A machine's stacks are judged alike: their addresses are the fleet's too.
"""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

from components.cluster.catalogue import largest_agent, nodes_for
from infra.plan.capacity import capacity_problems
from infra.plan.cells import classes_for, dedicated_classes, pools_for, region_of
from infra.plan.mesh import mesh_spec
from infra.plan.placement import placed_in
from infra.plan.region_ceilings import Promised, region_ceilings
from infra.plan.site_nodes import agents_at, agents_here, faults, nodes_at
from infra.plan.sites import Joined, joined, site_faults
from infra.settings.client_cas import key_identifier, load_ca
from infra.settings.eks import Eks
from infra.settings.kinds import GlobalSettings, RegionSettings, TenantSettings
from infra.settings.models import Agent, Egress, Tenant
from infra.settings.problems import Problem
from runtime.contract import edge

_BLOCK, _TENANT, _PLACEMENT = "moltghost:region.block", "moltghost:tenant", "moltghost:placement"
_SHARED_EDGE = ("account_id", "zone_id", "zone")


@dataclass(frozen=True)
class Fleet:
    """Every stack of a fleet, by the stack's name.

    `whole` says that none is missing because it could not be read: only then does an absence mean anything.
    """

    everywhere: Mapping[str, GlobalSettings]
    regions: Mapping[str, RegionSettings]
    tenants: Mapping[str, TenantSettings]
    whole: bool = True

    def listed(self) -> tuple[str, GlobalSettings] | None:
        """The stack that lists the regions, where there is one."""
        return next(iter(self.everywhere.items()), None)

    def place_of(self, region: str) -> Joined | None:
        """A region's place in the mesh, where it is a site of it."""
        listed = self.listed()
        if listed is None or listed[1].mesh is None:
            return None
        return joined(mesh_spec(listed[1].mesh, listed[1].sites), region)

    def promised_in(self, region: str) -> Promised:
        """What a region's tenants, those it may have to take over among them, may have in its own zones together."""
        here = [each for each in self.tenants.values() if region in placed_in(each.placement)]
        found = self.region(region)
        away = [agent for each in here for _, agent, _ in (agents_at(each, found[1]) if found else ())]
        agents = sum(each.tenant.quota.agents for each in here) - len(away)
        volumes = sum(each.tenant.quota.volumes_gb for each in here) - sum(agent.volume_gb for agent in away)
        return Promised(agents, volumes)

    def region(self, name: str) -> tuple[str, RegionSettings] | None:
        """The stack of a region, by the region's name."""
        return next(((stack, one) for stack, one in self.regions.items() if one.region.name == name), None)


@dataclass(frozen=True)
class Verdict:
    """What is wrong in one stack's file; `others` are the stacks it rests on beside that one."""

    stack: str
    problem: Problem
    others: tuple[str, ...] = ()


Rule = Callable[[Fleet], Iterator[Verdict]]


def there_is_one_global(fleet: Fleet) -> Iterator[Verdict]:
    """One stack lists the regions."""
    stacks = list(fleet.everywhere)
    for stack in stacks[1:]:
        message = f"is what Pulumi.{stacks[0]}.yaml is already: a fleet has one edge"
        yield Verdict(stack, Problem("moltghost:kind", message, "Keep one of the two", "global"), (stacks[0],))
    if not stacks and fleet.whole:
        for stack in (*fleet.regions, *fleet.tenants):
            message = "leads nowhere: no stack here is of kind global"
            yield Verdict(stack, Problem("moltghost:global_stack", message, "Write Pulumi.global.yaml first"))


def references_lead_to_the_fleets_own(fleet: Fleet) -> Iterator[Verdict]:
    """What a stack names as another is that one."""
    listed = fleet.listed()
    users: dict[str, RegionSettings | TenantSettings] = {**fleet.regions, **fleet.tenants}
    for stack, settings in users.items():
        if listed is not None and _stack_of(settings.global_stack) != listed[0]:
            remedy = f"Name {settings.global_stack.rpartition('/')[0]}/{listed[0]}"
            problem = Problem(
                "moltghost:global_stack", "is not the fleet's global stack", remedy, settings.global_stack
            )
            yield Verdict(stack, problem, (listed[0],))
    for stack, tenant in fleet.tenants.items():
        for region, named in tenant.region_stacks.items():
            found = fleet.region(region)
            if found is not None and _stack_of(named) != found[0]:
                path = f"moltghost:region_stacks.{region}"
                remedy = f"Name {named.rpartition('/')[0]}/{found[0]}"
                yield Verdict(stack, Problem(path, f"is not the stack of region {region}", remedy, named), (found[0],))


def _stack_of(reference: str) -> str:
    return reference.rpartition("/")[2]


def regions_have_one_stack(fleet: Fleet) -> Iterator[Verdict]:
    """A region is declared once."""
    yield from _once(
        [(stack, "moltghost:region.name", one.region.name) for stack, one in fleet.regions.items()], "a region"
    )


def regions_are_listed_with_their_block(fleet: Fleet) -> Iterator[Verdict]:
    """The `global` stack knows each region, with the block its own stack has; and lists none there is no stack for."""
    listed = fleet.listed()
    if listed is None:
        return
    stack, everywhere = listed
    for name, settings in fleet.regions.items():
        region = settings.region
        known = everywhere.regions.get(region.name)
        place = f"moltghost:regions.{region.name}"
        if known is None:
            remedy = f"Add `{region.name}: {{block: {region.block}}}` to moltghost:regions of Pulumi.{stack}.yaml"
            problem = Problem("moltghost:region.name", f"is not listed in Pulumi.{stack}.yaml", remedy, region.name)
            yield Verdict(name, problem, (stack,))
        elif known.block != region.block:
            message = f"is not {known.block}, as {place}.block of Pulumi.{stack}.yaml says"
            yield Verdict(name, Problem(_BLOCK, message, "Write one block in both", str(region.block)), (stack,))
    if fleet.whole:
        for region_name in everywhere.regions:
            if fleet.region(region_name) is None:
                remedy = "Write one with `moltghost region add`, or take the region out"
                yield Verdict(stack, Problem(f"moltghost:regions.{region_name}", "has no stack", remedy))


def blocks_are_apart(fleet: Fleet) -> Iterator[Verdict]:
    """No two regions share an address, whether they are listed or not."""
    seen: list[tuple[str, RegionSettings]] = []
    for stack, settings in fleet.regions.items():
        for other, earlier in seen:
            if settings.region.block.overlaps(earlier.region.block):
                message = f"overlaps {earlier.region.block}, {_BLOCK} of Pulumi.{other}.yaml"
                problem = Problem(_BLOCK, message, "Give each region a block of its own", str(settings.region.block))
                yield Verdict(stack, problem, (other,))
        seen.append((stack, settings))


def regions_are_in_the_edges_zone(fleet: Fleet) -> Iterator[Verdict]:
    """A region's tunnel is made where the Worker looks for it."""
    listed = fleet.listed()
    if listed is None:
        return
    stack, everywhere = listed
    for name, settings in fleet.regions.items():
        for field in _SHARED_EDGE:
            own, shared = getattr(settings.edge, field), getattr(everywhere.edge, field)
            if own != shared:
                message = f"is not {shared}, as moltghost:edge.{field} of Pulumi.{stack}.yaml says"
                yield Verdict(name, Problem(f"moltghost:edge.{field}", message, "Write one in both", own), (stack,))


def customers_are_where_regions_are(fleet: Fleet) -> Iterator[Verdict]:
    """Every region a customer names is one of the fleet's; so is every other site its data may be at."""
    listed = fleet.listed()
    if listed is None:
        return
    stack, everywhere = listed
    sites = {site.name for site in everywhere.sites if site.kind != "region"}
    for name, settings in fleet.tenants.items():
        for path, region in _named_regions(settings, sites):
            if region not in everywhere.regions:
                remedy = f"Name one of {', '.join(everywhere.regions)}"
                yield Verdict(name, Problem(path, f"is not listed in Pulumi.{stack}.yaml", remedy, region), (stack,))


def _named_regions(settings: TenantSettings, sites: Collection[str]) -> Iterator[tuple[str, str]]:
    placement = settings.placement
    yield f"{_PLACEMENT}.home", placement.home
    if placement.failover is not None:
        yield f"{_PLACEMENT}.failover", placement.failover
    for at, place in enumerate(placement.residency):
        if place not in sites:
            yield f"{_PLACEMENT}.residency[{at}]", place


def gpu_classes_are_offered(fleet: Fleet) -> Iterator[Verdict]:
    """An agent's GPU class is to be had in each region its tenant is in."""
    for name, settings in fleet.tenants.items():
        for region in placed_in(settings.placement):
            found = fleet.region(region)
            if found is None:
                continue
            offered = classes_for(found[1], settings.tenant.id)
            for at, agent in agents_here(settings, found[1]):
                if agent.gpu_class not in offered:
                    path = f"{_TENANT}.agents[{at}].gpu_class"
                    remedy = f"Choose one of {', '.join(sorted(offered))}, or place the tenant elsewhere"
                    taken = agent.gpu_class in region_of(found[1]).gpu_classes
                    message = f"is not offered in region {region}" + (" but on other tenants' nodes" if taken else "")
                    yield Verdict(name, Problem(path, message, remedy, agent.gpu_class), (found[0],))


def agents_fit_beside_their_gpu(fleet: Fleet) -> Iterator[Verdict]:
    """An agent asks for no more cores and memory than a node has for each GPU: else GPUs of it would lie idle, or the
    agent wait for ever."""
    for name, settings in fleet.tenants.items():
        for region in placed_in(settings.placement):
            found = fleet.region(region)
            if found is None or found[1].eks is None:
                continue
            pools = list(pools_for(found[1], settings.tenant.id))
            for at, agent in agents_here(settings, found[1]):
                shares = [largest_agent(made.name) for _, made in pools if made.gpu_class == agent.gpu_class]
                for field, most in zip(("cpu", "memory_gib"), map(max, zip(*shares, strict=True)), strict=False):
                    asked = getattr(agent, field)
                    if asked > most:
                        path = f"{_TENANT}.agents[{at}].{field}"
                        message = (
                            f"is more than the {most:.1f} a node of region {region} has for each {agent.gpu_class}"
                        )
                        remedy = f"Ask for less, or give Pulumi.{found[0]}.yaml a pool of a larger type"
                        yield Verdict(name, Problem(path, message, remedy, asked), (found[0],))


def own_nodes_are_used_whole(fleet: Fleet) -> Iterator[Verdict]:
    """Who has nodes of its own, and agents on no others, is promised whole nodes: nobody else can use what is left."""
    for name, settings in fleet.tenants.items():
        tenant = settings.tenant
        for region in placed_in(settings.placement):
            found = fleet.region(region)
            own = dedicated_classes(found[1]).get(tenant.id, []) if found else []
            if found is None or not own or any(agent.gpu_class not in own for agent in tenant.agents):
                continue
            types = {made.name for pool, made in pools_for(found[1], tenant.id) if pool.tenant == tenant.id}
            if len(types) == 1 and (problem := _broken_nodes(tenant.quota.gpus, *types)):
                yield Verdict(name, problem, (found[0],))


def _broken_nodes(gpus: int, instance_type: str) -> Problem | None:
    try:
        nodes_for(gpus, instance_type)
    except ValueError as error:
        message, _, remedy = str(error).partition(": ")
        return Problem(f"{_TENANT}.quota.gpus", message, remedy.capitalize(), gpus)
    return None


def what_takes_over_is_another_aws_region(fleet: Fleet) -> Iterator[Verdict]:
    """A customer's two regions are two of AWS's: its snapshots in one are copied into the other, to outlive it."""
    for name, settings in fleet.tenants.items():
        found = [fleet.region(region) for region in placed_in(settings.placement)]
        placed = [one for one in found if one is not None]
        if len(placed) == 2 and placed[0][1].region.aws.region == placed[1][1].region.aws.region:
            message = f"is {placed[0][1].region.aws.region} at AWS, as home is, and would be lost with it"
            remedy = "Name a region that is elsewhere at AWS, or leave it out and nothing takes over"
            problem = Problem(f"{_PLACEMENT}.failover", message, remedy, settings.placement.failover)
            yield Verdict(name, problem, tuple(stack for stack, _ in placed))


def agents_have_a_way_out(fleet: Fleet) -> Iterator[Verdict]:
    """What an agent may reach, its regions' nodes may reach too: else its connections time out without a word.

    At a site they leave by the site's own router, of which no stack knows.
    """
    for name, settings in fleet.tenants.items():
        for region in placed_in(settings.placement):
            found = fleet.region(region)
            if found is None or found[1].eks is None:
                continue
            for path, rule in _egress_of(agents_here(settings, found[1])):
                shut = [port for port in rule.ports if not _is_open(found[1].eks, rule.cidr, port)]
                if shut:
                    ports = ", ".join(map(str, shut))
                    message = f"is not open in region {region} (TCP {ports})"
                    remedy = f"Add the range with its ports to moltghost:eks.egress of Pulumi.{found[0]}.yaml"
                    yield Verdict(name, Problem(path, message, remedy, str(rule.cidr)), (found[0],))


def _egress_of(agents: Iterable[tuple[int, Agent]]) -> Iterator[tuple[str, Egress]]:
    for at, agent in agents:
        for number, rule in enumerate(agent.egress):
            yield f"{_TENANT}.agents[{at}].egress[{number}].cidr", rule


def _is_open(eks: Eks, cidr: IPv4Network, port: int) -> bool:
    return any(cidr.subnet_of(each.range) and port in each.ports and each.protocol == "tcp" for each in eks.egress)


def quotas_fit_their_regions(fleet: Fleet) -> Iterator[Verdict]:
    """No region has fewer GPUs than its customers are promised, nor fewer open to one of them than it is; where one may
    have to take over, it is promised too."""
    promised: Counter[str] = Counter()
    over: set[str] = set()
    for name, settings in fleet.tenants.items():
        for region in placed_in(settings.placement):
            found = fleet.region(region)
            if found is None or region in over:
                continue
            there = sum(offered.count for offered in region_of(found[1]).gpu_classes.values())
            open_to_it = sum(classes_for(found[1], settings.tenant.id).values())
            here = settings.tenant.quota.gpus - len(list(agents_at(settings, found[1])))
            promised[region] += here
            if here > open_to_it:
                message = f"is more than the {open_to_it} GPUs of region {region} it can be on"
                remedy = f"Lower it, or add nodes to Pulumi.{found[0]}.yaml that are no other tenant's"
                problem = Problem(f"{_TENANT}.quota.gpus", message, remedy, settings.tenant.quota.gpus)
                yield Verdict(name, problem, (found[0],))
            elif promised[region] > there:
                over.add(region)
                message = f"brings the GPUs promised in region {region} to {promised[region]}; it has {there}"
                remedy = f"Lower quotas, or add nodes to Pulumi.{found[0]}.yaml"
                problem = Problem(f"{_TENANT}.quota.gpus", message, remedy, settings.tenant.quota.gpus)
                yield Verdict(name, problem, (found[0],))


def nodes_elsewhere_are_machines_of_sites(fleet: Fleet) -> Iterator[Verdict]:
    """Machines that are to be a region's nodes are at a site that is joined to it, and are no other region's."""
    listed, taken = fleet.listed(), dict[str, str]()
    for stack, settings in fleet.regions.items():
        place = fleet.place_of(settings.region.name)
        if listed:
            yield from (Verdict(stack, problem, (listed[0],)) for problem in faults(settings, listed[1], place))
        for at, site in enumerate(nodes_at(settings)):
            other = taken.setdefault(site, stack)
            if other != stack:
                message = f"has machines that are nodes of Pulumi.{other}.yaml's region already"
                remedy = "A machine is a node of one cluster: keep one of the two"
                yield Verdict(stack, Problem(f"moltghost:mesh.nodes_at[{at}].site", message, remedy, site), (other,))


def agents_find_machines_at_their_sites(fleet: Fleet) -> Iterator[Verdict]:
    """An agent's site has machines of its class for it, in one of its customer's regions, and enough beside the GPU."""
    for name, settings in fleet.tenants.items():
        found = [each for each in map(fleet.region, placed_in(settings.placement)) if each is not None]
        sites = {site for _, region in found for site in nodes_at(region)}
        for agent_name, site in settings.placement.sites.items():
            if found and site not in sites:
                regions = ", ".join(region.region.name for _, region in found)
                remedy = f"List it under moltghost:mesh.nodes_at of Pulumi.{found[0][0]}.yaml, or take it out"
                problem = Problem(f"{_PLACEMENT}.sites.{agent_name}", f"has no nodes of {regions}", remedy, site)
                yield Verdict(name, problem, tuple(stack for stack, _ in found))
        for stack, region in found:
            for at, agent, machines in agents_at(settings, region):
                for field in ("gpu_class", "cpu", "memory_gib"):
                    asked, there = getattr(agent, field), getattr(machines, field)
                    if asked != there if field == "gpu_class" else asked > there:
                        message = f"is not to be had at {machines.site}, whose machines have {there} for an agent"
                        problem = Problem(
                            f"{_TENANT}.agents[{at}].{field}", message, f"Ask for {there}, or place it elsewhere", asked
                        )
                        yield Verdict(name, problem, (stack,))


def sites_hold_their_agents(fleet: Fleet) -> Iterator[Verdict]:
    """No site has fewer GPUs than agents are placed there."""
    for stack, region in fleet.regions.items():
        placed = Counter[str]()
        for name, settings in fleet.tenants.items():
            if region.region.name not in placed_in(settings.placement):
                continue
            for _, agent, machines in agents_at(settings, region):
                placed[machines.site] += 1
                there = machines.machines * machines.gpus
                if placed[machines.site] == there + 1:
                    message = f"brings the agents at {machines.site} above its {there} GPUs"
                    remedy = f"Place it elsewhere, or give the site more machines in Pulumi.{stack}.yaml"
                    path = f"{_PLACEMENT}.sites.{agent.name}"
                    yield Verdict(name, Problem(path, message, remedy, machines.site), (stack,))


def nodes_of_one_tenant_have_one(fleet: Fleet) -> Iterator[Verdict]:
    """A pool that is one tenant's is one's that is in the region."""
    for stack, settings in fleet.regions.items():
        here = {each.tenant.id for each in fleet.tenants.values() if settings.region.name in placed_in(each.placement)}
        for pool, declared in settings.pools.items():
            if declared.tenant is not None and declared.tenant not in here and fleet.whole:
                path = f"moltghost:pools.{pool}.tenant"
                remedy = f"Name one of {', '.join(sorted(here))}" if here else "Take it out"
                yield Verdict(stack, Problem(path, "is no tenant of this region", remedy, declared.tenant))


def nothing_is_two_tenants(fleet: Fleet) -> Iterator[Verdict]:
    """Ids, hooks, API keys, issuers and certificates each lead to one tenant: their records lie side by side."""
    found: dict[str, list[tuple[str, str, Hashable]]] = {}
    for stack, settings in fleet.tenants.items():
        for what, path, value in _identities(settings.tenant):
            found.setdefault(what, []).append((stack, f"{_TENANT}.{path}", value))
    for what, places in found.items():
        yield from _once(places, what)


def _identities(tenant: Tenant) -> Iterator[tuple[str, str, Hashable]]:
    """What a tenant is known by: what it is, where it stands, and its value."""
    yield "a tenant's id", "id", tenant.id
    yield from (("a hook's id", f"hooks[{at}].id", hook.id) for at, hook in enumerate(tenant.hooks))
    yield from (("a hash", f"api_keys[{at}].hash", key.hash) for at, key in enumerate(tenant.api_keys))
    yield from (("an issuer", f"issuers[{at}].issuer", one.issuer) for at, one in enumerate(tenant.issuers))
    for at, one in enumerate(tenant.certificates):
        yield "a certificate", f"certificates[{at}].common_name", edge.certificate_key(one.authority, one.common_name)


def _once(places: list[tuple[str, str, Hashable]], what: str) -> Iterator[Verdict]:
    """A verdict for each place whose value another stack has at an earlier one."""
    first: dict[Hashable, tuple[str, str]] = {}
    for stack, path, value in places:
        other, there = first.setdefault(value, (stack, path))
        if other != stack:
            message = f"is {what} twice: {there} of Pulumi.{other}.yaml is the same"
            yield Verdict(stack, Problem(path, message, "Give each its own", value), (other,))


def certificates_have_a_ca(fleet: Fleet) -> Iterator[Verdict]:
    """What signs a tenant's client certificate is a CA the edge trusts."""
    listed = fleet.listed()
    if listed is None:
        return
    stack, everywhere = listed
    cas = everywhere.edge.client_cas.values()
    trusted = {key_identifier(load_ca(ca.certificate)) for ca in cas if ca.trusted}
    for name, settings in fleet.tenants.items():
        for at, one in enumerate(settings.tenant.certificates):
            if one.authority not in trusted:
                path = f"{_TENANT}.certificates[{at}].authority"
                remedy = f"List that CA under moltghost:edge.client_cas of Pulumi.{stack}.yaml"
                yield Verdict(name, Problem(path, "is no CA the edge trusts", remedy, one.authority), (stack,))


def joined_regions_are_sites(fleet: Fleet) -> Iterator[Verdict]:
    """A region whose gateways are to be there is a site the others know."""
    listed = fleet.listed()
    if listed is None:
        return
    sites = {site.name for site in listed[1].sites}
    for stack, settings in fleet.regions.items():
        if settings.mesh is not None and settings.mesh.joined and settings.region.name not in sites:
            message = f"is no site of Pulumi.{listed[0]}.yaml"
            remedy = "List it there (docs/runbooks/add-a-site.md), or say `joined: false` until its addresses are made"
            yield Verdict(stack, Problem("moltghost:mesh", message, remedy), (listed[0],))


def sites_are_what_their_regions_make(fleet: Fleet) -> Iterator[Verdict]:
    """A region that makes its network is the site the others are told of: its ranges, its gateways, their addresses."""
    listed = fleet.listed()
    if listed is None:
        return
    stack, everywhere = listed
    specs = {each.name: each for each in mesh_spec(everywhere.mesh, everywhere.sites).sites} if everywhere.mesh else {}
    for at, site in enumerate(everywhere.sites):
        found, path = fleet.region(site.name), f"moltghost:sites[{at}]"
        if found is None or found[1].eks is None:
            continue
        for fault in site_faults(found[1], specs[site.name]):
            place = f"{path}.{fault.field}" if fault.field else path
            yield Verdict(stack, Problem(place, fault.message, fault.remedy, fault.value), (found[0],))
        for each, gateway in enumerate(site.gateways):
            if gateway.machine is not None:
                message = f"is one Pulumi.{found[0]}.yaml makes"
                yield Verdict(stack, Problem(f"{path}.gateways[{each}].machine", message, "Take it out"), (found[0],))


def regions_hold_what_the_fleet_brings(fleet: Fleet) -> Iterator[Verdict]:
    """What its neighbours bring a region, routes and rules, and its tenants, agents and volumes, is below what AWS
    allows."""
    for stack, settings in fleet.regions.items():
        name = settings.region.name
        place, tenants = fleet.place_of(name), fleet.promised_in(name)
        if settings.eks is None or (place is not None and any(site_faults(settings, place.site))):
            continue
        others = [*fleet.everywhere]
        others += [each for each, of in fleet.tenants.items() if name in placed_in(of.placement)]
        for problem in capacity_problems(region_ceilings(settings, place, tenants)):
            yield Verdict(stack, problem, tuple(others))


RULES: tuple[Rule, ...] = (
    there_is_one_global,
    references_lead_to_the_fleets_own,
    regions_have_one_stack,
    regions_are_listed_with_their_block,
    blocks_are_apart,
    regions_are_in_the_edges_zone,
    customers_are_where_regions_are,
    gpu_classes_are_offered,
    agents_fit_beside_their_gpu,
    own_nodes_are_used_whole,
    what_takes_over_is_another_aws_region,
    agents_have_a_way_out,
    quotas_fit_their_regions,
    nodes_elsewhere_are_machines_of_sites,
    agents_find_machines_at_their_sites,
    sites_hold_their_agents,
    nodes_of_one_tenant_have_one,
    nothing_is_two_tenants,
    certificates_have_a_ca,
    joined_regions_are_sites,
    sites_are_what_their_regions_make,
    regions_hold_what_the_fleet_brings,
)
