"""Machines of other sites that are nodes of a region's cluster: which may be, and which agents find room on them."""

from collections.abc import Iterator

from components.cluster.eks_spec import LEAST_MTU
from components.network.addresses import PRIVATE
from infra.plan.identity import repeated
from infra.plan.sites import Joined
from infra.settings.kinds import GlobalSettings, RegionSettings, TenantSettings
from infra.settings.mesh import Site, SiteNodes
from infra.settings.models import Agent
from infra.settings.problems import Problem

_NODES, _SITES, _PLACED = "moltghost:mesh.nodes_at", "moltghost:sites", "moltghost:placement.sites"
_KINDS = ("gpu", "metal")


def nodes_at(settings: RegionSettings) -> dict[str, SiteNodes]:
    """The machines that are a region's nodes elsewhere, by their site."""
    return {each.site: each for each in settings.mesh.nodes_at} if settings.mesh else {}


def agents_at(settings: TenantSettings, region: RegionSettings) -> Iterator[tuple[int, Agent, SiteNodes]]:
    """A customer's agents on a region's machines at other sites: their places in the list, and those machines."""
    there, placed = nodes_at(region), settings.placement.sites
    for at, agent in enumerate(settings.tenant.agents):
        if (machines := there.get(placed.get(agent.name, ""))) is not None:
            yield at, agent, machines


def agents_here(settings: TenantSettings, region: RegionSettings) -> list[tuple[int, Agent]]:
    """A customer's other agents, which are on nodes of the region's own: their places in the list."""
    away = {at for at, _, _ in agents_at(settings, region)}
    return [(at, agent) for at, agent in enumerate(settings.tenant.agents) if at not in away]


def nodes_elsewhere_can_be(settings: RegionSettings) -> Iterator[Problem]:
    """What a region alone can say of them: each site once; its gateways are up; agents have volumes there."""
    if settings.mesh is None or not settings.mesh.nodes_at:
        return
    yield from repeated([(f"{_NODES}[{at}].site", one.site) for at, one in enumerate(settings.mesh.nodes_at)], "a site")
    if not settings.mesh.joined:
        remedy = "Say `joined: true`, or take it out until then"
        yield Problem(_NODES, "are reached by the mesh, and the region is not joined", remedy, None, (_NODES,))
    if settings.eks is not None and settings.eks.images.local_disks is None:
        remedy = "Add `local_disks` to moltghost:eks.images"
        yield Problem(_NODES, "needs the image that makes disks volumes", remedy, None, ("moltghost:eks",))


def faults(region: RegionSettings, everywhere: GlobalSettings, place: Joined | None) -> Iterator[Problem]:
    """Sites that can't be where a region's nodes are, as the global stack has them; `place` is the region's own."""
    listed = {site.name: site for site in everywhere.sites}
    for at, one in enumerate(region.mesh.nodes_at if region.mesh else ()):
        path, site = f"{_NODES}[{at}].site", listed.get(one.site)
        if site is None:
            remedy = f"List it under {_SITES} there, or name one of {', '.join(_fit(listed)) or 'those it will have'}"
            yield Problem(path, "is no site of the global stack", remedy, one.site)
        elif site.kind not in _KINDS:
            remedy = f"Name a site of kind {' or '.join(_KINDS)}"
            yield Problem(path, f"is of kind {site.kind}: it has no machines for agents", remedy, one.site)
        elif place is not None and one.site not in place.neighbours:
            remedy = f"Add {region.region.name} to its `neighbours` in {_SITES}"
            yield Problem(path, "is not joined to this region", remedy, one.site)
        else:
            yield from _unreached(path, site, place)


def _fit(listed: dict[str, Site]) -> list[str]:
    return [name for name, site in listed.items() if site.kind in _KINDS]


def _unreached(path: str, site: Site, place: Joined | None) -> Iterator[Problem]:
    """EKS takes nodes that AWS didn't start from private ranges alone
    (https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-networking.html, 2026-11).
    """
    for network in site.ranges:
        if not any(network.subnet_of(private) for private in PRIVATE):
            remedy = f"Give the site ranges out of {', '.join(map(str, PRIVATE))}"
            yield Problem(path, f"has {network}, where EKS takes no nodes from", remedy, site.name)
    mtu = place.mtu_to([site.name]) if place is not None else None
    if mtu is not None and mtu < LEAST_MTU:
        message = f"is reached by tunnels of {mtu} bytes, too few for pods' packets within"
        yield Problem(path, message, f"Join it by a way whose tunnels carry {LEAST_MTU} bytes", site.name)


def agents_at_sites_can_be(settings: TenantSettings) -> Iterator[Problem]:
    """Who is placed at a site is an agent, its data may be there, and its model can be had there."""
    agents = {agent.name: agent for agent in settings.tenant.agents}
    for name, site in settings.placement.sites.items():
        path = f"{_PLACED}.{name}"
        if (agent := agents.get(name)) is None:
            yield Problem(path, "is no agent of this customer", f"Name one of {', '.join(agents)}", site)
            continue
        if site not in settings.placement.residency:
            remedy = "Let the customer agree to it and add it to residency, or take it out"
            message = "is not among the places the data may be in"
            yield Problem(path, message, remedy, site, ("moltghost:placement.residency",))
        model = settings.models.get(agent.model)
        if model is not None and model.bucket is not None:
            remedy = f"Give moltghost:models.{agent.model} an `image` or a `claim`"
            yield Problem(path, "is where no bucket can be mounted, and the agent's model is in one", remedy, site)
