"""A region's cluster on AWS: its control plane, the pools of its nodes, its database."""

from typing import Annotated, Literal

from pydantic import Field

from components.cluster.eks_spec import AddonVersion, Minor, PrincipalArn
from components.cluster.pools_spec import Purpose, ReleaseVersion, ReservationId
from components.network.addresses import ZONE_SLOTS
from infra.settings.fields import BucketName, Cidr, Image, Name, Port, Section, Setting

_ADDON = "Name a version in full, as `aws eks describe-addon-versions` lists it"
_COUNT = "Give a whole number of nodes, over all zones"
_IMAGE = "Name an image by digest, as name@sha256:…; a tag can move"
_DIGEST = "sha256:" + "0" * 64
_EXAMPLE_ADDON = "v1.0.0-eksbuild.1"
_ZONE_REMEDY = "Name zones of the AWS region, such as ap-southeast-1a"

Zone = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d[a-z]$")]


class Addons(Section):
    """The addons EKS installs, each at one version."""

    coredns: Annotated[AddonVersion, Setting(_EXAMPLE_ADDON, _ADDON)]
    pod_identity_agent: Annotated[AddonVersion, Setting(_EXAMPLE_ADDON, _ADDON)]
    ebs_csi: Annotated[AddonVersion, Setting(_EXAMPLE_ADDON, _ADDON)]
    s3_csi: Annotated[AddonVersion, Setting(_EXAMPLE_ADDON, _ADDON)]


class NodeImages(Section):
    """The images of what runs on nodes beside agents."""

    device_plugin: Annotated[
        Image,
        Field(pattern=r":v?\d+\.\d+\.\d+[^@]*@"),
        Setting(f"registry.example.com/k8s-device-plugin:v0.19.3@{_DIGEST}", "Name it with version and digest"),
    ]
    autoscaler: Annotated[Image, Setting(f"registry.example.com/cluster-autoscaler@{_DIGEST}", _IMAGE)]
    cilium: Annotated[
        str,
        Field(pattern=r"^[a-z0-9][a-z0-9.:/_-]*[a-z0-9]$"),
        Setting("registry.example.com/cilium", "Name the repository Cilium's images are copied to, each by its digest"),
    ]
    local_disks: Annotated[
        Image | None,
        Setting(
            f"registry.example.com/local-volume-provisioner@{_DIGEST}", f"{_IMAGE}; needed where a pool has local disks"
        ),
    ] = None


class NodeEgress(Section):
    """A public range the region's nodes may reach; nothing outside AWS but the tunnel is reached that is not listed."""

    name: Annotated[Name, Setting("crm", "Name whose range it is")]
    range: Annotated[Cidr, Setting("1.1.1.0/24", "Give a range of public IPv4 addresses")]
    protocol: Annotated[Literal["tcp", "udp"], Setting("tcp", "`tcp` or `udp`")] = "tcp"
    ports: Annotated[list[Port], Field(min_length=1), Setting([443], "List ports, 1 to 65535")]


class Eks(Section):
    """The control plane. Its API has no public address."""

    version: Annotated[Minor, Setting("1.36", 'Name a Kubernetes version EKS offers, quoted: "1.36"')]
    zones: Annotated[
        list[Zone],
        Field(min_length=3, max_length=ZONE_SLOTS),
        Setting(
            ["ap-southeast-1a", "ap-southeast-1b", "ap-southeast-1c"],
            f"List three or four zones, so that one can be lost. {_ZONE_REMEDY}",
        ),
    ]
    admins: Annotated[
        list[PrincipalArn],
        Field(min_length=1),
        Setting(
            ["arn:aws:iam::123456789012:role/deployer"],
            "List IAM roles that may administer the cluster, the deployer's among them",
        ),
    ]
    api_sources: Annotated[
        list[Cidr], Setting([], "List ranges beside the VPC that may reach the API; leave it out for none")
    ] = Field(default_factory=list)
    egress: Annotated[
        list[NodeEgress],
        Setting([], "List what agents and nodes may reach outside AWS; leave it out for the tunnel alone"),
    ] = Field(default_factory=list)
    quotas: Annotated[
        dict[Annotated[str, Field(pattern=r"^L-[0-9A-F]{8}$")], Annotated[int, Field(ge=1)]],
        Setting({"L-0263D0A3": 10}, "Give what AWS has granted beyond its defaults, by the quota's code"),
    ] = Field(default_factory=dict)
    addons: Addons
    images: NodeImages
    model_buckets: Annotated[
        list[BucketName], Setting([], "List the buckets tenants' models are read from; leave it out for none")
    ] = Field(default_factory=list)
    log_retention_days: Annotated[
        Literal[30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827],
        Setting(365, "Days the control plane's logs are kept, one of CloudWatch's own steps"),
    ] = 365
    delete_with_stack: Annotated[
        bool, Setting(False, "`true` lets a destroy take the cluster and its keys along; leave it out to protect them")
    ] = False


class Pool(Section):
    """Nodes of one type."""

    purpose: Annotated[
        Purpose, Setting("gpu", "`system` is for the platform's own pods, `gpu` for agents, `memory` for high memory")
    ]
    instance_type: Annotated[
        str,
        Field(pattern=r"^[a-z0-9-]+\.[a-z0-9]+$"),
        Setting("g6e.2xlarge", "Name a type of the catalogue in components/cluster/catalogue.py"),
    ]
    min: Annotated[int, Field(ge=0), Setting(0, _COUNT)]
    max: Annotated[int, Field(ge=1), Setting(3, _COUNT)]
    zones: Annotated[
        Annotated[list[Zone], Field(min_length=1)] | None,
        Setting(["ap-southeast-1a"], "List zones of the cluster's; leave it out for all of them"),
    ] = None
    capacity: Annotated[
        Literal["on-demand", "reservation", "block"],
        Setting("on-demand", "`reservation` and `block` take nodes AWS holds for you, `on-demand` what there is"),
    ] = "on-demand"
    reservation: Annotated[
        ReservationId | None,
        Setting("cr-0123456789abcdef0", "Give the id of the Capacity Reservation or Block: cr-…"),
    ] = None
    storage: Annotated[
        Literal["network", "local"],
        Setting("network", "`network` has agents' volumes on EBS, `local` on the nodes' own disks"),
    ] = "network"
    tenant: Annotated[
        Name | None, Setting(None, "Name the one tenant whose nodes these are; leave it out for all tenants")
    ] = None
    release: Annotated[
        ReleaseVersion, Setting("1.36.2-20260728", "Name an EKS AMI release: kubelet's version and the day")
    ]
    root_gb: Annotated[
        int, Field(ge=50, le=2000), Setting(100, "Give the size of a node's root volume, 50 to 2000 GB")
    ] = 100


class Database(Section):
    """The region's PostgreSQL on RDS, in two zones."""

    instance_class: Annotated[
        str, Field(pattern=r"^db\.[a-z0-9]+\.[a-z0-9]+$"), Setting("db.m7g.large", "Name an RDS instance class")
    ] = "db.m7g.large"
    storage_gib: Annotated[
        int, Field(ge=20, le=65536), Setting(100, "Give GiB to begin with, 20 to 65536; it never shrinks")
    ] = 100
    max_storage_gib: Annotated[
        int, Field(ge=22, le=65536), Setting(1000, "Give GiB it may grow to, a tenth above storage_gib at least")
    ] = 1000
    backup_days: Annotated[
        int, Field(ge=7, le=35), Setting(14, "Days it can be turned back to any second of, 7 to 35")
    ] = 14
    delete_with_stack: Annotated[
        bool, Setting(False, "`true` lets a destroy take the data along; leave it out to keep them")
    ] = False
