"""Limits that AWS, EKS and Kubernetes set, each with where it is written and whether it can be raised.

Looked up on 2026-11-26. They are defaults: an account may have been granted more, or, where it is old, have less.
"""

from dataclasses import dataclass

_VPC = "https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"
_EKS = "https://docs.aws.amazon.com/eks/latest/userguide/service-quotas.html"


@dataclass(frozen=True)
class Quota:
    """One limit. `code` is what Service Quotas calls it; without one it cannot be raised."""

    name: str
    limit: int
    source: str
    code: str | None = None

    @property
    def adjustable(self) -> bool:
        """Whether AWS raises it when asked."""
        return self.code is not None


ROUTES = Quota("routes in a route table", 500, _VPC, "L-93826ACB")
"""50 until June 2025; an account that was lowered or never got the new default says so in `quotas`."""

RULES = Quota("rules of a security group, one way", 60, _VPC, "L-0EA8095F")
GROUPS = Quota("security groups on an interface", 5, _VPC, "L-2AFB9258")
RULES_ON_INTERFACE = Quota("rules of all groups on an interface", 1000, _VPC)
ACL_RULES = Quota("entries of a network ACL, one way", 20, _VPC, "L-2AEEBF1A")
SUBNETS = Quota("subnets in a VPC", 200, _VPC, "L-407747CB")
ELASTIC_IPS = Quota("Elastic IPs in a region", 5, _VPC, "L-0263D0A3")
INTERFACE_ENDPOINTS = Quota("interface endpoints in a VPC", 50, _VPC, "L-29B6F2EB")
ENDPOINT_POLICY = Quota(
    "characters of an endpoint's policy", 20_480, "https://docs.aws.amazon.com/general/latest/gr/vpc-service.html"
)
ADDRESS_UNITS = Quota(
    "network address units in a VPC",
    64_000,
    "https://docs.aws.amazon.com/vpc/latest/userguide/network-address-usage.html",
    "L-BB24F6E5",
)
NAT_PORTS = Quota(
    "connections through a NAT address to one destination",
    55_000,
    "https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html",
)
NODE_GROUPS = Quota("managed node groups in a cluster", 30, _EKS, "L-6D54EA21")
NODES_IN_GROUP = Quota("nodes in a managed node group", 450, _EKS, "L-BD136A63")
PODS_ON_NODE = Quota("pods on a node", 110, "https://kubernetes.io/docs/setup/best-practices/cluster-large/")
NODES_IN_CLUSTER = Quota("nodes in a cluster", 5_000, "https://kubernetes.io/docs/setup/best-practices/cluster-large/")
ATTACHMENTS = Quota(
    "volumes and interfaces on a Nitro instance",
    28,
    "https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-limits-for-instances.html",
)
GP3_GB = Quota(
    "GB of gp3 volumes in a region",
    50 * 1024,
    "https://docs.aws.amazon.com/ebs/latest/userguide/ebs-resource-quotas.html",
    "L-7A658B76",
)

CONTROL_PLANE_ADDRESSES = 16
"""Addresses EKS asks to be free in each subnet it is given, for its interfaces and their replacements
(https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html)."""

UNITS_A_NODE = 1
UNITS_AN_ENDPOINT = 6
UNITS_A_NAT_GATEWAY = 6
"""Network address units of one interface, of an endpoint in a zone, and of a NAT gateway: the page of ADDRESS_UNITS."""

ROOT_AND_INTERFACE = 2
"""Attachments an instance has before an agent's volume comes: its root volume and its interface."""
