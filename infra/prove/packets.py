"""Claims on packets inside a cluster."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from components.cluster.spec import MONITORING_NAMESPACE
from infra.prove.addresses import EVERYWHERE, NOT_GLOBAL, NOWHERE, Addresses
from infra.prove.cluster import Cluster, PodFacts
from infra.prove.declared import Findings
from infra.prove.network_policies import NetworkPolicy, Peer
from infra.prove.pods import Pods, Way, Workload
from infra.prove.selectors import NAME_LABEL
from infra.prove.verdict import EGRESS_LISTS, NOTHING_OUTSIDE, ONLY_THE_GATEWAY, TENANTS_APART, Breach, Hop
from runtime.contract import labels, ports

_DNS_SPACE, _DNS_LABEL = "kube-system", ("k8s-app", "kube-dns")
_ELSEWHERE = "(a namespace these stacks do not declare)"
_INTERNET, _PRIVATE = "the Internet", "hosts with private addresses (nodes, metadata service, databases, other sites)"


@dataclass(frozen=True)
class _Sides:
    """Classes by who they are: bits of each tenant, of agents, gateways, monitoring, DNS, and hosts."""

    tenants: dict[str, int]
    agents: int
    gateways: int
    monitoring: int
    dns: int
    internet: int
    hosts: int


def judge_packets(cluster: Cluster, findings: Findings) -> int:
    """Judge a cluster, and return how many ways its policies leave open."""
    strangers = sorted({*_mentioned(cluster), _DNS_SPACE, MONITORING_NAMESPACE} - set(cluster.spaces))
    pods = Pods(
        {**cluster.spaces, **dict.fromkeys([*strangers, _ELSEWHERE])},
        [*(each.workload for each in cluster.pods), *_others(cluster, strangers)],
        cluster.policies,
        unweighed=EVERYWHERE - NOT_GLOBAL,
    )
    sides = _sides(cluster, pods)
    for way in pods.ways():
        findings.breaches |= set(_into_agents(cluster, pods, sides, way))
        findings.breaches |= set(_out_of_agents(cluster, pods, sides, way))
        findings.breaches |= set(_from_outside(cluster, pods, sides, way))
    findings.breaches |= set(_through_others(pods, sides))
    findings.breaches |= set(_egress_lists(cluster))
    findings.breaches |= set(_misplaced(cluster))
    _assume(cluster, strangers, findings)
    return len(pods.ways())


def _mentioned(cluster: Cluster) -> Iterator[str]:
    """Namespaces that rules name."""
    for policy in cluster.policies:
        for allowed in (*(policy.ingress or ()), *(policy.egress or ())):
            if allowed.peer.namespaces is not None:
                yield from allowed.peer.namespaces.only(NAME_LABEL) or ()


def _others(cluster: Cluster, strangers: list[str]) -> Iterator[Workload]:
    """What these stacks do not declare: pods of other namespaces, with any label, and hosts."""
    for space in [*strangers, _ELSEWHERE]:
        yield Workload(f"any pod of {space}", "", space, {}, cluster.pod_range, stranger=True)
    yield Workload(_INTERNET, "", None, {}, EVERYWHERE - NOT_GLOBAL)
    yield Workload(
        _PRIVATE, "", None, {}, NOT_GLOBAL - cluster.pod_range if cluster.pod_range != NOT_GLOBAL else NOT_GLOBAL
    )


def _sides(cluster: Cluster, pods: Pods) -> _Sides:
    tenants: dict[str, int] = {}
    found = dict.fromkeys(("gateways", "monitoring", "dns", "internet", "hosts"), 0)
    for at, each in enumerate(pods.classes):
        bit, first = 1 << at, each.first
        tenant = cluster.tenant(first.namespace)
        if tenant is not None:
            tenants[tenant] = tenants.get(tenant, 0) | bit
        role = _role(first)
        if role is not None:
            found[role] |= bit
    agents = 0
    for bits in tenants.values():
        agents |= bits
    return _Sides(tenants, agents, **{name: bits & ~agents for name, bits in found.items()})


def _role(workload: Workload) -> str | None:
    role = workload.labels.get(labels.ROLE)
    if workload.namespace is None:
        return "internet" if workload.name == _INTERNET else "hosts"
    if workload.stranger or workload.on_host:
        return (
            {_DNS_SPACE: "dns", MONITORING_NAMESPACE: "monitoring"}.get(workload.namespace)
            if workload.stranger
            else None
        )
    if role == labels.ROLE_GATEWAY:
        return "gateways"
    if role == labels.ROLE_MONITORING and workload.namespace == MONITORING_NAMESPACE:
        return "monitoring"
    if workload.namespace == _DNS_SPACE and workload.labels.get(_DNS_LABEL[0]) == _DNS_LABEL[1]:
        return "dns"
    return None


def _into_agents(cluster: Cluster, pods: Pods, sides: _Sides, way: Way) -> Iterator[Breach]:
    targets = way.targets & sides.agents
    if not targets:
        return
    door, metrics = pods.ports.part("TCP", ports.AGENT), pods.ports.part("TCP", ports.AGENT_OPS)
    for tenant, own in sides.tenants.items():
        if (sources := way.sources & own) and (others := targets & ~own):
            victim = _owner(sides, others)
            yield _breach(cluster, pods, TENANTS_APART, f"{tenant} reaches {victim}", sources, others, way.ports)
    allowed = ((sides.gateways, door), (sides.monitoring, metrics))
    for sources, opened in (*((way.sources & who, opened) for who, opened in allowed), (_rest(way, sides), 0)):
        if sources and (left := way.ports & ~opened):
            says = f"{_name(pods, sources)} reaches an agent of {_owner(sides, targets)} at {pods.ports.text(left)}"
            yield _breach(cluster, pods, ONLY_THE_GATEWAY, says, sources, targets, left)


def _rest(way: Way, sides: _Sides) -> int:
    return way.sources & ~sides.gateways & ~sides.monitoring


def _out_of_agents(cluster: Cluster, pods: Pods, sides: _Sides, way: Way) -> Iterator[Breach]:
    sources = way.sources & sides.agents
    if not sources:
        return
    dns = pods.ports.part("TCP", 53) | pods.ports.part("UDP", 53)
    # Public addresses are judged rule by rule: what an agent may reach of them is its own list's to say.
    for targets, opened in ((way.targets & sides.dns, dns), (way.targets & ~sides.dns & ~sides.internet, 0)):
        if targets and (left := way.ports & ~opened):
            says = f"an agent of {_owner(sides, sources)} reaches {_name(pods, targets)} at {pods.ports.text(left)}"
            yield _breach(cluster, pods, EGRESS_LISTS, says, sources, targets, left)


def _from_outside(cluster: Cluster, pods: Pods, sides: _Sides, way: Way) -> Iterator[Breach]:
    """From the Internet to pods that policies hold. What is on a host is the security groups' to guard."""
    targets = way.targets & ~sides.internet & ~sides.hosts & ~sides.agents
    held = 0
    for at in range(len(pods.classes)):
        if (
            targets >> at & 1
            and pods.classes[at].first.namespace in cluster.spaces
            and not pods.classes[at].first.on_host
        ):
            held |= 1 << at
    if way.sources & sides.internet and held:
        says = f"the Internet reaches {_name(pods, held)} at {pods.ports.text(way.ports)}"
        yield _breach(cluster, pods, NOTHING_OUTSIDE, says, way.sources & sides.internet, held, way.ports)


def _through_others(pods: Pods, sides: _Sides) -> Iterator[Breach]:
    """Ways from tenant to tenant over what is neither's; the cluster's DNS passes no packet on."""
    ways = [way for way in pods.ways() if way.sources & ~sides.internet and way.targets]
    out = [way for way in ways if way.sources & sides.agents and way.targets & ~sides.dns & ~sides.internet]
    for tenant, own in sides.tenants.items():
        if not any(way.sources & own for way in out):
            continue
        layers, reached = [own], own
        while True:
            new = 0
            for way in ways:
                if way.sources & layers[-1] & ~sides.dns & ~sides.internet:
                    new |= way.targets
            new &= ~reached & ~sides.internet
            if not new:
                break
            reached |= new
            layers.append(new)
            if others := new & sides.agents:
                if len(layers) > 2:
                    yield _long_breach(pods, tenant, _owner(sides, others), layers, others)
                break


def _long_breach(pods: Pods, tenant: str, victim: str, layers: list[int], found: int) -> Breach:
    hops: list[Hop] = []
    target = _first(found)
    for layer in reversed(layers[:-1]):
        way = next(each for each in pods.ways() if each.targets >> target & 1 and each.sources & layer)
        source = _first(way.sources & layer)
        hops = [*_step(pods, source, target, way.ports), *hops]
        target = source
    return Breach(TENANTS_APART, f"{tenant} reaches {victim} over others", (_at(pods, target), *hops))


def _breach(cluster: Cluster, pods: Pods, claim: str, says: str, sources: int, targets: int, at: int) -> Breach:
    source, target = _first(sources), _first(targets)
    path = (_at(pods, source), *_step(pods, source, target, at))
    return Breach(claim, f"{says} ({cluster.name})", path)


def _at(pods: Pods, at: int) -> Hop:
    first = pods.classes[at].first
    return Hop(_called(first), first.urn)


def _step(pods: Pods, source: int, target: int, at: int) -> Iterator[Hop]:
    """Out of one pod and into another: the rule that lets it out, the rule that lets it in."""
    one, other = pods.classes[source].first, pods.classes[target].first
    for workload, peer, direction in ((one, target, "egress"), (other, source, "ingress")):
        reasons = sorted(pods.because(workload, peer, direction, at))  # type: ignore[arg-type]  # one of two literals
        if workload.namespace is not None and reasons:
            urn, field, why = reasons[0]
            yield Hop(f"{direction} of {_called(workload)}", urn, field, why)
    yield Hop(_called(other), other.urn)


def _called(workload: Workload) -> str:
    return (
        workload.name
        if workload.namespace is None or workload.stranger
        else f"pods of {workload.namespace}/{workload.name}"
    )


def _name(pods: Pods, bits: int) -> str:
    return _called(pods.classes[_first(bits)].first)


def _owner(sides: _Sides, bits: int) -> str:
    return next(tenant for tenant in sorted(sides.tenants) if sides.tenants[tenant] & bits)


def _first(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


def _egress_lists(cluster: Cluster) -> Iterator[Breach]:
    """A rule that lets a tenant's pods out to addresses is one agent's own list, and lists public addresses only."""
    for policy in cluster.policies:
        tenant = cluster.tenant(policy.namespace)
        if tenant is None:
            continue
        for allowed in policy.egress or ():
            block = allowed.peer.block
            if block is None:
                continue
            agent = cluster.agents_lists.get(policy.urn)
            start = Hop(f"agents of {tenant}", cluster.declared_by.get(policy.namespace, ""))
            if agent is None or policy.selector.only(labels.AGENT) != (agent,):
                says = f"agents of {tenant} are let out by what is no agent's own egress list"
                yield Breach(EGRESS_LISTS, says, (start, *_out(policy, allowed.field, allowed.peer)))
            elif private := _private(block):
                says = f"{agent} of {tenant} is let out to addresses that are not public: {private}"
                yield Breach(EGRESS_LISTS, says, (start, *_out(policy, allowed.field, allowed.peer)))


@cache
def _private(block: Addresses) -> Addresses:
    return block & NOT_GLOBAL


def _out(policy: NetworkPolicy, field: str, peer: Peer) -> tuple[Hop, Hop]:
    return Hop("egress", policy.urn, field, f"{policy.name} lets out to {peer}"), Hop(str(peer.block or NOWHERE))


def _misplaced(cluster: Cluster) -> Iterator[Breach]:
    """Pods whose labels say they are somebody else's, or agents outside a tenant's namespace."""
    tenants = {space: cluster.tenant(space) for space in cluster.spaces}
    for each in cluster.pods:
        workload = each.workload
        owner, held = tenants.get(workload.namespace or ""), workload.labels
        is_agent = held.get(labels.ROLE) == labels.ROLE_AGENT
        if held.get(labels.TENANT) == owner and is_agent == (owner is not None) and not (owner and each.privileged):
            continue
        for claim, says, to in _amiss(cluster, each, owner):
            here = Hop(_called(workload), workload.urn, "metadata.namespace")
            yield Breach(claim, says, (here, to))


def _amiss(cluster: Cluster, pods: PodFacts, owner: str | None) -> Iterator[tuple[str, str, Hop]]:
    """What is wrong with where pods run and how: the claim it breaks, in words, and where it leads."""
    workload = pods.workload
    said, role = workload.labels.get(labels.TENANT), workload.labels.get(labels.ROLE)
    there = Hop(f"namespace {workload.namespace}", cluster.declared_by.get(workload.namespace or "", ""))
    if said is not None and said != owner:
        yield TENANTS_APART, f"pods labelled as {said}'s run in a namespace of {owner or 'no tenant'}", there
    elif owner is None and role == labels.ROLE_AGENT:
        yield TENANTS_APART, "an agent runs in a namespace of no tenant", there
    elif owner is not None and role != labels.ROLE_AGENT:
        yield TENANTS_APART, f"pods of {owner}'s namespace are no agent's", there
    if owner is not None and pods.privileged:
        says = f"pods of {owner} leave their box by {', '.join(pods.privileged)}"
        yield TENANTS_APART, says, Hop("the node, and every pod on it")


def _assume(cluster: Cluster, strangers: list[str], findings: Findings) -> None:
    if strangers:
        findings.assumptions.add(
            f"{cluster.name}: namespaces {', '.join(strangers)} are not declared by these stacks: only whom the "
            "platform trusts makes pods there, and the cluster's DNS passes no packet on."
        )
    if cluster.pod_range == NOT_GLOBAL:
        findings.assumptions.add(f"{cluster.name}: pods have addresses that are not public; which is not declared.")
