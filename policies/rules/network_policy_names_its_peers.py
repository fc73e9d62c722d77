"""No policy undoes the denial a namespace starts from."""

from ipaddress import ip_network

from policies.field import Field, Findings, inputs_of
from policies.record import Resource
from policies.rule import Admission, Rule

NARROWEST_OPEN = 8
"""A block of fewer bits than this is the Internet, whatever it leaves out."""


def _rules(spec: Field, way: str, peers: str) -> Findings:
    for rule in spec[way].each():
        listed = rule[peers]
        if not listed.is_known:
            yield listed.unknown()
        elif not listed.value:
            yield listed.fail(f"no {peers}: the rule is for everyone, everywhere")
        for peer in listed.each():
            yield from _peer(peer)
        ports = rule["ports"]
        yield from ports.require(bool, "no ports: the rule is for all of them")
        for port in ports.each():
            yield from port["port"].require(lambda value: value is not None, "no port: the rule is for all of them")


def _peer(peer: Field) -> Findings:
    block, space, pods = peer["ipBlock"], peer["namespaceSelector"], peer["podSelector"]
    if not peer.is_known:
        yield peer.unknown()
    elif block.is_set:
        yield from block["cidr"].require(lambda cidr: not _is_wide(cidr), "the block is the whole Internet")
    elif space.is_set and not _narrows(space):
        yield space.fail("the selector takes every namespace, other tenants' among them")
    elif not space.is_set and not pods.is_set:
        yield peer.fail("the peer is everyone")


def _narrows(selector: Field) -> bool:
    return bool(selector["matchLabels"].value or selector["matchExpressions"].value) or not selector.is_known


def _is_wide(cidr: object) -> bool:
    try:
        return ip_network(str(cidr)).prefixlen < NARROWEST_OPEN
    except ValueError:
        return True


def check(resource: Resource) -> Findings:
    """Each rule names who, and which ports."""
    spec = inputs_of(resource)["spec"]
    yield from _rules(spec, "ingress", "from")
    yield from _rules(spec, "egress", "to")


def _cel(way: str, peers: str) -> str:
    block = f'int(p.ipBlock.cidr.split("/")[1]) >= {NARROWEST_OPEN}'
    narrows = (
        "p.namespaceSelector.?matchLabels.orValue({}).size() > 0 || "
        "p.namespaceSelector.?matchExpressions.orValue([]).size() > 0"
    )
    peer = f"(has(p.ipBlock) ? {block} : (has(p.namespaceSelector) ? ({narrows}) : has(p.podSelector)))"
    return (
        f"object.spec.?{way}.orValue([]).all(r, r.?{peers}.orValue([]).size() > 0 && r.{peers}.all(p, {peer}) && "
        "r.?ports.orValue([]).size() > 0 && r.ports.all(port, has(port.port)))"
    )


RULE = Rule(
    name="network-policy-names-its-peers",
    says="Every rule of a NetworkPolicy names its peers and its ports; none is for everyone.",
    reason="One rule with an empty peer undoes a namespace's default deny: policies only ever add.",
    remedy="Name the namespace and the pods, or a block of addresses, and the ports.",
    controls=("CIS Kubernetes 5.3.2", "SOC2 CC6.6", "ISO 27001 A.8.20", "ISO 27001 A.8.22", "GDPR Art. 32"),
    types=("kubernetes:networking.k8s.io/*:NetworkPolicy",),
    check=check,
    admission=Admission(
        resources=("networking.k8s.io/v1/networkpolicies",),
        expression=f"{_cel('ingress', 'from')} && {_cel('egress', 'to')}",
        variables={},
    ),
)
