"""Claims on packets in the cloud: security groups, network ACLs, routes, public addresses."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.prove.addresses import NOT_GLOBAL, NOWHERE, Addresses, networks
from infra.prove.declared import Declared, Findings, listed, mapping, required, text
from infra.prove.problems import UnmodelledError
from infra.prove.verdict import NOTHING_OUTSIDE, Breach, Hop
from policies.record import Resource

_GROUP, _SUBNET, _TABLE = (
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/routeTable:RouteTable",
)
_GATEWAY = "aws:ec2/internetGateway:InternetGateway"
_ACL = "aws:ec2/networkAcl:NetworkAcl"
_INTERFACE = "aws:ec2/networkInterface:NetworkInterface"
_WIREGUARD = "wireguard"
_ROLE_TAG = "moltghost:role"
_NODES = "nodes"
_NODES_ALONE = (("udp", 8472, "the pods' overlay"), ("udp", 51871, "the pods' overlay"))
"""What a node takes for a pod's packet: VXLAN's port and Cilium's encryption. Who reaches it may speak as any pod."""
_NUMBERED = {"6": "tcp", "17": "udp"}
"""Protocols as AWS takes them too: https://www.iana.org/assignments/protocol-numbers."""
_NOBODY = (("tcp", 10250, "a kubelet, which runs programs in every pod of its node"),)
"""What nobody reaches from outside the VPC: the control plane does, and it is in a group."""


def judge_cloud_network(declared: Declared, findings: Findings) -> None:
    """Judge every way into a VPC."""
    fleet = _fleet(declared, findings)
    groups = {
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _let_in,
        _GROUP: _inline,
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _inline,
    }
    doors = {
        _SUBNET: _subnet,
        "aws:ec2/launchTemplate:LaunchTemplate": _template,
        "aws:eks/cluster:Cluster": _cluster,
        "aws:rds/instance:Instance": _database,
    }
    for type_ in (*groups, *doors, _ACL):
        for each in declared.of(type_):
            try:
                if type_ in groups:
                    findings.breaches |= set(groups[type_](declared, each, fleet))
                else:
                    findings.breaches |= set(doors[type_](each) if type_ in doors else _acl(each, fleet))
            except UnmodelledError as error:
                findings.unmodelled.add(error.what)
    try:
        findings.breaches |= {*_public_subnets(declared), *_public_interfaces(declared)}
    except UnmodelledError as error:
        findings.unmodelled.add(error.what)


def _fleet(declared: Declared, findings: Findings) -> Addresses:
    """The addresses of the fleet's own networks, and of the sites the mesh joins to them."""
    cidrs: list[str] = []
    for each in declared.of("aws:ec2/vpc:Vpc"):
        if (cidr := text(each.inputs.get("cidrBlock"))) is None:
            findings.missed(each.urn, "cidrBlock", "is not known")
        else:
            cidrs.append(cidr)
    return networks(cidrs) | _sites(declared, findings)


def _sites(declared: Declared, findings: Findings) -> Addresses:
    """The ranges of the mesh's sites, which must lie apart: what one peer is allowed, no other is."""
    joined = NOWHERE
    for stack in declared.stacks:
        mesh = stack.outputs.get("mesh")
        if not isinstance(mesh, Mapping):
            continue
        for at, site in enumerate(listed(mesh.get("sites"), stack.name, "outputs.mesh.sites")):
            field = f"outputs.mesh.sites[{at}].ranges"
            try:
                own = networks(listed(mapping(site, stack.name, field).get("ranges"), stack.name, field))
            except (ValueError, TypeError, UnmodelledError):
                findings.missed(stack.name, field, "is not known")
                continue
            if public := own - NOT_GLOBAL:
                path = (Hop(f"site {site.get('name')}", stack.name, field), Hop(f"{public}, which is the Internet's"))
                findings.breaches.add(Breach(NOTHING_OUTSIDE, "a WireGuard peer is allowed public addresses", path))
                continue
            if shared := own & joined:
                path = (Hop(f"site {site.get('name')}", stack.name, field), Hop(f"{shared}, another site's"))
                findings.breaches.add(
                    Breach(NOTHING_OUTSIDE, "two WireGuard peers are allowed the same addresses", path)
                )
            joined |= own
    return joined


def _let_in(declared: Declared, resource: Resource, fleet: Addresses) -> Iterator[Breach]:
    group = declared.refers(resource, "securityGroupId", _GROUP)
    if group is None:
        raise UnmodelledError(resource.urn, "securityGroupId", "is no group of these stacks")
    cidr, six = resource.inputs.get("cidrIpv4"), resource.inputs.get("cidrIpv6")
    if cidr is None and six is None:
        if declared.refers(resource, "referencedSecurityGroupId", _GROUP) is None and not text(
            resource.inputs.get("prefixListId")
        ):
            raise UnmodelledError(resource.urn, "referencedSecurityGroupId", "is no group of these stacks")
        return
    for name, value in (("cidrIpv4", cidr), ("cidrIpv6", six)):
        if value is not None:
            source = networks([required(value, resource.urn, name)])
            yield from _wide(declared, resource, group, source, fleet, name, str(resource.inputs.get("ipProtocol")))
            yield from _as_node(declared, resource, group, source, name, resource.inputs)


def _wide(
    declared: Declared, resource: Resource, group: str, source: Addresses, fleet: Addresses, field: str, protocol: str
) -> Iterator[Breach]:
    if source.within(fleet) or (protocol == "udp" and _role(declared, group) == _WIREGUARD):
        return
    outside = source - fleet
    path = (
        Hop(f"hosts outside the fleet ({outside})"),
        Hop("a rule of the group", resource.urn, field, f"lets {source} in by {protocol}"),
        Hop("the group", group),
        *(Hop("who is in it", urn) for urn in _members(declared, group)[:1]),
    )
    yield Breach(NOTHING_OUTSIDE, "a security group lets in who is outside the fleet", path)


def _as_node(
    declared: Declared, resource: Resource, group: str, source: Addresses, field: str, rule: Mapping[str, Any]
) -> Iterator[Breach]:
    """Ranges let into nodes as only other nodes are: the VPC's may be, and where its cluster has nodes elsewhere."""
    if _role(declared, group) != _NODES:
        return
    own = [each for each in declared.of("aws:ec2/vpc:Vpc") if declared.stack(each) is declared.stack(resource)]
    vpc = networks(required(each.inputs.get("cidrBlock"), each.urn, "cidrBlock") for each in own)
    for doors, allowed in ((_NODES_ALONE, vpc | _nodes_elsewhere(declared, resource)), (_NOBODY, vpc)):
        for protocol, port, what in doors:
            if not source.within(allowed) and _opens(rule, resource.urn, protocol, port):
                path = (
                    Hop(f"machines that are no nodes ({source - allowed})"),
                    Hop("a rule of the nodes' group", resource.urn, field, f"lets {source} in by {protocol} {port}"),
                    Hop(what, group),
                )
                yield Breach(NOTHING_OUTSIDE, "a security group takes for a node what is none", path)


def _nodes_elsewhere(declared: Declared, resource: Resource) -> Addresses:
    """Where the cluster of the same stack says that nodes are which AWS didn't start."""
    cidrs: list[str] = []
    for each in declared.of("aws:eks/cluster:Cluster"):
        told = each.inputs.get("remoteNetworkConfig")
        if told is not None and declared.stack(each) is declared.stack(resource):
            nodes = mapping(told, each.urn, "remoteNetworkConfig").get("remoteNodeNetworks")
            held = mapping(nodes, each.urn, "remoteNetworkConfig.remoteNodeNetworks")
            cidrs += listed(held.get("cidrs"), each.urn, "remoteNetworkConfig.remoteNodeNetworks.cidrs")
    return networks(cidrs)


def _opens(rule: Mapping[str, Any], urn: str, protocol: str, port: int) -> bool:
    """Whether a rule lets a protocol through to a port. Raises UnmodelledError where the rule does not say."""
    spoken = rule.get("ipProtocol") or rule.get("protocol")
    if not isinstance(spoken, str):
        raise UnmodelledError(urn, "ipProtocol", "is not known")
    if spoken in ("-1", "all"):
        return True
    if _NUMBERED.get(spoken, spoken.lower()) != protocol:
        return False
    first, last = rule.get("fromPort"), rule.get("toPort")
    if not isinstance(first, int | float) or not isinstance(last, int | float):
        raise UnmodelledError(urn, "fromPort, toPort", "are not known")
    return first <= port <= last


def _role(declared: Declared, urn: str) -> str | None:
    for each in declared.of(_GROUP):
        if each.urn == urn:
            tags = each.inputs.get("tags")
            return text(tags.get(_ROLE_TAG)) if isinstance(tags, Mapping) else None
    return None


def _members(declared: Declared, group: str) -> list[str]:
    """What has a group's rules."""
    return sorted(
        each.urn
        for type_ in ("aws:ec2/launchTemplate:LaunchTemplate", "aws:rds/instance:Instance", "aws:eks/cluster:Cluster",
                      _INTERFACE, "aws:ec2/vpcEndpoint:VpcEndpoint")
        for each in declared.of(type_)
        if any(group in urns for urns in each.property_dependencies.values())
    )  # fmt: skip


def _inline(declared: Declared, resource: Resource, fleet: Addresses) -> Iterator[Breach]:
    for at, rule in enumerate(listed(resource.inputs.get("ingress"), resource.urn, "ingress")):
        field = f"ingress[{at}]"
        held: Mapping[str, Any] = mapping(rule, resource.urn, field)
        cidrs = [*(held.get("cidrBlocks") or ()), *(held.get("ipv6CidrBlocks") or ())]
        source = networks(required(one, resource.urn, field) for one in cidrs)
        yield from _wide(declared, resource, resource.urn, source, fleet, field, str(held.get("protocol")))
        yield from _as_node(declared, resource, resource.urn, source, field, held)


def _acl(resource: Resource, fleet: Addresses) -> Iterator[Breach]:
    for at, entry in enumerate(listed(resource.inputs.get("ingress"), resource.urn, "ingress")):
        field = f"ingress[{at}].cidrBlock"
        held = mapping(entry, resource.urn, field)
        source = networks([required(held.get("cidrBlock"), resource.urn, field)])
        if held.get("action") == "allow" and not source.within(fleet):
            path = (Hop(f"hosts outside the fleet ({source - fleet})"), Hop("an entry of the ACL", resource.urn, field))
            yield Breach(NOTHING_OUTSIDE, "a network ACL lets in who is outside the fleet", path)


def _subnet(resource: Resource) -> Iterator[Breach]:
    if resource.inputs.get("mapPublicIpOnLaunch"):
        path = (
            Hop("the Internet"),
            Hop("what is started in it has a public address", resource.urn, "mapPublicIpOnLaunch"),
        )
        yield Breach(NOTHING_OUTSIDE, "a subnet gives out public addresses", path)


def _template(resource: Resource) -> Iterator[Breach]:
    for at, each in enumerate(listed(resource.inputs.get("networkInterfaces"), resource.urn, "networkInterfaces")):
        if str(mapping(each, resource.urn, "networkInterfaces").get("associatePublicIpAddress")).lower() == "true":
            field = f"networkInterfaces[{at}].associatePublicIpAddress"
            path = (Hop("the Internet"), Hop("nodes with public addresses", resource.urn, field))
            yield Breach(NOTHING_OUTSIDE, "nodes have public addresses", path)


def _cluster(resource: Resource) -> Iterator[Breach]:
    if mapping(resource.inputs.get("vpcConfig"), resource.urn, "vpcConfig").get("endpointPublicAccess") is not False:
        path = (Hop("the Internet"), Hop("the cluster's API", resource.urn, "vpcConfig.endpointPublicAccess"))
        yield Breach(NOTHING_OUTSIDE, "the cluster's API has a public address", path)


def _database(resource: Resource) -> Iterator[Breach]:
    if resource.inputs.get("publiclyAccessible") not in {False, None}:
        path = (Hop("the Internet"), Hop("the database", resource.urn, "publiclyAccessible"))
        yield Breach(NOTHING_OUTSIDE, "the database has a public address", path)


def _public_interfaces(declared: Declared) -> Iterator[Breach]:
    """Interfaces with a public address: WireGuard gateways' alone."""
    groups = {
        each.urn: [urn for urn in each.property_dependencies.get("securityGroups", ()) if f"{_GROUP}::" in urn]
        for each in declared.of(_INTERFACE)
    }
    for each in declared.of("aws:ec2/eipAssociation:EipAssociation"):
        interface = declared.refers(each, "networkInterfaceId", _INTERFACE)
        if interface is None or not groups.get(interface):
            raise UnmodelledError(
                each.urn, "networkInterfaceId", "is no interface of these stacks, or one without groups"
            )
        for group in groups[interface]:
            if _role(declared, group) != _WIREGUARD:
                path = (
                    Hop("the Internet"),
                    Hop("a public address", each.urn, "networkInterfaceId"),
                    Hop("the interface", interface, "securityGroups"),
                    Hop("its group, which is not the WireGuard gateways'", group),
                )
                yield Breach(NOTHING_OUTSIDE, "what is no WireGuard gateway has a public address", path)


def _public_subnets(declared: Declared) -> Iterator[Breach]:
    """Subnets with a route from the Internet: gateways' and NATs' alone."""
    to_internet = {
        table: each
        for each in declared.of("aws:ec2/route:Route")
        if declared.refers(each, "gatewayId", _GATEWAY) is not None
        and (table := declared.refers(each, "routeTableId", _TABLE)) is not None
    }
    subnets = {each.urn: each for each in declared.of(_SUBNET)}
    for each in declared.of("aws:ec2/routeTableAssociation:RouteTableAssociation"):
        subnet, table = declared.refers(each, "subnetId", _SUBNET), declared.refers(each, "routeTableId", _TABLE)
        if subnet is None or table is None:
            raise UnmodelledError(each.urn, "subnetId", "is no subnet of these stacks, or its table none of them")
        tags = mapping(subnets[subnet].inputs.get("tags"), subnet, "tags")
        if table in to_internet and not str(tags.get(_ROLE_TAG)).startswith("public"):
            route = to_internet[table]
            path = (
                Hop("the Internet"),
                Hop("a route", route.urn, "gatewayId"),
                Hop("the subnet's table", each.urn, "routeTableId"),
                Hop("the subnet", subnet),
            )
            yield Breach(NOTHING_OUTSIDE, "a private subnet has a route to the Internet", path)
