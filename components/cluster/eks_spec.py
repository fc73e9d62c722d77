"""What a region's Kubernetes cluster on AWS is given: its control plane, its addons, and who may administer it."""

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import Field

from components.labels import Region
from components.values import Label, Values

Minor = Annotated[str, Field(pattern=r"^1\.[1-9][0-9]?$")]
"""A Kubernetes minor version, as EKS names it: `1.36`."""

PrincipalArn = Annotated[str, Field(pattern=r"^arn:aws[-a-z]*:iam::\d{12}:(role|user)/[\w+=,.@/-]+$")]
"""An IAM role or user."""

AddonVersion = Annotated[str, Field(pattern=r"^v\d+\.\d+\.\d+-eksbuild\.\d+$")]
"""An addon's version in full, as `aws eks describe-addon-versions` lists it."""

CONTROL_PLANE_LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")
"""All there are: https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html"""

SECURE_PORT = 443
"""TCP port EKS serves the Kubernetes API on."""

PODS_OVERHEAD = 130
"""Bytes that Cilium adds to what pods of two nodes say to each other: VXLAN 50, and WireGuard 80, as it reckons them
(https://github.com/cilium/cilium/blob/v1.20.0/pkg/mtu/mtu.go, 2026-11)."""

LEAST_MTU = 1280 + PODS_OVERHEAD
"""Bytes the way between two nodes must carry whole. All pods' packets are as small as it asks, and the connectors speak
QUIC, which is never cut in pieces: RFC 9000, section 14, asks for 1228 bytes, and cloudflared begins with 1260."""


class AddonVersions(Values):
    """The addons EKS installs, each at one version.

    vpc-cni and kube-proxy are not among them: Cilium gives pods their network and does what kube-proxy does.
    """

    coredns: AddonVersion
    pod_identity_agent: AddonVersion
    ebs_csi: AddonVersion
    s3_csi: AddonVersion


class EksSpec(Values):
    """One region's control plane.

    `service_cidr` holds Services, `pod_cidr` pods; neither overlaps the VPC. `admins` are the only principals with
    Kubernetes rights, the deployer's own among them; `api_sources` the ranges beside the VPC that may reach the API.
    `model_buckets` are the buckets that models may be read from. `cilium_registry` is where Cilium's images are, such
    as a pull-through cache of the account's: nodes reach no public registry. `site_ranges` are where machines of other
    sites are that are nodes too, `mtu` the bytes of a packet that passes whole to the narrowest of them.
    `log_retention_days` is one of CloudWatch's own steps.
    """

    region: Region
    aws_region: str
    account_id: Annotated[str, Field(pattern=r"^\d{12}$")]
    name: Label
    version: Minor
    support: Literal["STANDARD", "EXTENDED"] = "STANDARD"
    service_cidr: IPv4Network
    pod_cidr: IPv4Network
    admins: Annotated[tuple[PrincipalArn, ...], Field(min_length=1)]
    api_sources: tuple[IPv4Network, ...] = ()
    addons: AddonVersions
    model_buckets: tuple[str, ...] = ()
    cilium_registry: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.:/_-]*[a-z0-9]$")] = "quay.io/cilium"
    site_ranges: tuple[IPv4Network, ...] = ()
    mtu: Annotated[int, Field(ge=LEAST_MTU)] | None = None
    log_retention_days: Literal[30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]
    key_deletion_window_days: Annotated[int, Field(ge=7, le=30)] = 30
    deletion_protection: bool = True
