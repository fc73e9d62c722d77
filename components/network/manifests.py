"""What a network's parts say: groups' rules, endpoints' policies, the network ACL, and who may write flow logs."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any, Literal

from components import key_policy
from components.network.spec import EVERYWHERE, NetworkSpec, Role, Service

HTTPS = 443
KUBELET = 10250
BGP = 179
BFD = 3784
EPHEMERAL = (1024, 65535)
"""Ports an answer may go to: Linux and the NAT gateway take theirs from these
(https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html#nacl-ephemeral-ports, 2026-11)."""

S3: Literal["s3"] = "s3"
"""The peer that is S3 itself, by the prefix list of its gateway endpoint."""

BETWEEN_NODES: tuple[tuple[str, str, int], ...] = (
    ("vxlan", "udp", 8472),
    ("pod-encryption", "udp", 51871),
    ("health", "tcp", 4240),
    ("flow-observer", "tcp", 4244),
    ("kubelet", "tcp", KUBELET),
)
"""What nodes say to each other: pods' packets in Cilium's overlay, plain or encrypted; its probes; its Hubble peers
(https://docs.cilium.io/en/stable/operations/system_requirements/#firewall-rules, 2026-11); and the kubelet's API, which
metrics are read from. Pods' own ports are inside the overlay."""

BETWEEN_SITES = tuple(each for each in BETWEEN_NODES if each[0] in {"vxlan", "pod-encryption", "health"})
"""What a node here and one at another site say to each other. Metrics are read from kubelets here alone, and of flows
there is no observer: neither crosses."""

FLOW_FIELDS = (
    "version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes",
    "start", "end", "action", "log-status", "vpc-id", "subnet-id", "tcp-flags", "pkt-srcaddr", "pkt-dstaddr",
    "flow-direction", "traffic-path",
)  # fmt: skip
"""The default ones, and what tells which node was behind a NAT gateway and where a packet went
(https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html, 2026-11)."""


@dataclass(frozen=True)
class Rule:
    """One rule of a security group. `peer` is a group, a range, or S3. With ICMP, `first` is the type, `last` the code
    and -1 is any."""

    group: Role
    direction: Literal["ingress", "egress"]
    name: str
    protocol: str
    first: int
    last: int
    peer: Role | Literal["s3"] | IPv4Network

    @property
    def role(self) -> str:
        """Its part of a resource name."""
        return f"{self.group}-{self.direction}-{self.name}"


def build_rules(spec: NetworkSpec) -> list[Rule]:
    """Every rule of every group."""
    return [
        *_between(spec),
        *_of_nodes(spec),
        *_of_gateways(spec),
        *_to_other_sites(spec),
        *_to_nodes_elsewhere(spec),
    ]


def _both(group: Role, peer: Role, name: str, protocol: str, port: int) -> Iterator[Rule]:
    """Out of one group and into another."""
    yield Rule(group, "egress", f"{name}-to-{peer}", protocol, port, port, peer)
    yield Rule(peer, "ingress", f"{name}-from-{group}", protocol, port, port, group)


def _between(spec: NetworkSpec) -> Iterator[Rule]:
    for name, protocol, port in BETWEEN_NODES:
        yield from _both("nodes", "nodes", name, protocol, port)
    yield Rule("nodes", "egress", "echo-to-nodes", "icmp", 8, -1, "nodes")
    yield Rule("nodes", "ingress", "echo-from-nodes", "icmp", 8, -1, "nodes")
    yield from _both("nodes", "cluster", "api", "tcp", HTTPS)
    yield from _both("cluster", "nodes", "kubelet", "tcp", KUBELET)
    yield from _both("nodes", "database", "sql", "tcp", spec.database_port)
    yield from _both("nodes", "endpoints", "https", "tcp", HTTPS)
    yield from _both("wireguard", "endpoints", "https", "tcp", HTTPS)


def _of_nodes(spec: NetworkSpec) -> Iterator[Rule]:
    for group in ("nodes", "wireguard"):
        yield Rule(group, "egress", "https-to-s3", "tcp", HTTPS, HTTPS, S3)
    for each in spec.egress:
        for port in each.ports:
            yield Rule("nodes", "egress", f"{each.name}-{port}", each.protocol, port, port, each.range)


def _of_gateways(spec: NetworkSpec) -> Iterator[Rule]:
    first, last = spec.wireguard_ports
    for at, source in enumerate(spec.wireguard_sources):
        yield Rule("wireguard", "ingress", f"tunnel-from-{at}", "udp", first, last, source)
    # Where a peer listens is the peer's affair: another site may have other ports, or sit behind a NAT.
    yield Rule("wireguard", "egress", "tunnel", "udp", *EPHEMERAL, EVERYWHERE)
    for at, zone in enumerate(spec.ranges.zones):
        for name, protocol, port in (("bgp", "tcp", BGP), ("bfd", "udp", BFD)):
            yield Rule("wireguard", "ingress", f"{name}-from-{at}", protocol, port, port, zone.public)
            yield Rule("wireguard", "egress", f"{name}-to-{at}", protocol, port, port, zone.public)


def _to_other_sites(spec: NetworkSpec) -> Iterator[Rule]:
    """A gateway passes packets on as they are: its groups see the far ends of a connection, not the gateway."""
    if spec.mesh_ranges:
        yield Rule("wireguard", "egress", "api-to-cluster", "tcp", HTTPS, HTTPS, "cluster")
    for port in spec.mesh_ports if spec.mesh_ranges else ():
        yield from _both("nodes", "wireguard", f"mesh-{port}", "tcp", port)
        yield from _both("wireguard", "nodes", f"mesh-{port}", "tcp", port)
    for at, network in enumerate(spec.mesh_ranges):
        yield Rule("cluster", "ingress", f"api-from-site-{at}", "tcp", HTTPS, HTTPS, network)
        for port in spec.mesh_ports:
            yield Rule("nodes", "ingress", f"mesh-{port}-from-site-{at}", "tcp", port, port, network)
            yield Rule("nodes", "egress", f"mesh-{port}-to-site-{at}", "tcp", port, port, network)


def _to_nodes_elsewhere(spec: NetworkSpec) -> Iterator[Rule]:
    """Nodes at other sites are a cluster's own: pods' overlay and its probes pass, and the API reaches their kubelets.

    That they reach the API is said already, as of every site.
    """
    if not spec.node_ranges:
        return
    for name, protocol, port in BETWEEN_SITES:
        yield Rule("wireguard", "ingress", f"{name}-from-nodes", protocol, port, port, "nodes")
        yield Rule("wireguard", "egress", f"{name}-to-nodes", protocol, port, port, "nodes")
    yield Rule("wireguard", "ingress", "kubelet-from-cluster", "tcp", KUBELET, KUBELET, "cluster")
    for at, network in enumerate(spec.node_ranges):
        for name, protocol, port in BETWEEN_SITES:
            yield Rule("nodes", "ingress", f"{name}-from-nodes-at-{at}", protocol, port, port, network)
            yield Rule("nodes", "egress", f"{name}-to-nodes-at-{at}", protocol, port, port, network)
        yield Rule("cluster", "egress", f"kubelet-to-nodes-at-{at}", "tcp", KUBELET, KUBELET, network)


@dataclass(frozen=True)
class AclEntry:
    """One entry of a network ACL; it is stateless, so answers need entries of their own."""

    number: int
    network: IPv4Network
    first: int
    last: int


def build_database_acl(spec: NetworkSpec) -> tuple[list[AclEntry], list[AclEntry]]:
    """What comes into the database subnets, and what leaves: queries of nodes, and their answers. Nothing else."""
    nodes = [zone.nodes for zone in spec.ranges.zones]
    queries = [AclEntry(100 + at, each, spec.database_port, spec.database_port) for at, each in enumerate(nodes)]
    answers = [AclEntry(100 + at, each, *EPHEMERAL) for at, each in enumerate(nodes)]
    return queries, answers


def egress_ranges(spec: NetworkSpec) -> list[IPv4Network]:
    """The ranges private subnets have a route to, each once, in the order they are listed."""
    return list(dict.fromkeys(each.range for each in spec.egress))


def build_tags(spec: NetworkSpec, name: str, role: str) -> dict[str, str]:
    """What a resource is, for those who see it in the console or the bill."""
    return {"Name": name, "moltghost:region": spec.region, "moltghost:role": role}


INTERNAL_BALANCERS = {"kubernetes.io/role/internal-elb": "1"}
"""Marks a subnet for internal load balancers. None is marked for public ones: there are none."""


def build_endpoint_policy(spec: NetworkSpec, service: Service) -> str:
    """The account's own principals alone, and where a service can say whose things they are, its own things alone.

    Without it an endpoint serves whoever's credentials come along: an agent could carry data out with a key of its own.
    ECR, EC2 and STS also serve what is Amazon's (addons' images, machine images), so there only the caller is asked.
    """
    condition = {"aws:PrincipalAccount": spec.account_id}
    if service not in _SHARED:
        condition["aws:ResourceAccount"] = spec.account_id
    statements = [_allow("OwnAccount", "*", "*", {"StringEquals": condition})]
    if service == "sts":
        # Who comes with a web identity is nobody yet: what counts is whose role is asked for.
        role = f"arn:aws:iam::{spec.account_id}:role/*"
        statements.append(_allow("OwnRoles", "sts:AssumeRoleWithWebIdentity", role))
    return _document(statements)


_SHARED: tuple[Service, ...] = ("ec2", "ecr.api", "ecr.dkr", "ssm", "sts")


def build_s3_policy(spec: NetworkSpec) -> str:
    """The account's own buckets for its own principals; and, to read only, where ECR and Amazon Linux keep theirs.

    Sources: https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html#ecr-minimum-s3-perms and
    https://docs.aws.amazon.com/linux/al2023/ug/ec2.html (2026-11).
    """
    own = {"aws:PrincipalAccount": spec.account_id, "aws:ResourceAccount": spec.account_id}
    theirs = [
        f"arn:aws:s3:::prod-{spec.aws_region}-starport-layer-bucket/*",
        f"arn:aws:s3:::al2023-repos-{spec.aws_region}-de612dc2/*",
    ]
    return _document(
        [
            _allow("OwnBuckets", "*", "*", {"StringEquals": own}),
            _allow("LayersAndPackages", "s3:GetObject", theirs),
        ]
    )


def flow_log_group(spec: NetworkSpec) -> str:
    """The log group of the VPC's flow logs."""
    return f"/moltghost/{spec.region}/flow-logs"


def _flow_log_group_arn(spec: NetworkSpec) -> str:
    return f"arn:aws:logs:{spec.aws_region}:{spec.account_id}:log-group:{flow_log_group(spec)}"


def build_flow_log_format() -> str:
    """A flow log's line."""
    return " ".join(f"${{{field}}}" for field in FLOW_FIELDS)


def build_flow_log_key_policy(spec: NetworkSpec) -> str:
    """Administrators administer; the key is CloudWatch Logs' to use, and for this log group only."""
    service = {"Service": f"logs.{spec.aws_region}.amazonaws.com"}
    context = {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": _flow_log_group_arn(spec)}}
    use = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    return _document(
        [
            key_policy.administer(spec.account_id),
            {**_allow("FlowLogsOnly", use, "*", context), "Principal": service},
        ]
    )


def build_flow_log_trust(spec: NetworkSpec) -> str:
    """Who may take the role: the flow logs of this account and region, and not those of another that name our role."""
    source = f"arn:aws:ec2:{spec.aws_region}:{spec.account_id}:vpc-flow-log/*"
    condition = {"StringEquals": {"aws:SourceAccount": spec.account_id}, "ArnLike": {"aws:SourceArn": source}}
    trusted = {
        "Sid": "OwnFlowLogs",
        "Effect": "Allow",
        "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": condition,
    }
    return _document([trusted])


def build_flow_log_rights(spec: NetworkSpec) -> str:
    """What the role may: write to its own log group."""
    arn = _flow_log_group_arn(spec)
    actions = ["logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    statement = {"Sid": "OwnGroup", "Effect": "Allow", "Action": actions, "Resource": [arn, f"{arn}:*"]}
    return _document([statement])


def _allow(sid: str, action: str | list[str], resource: str | list[str], condition: Any = None) -> dict[str, Any]:
    statement = {"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource}
    return statement | ({"Condition": condition} if condition else {})


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True, separators=(",", ":"))
