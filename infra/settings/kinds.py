"""The kinds of stacks there are, and what the file of each can say."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from components.edge.operations_spec import LogDestination
from components.edge.rollout_spec import VERSION_ID
from infra.settings.edge import Edge
from infra.settings.eks import Database, Eks, Pool
from infra.settings.fields import LABEL_REMEDY, Cidr, Domain, Image, Name, Section, Setting
from infra.settings.machine import EdgeKey, GlobalMachine, RegionMachine, TenantMachine
from infra.settings.mesh import MeshSettings, RegionMesh, Site
from infra.settings.models import Aws, Backup, DevSettings, Gateway, GpuClass, Model, Network, Storage, Tenant

_REGION = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{1,15}$")]
_REGION_REMEDY = "Name a region the `global` stack lists"
_STACK = r"^[A-Za-z0-9][-.\w]*/[A-Za-z0-9][-.\w]*/[A-Za-z0-9][-.\w]*$"
_STACK_REMEDY = "Name a stack in full: organization/project/stack; with an S3 backend the first is `organization`"
_KEYS_REMEDY = "List one public key at least, two while one follows the other; `moltghost edge-key` makes them"
_DIGEST = "Name an image by digest, as name@sha256:…; a tag can move"
_A_VERSION = "00000000-0000-4000-8000-000000000000"
_AN_IMAGE = "registry.example.com/example@sha256:" + "0" * 64


_BLOCK = "Give the region's own block out of 10.0.0.0/8, such as 10.16.0.0/14; `moltghost region add` finds a free one"

Block = Annotated[Cidr, Setting("10.16.0.0/14", _BLOCK)]


class EdgeRegion(Section):
    """One region as the fleet and its edge see it."""

    block: Block
    """Every address the region has, in a network of its own."""
    near: Annotated[
        list[Annotated[str, Field(pattern=r"^[A-Z]{2,3}$")]],
        Setting([], "List Cloudflare's codes of colos (SIN) or continents (AS) whose clients it is near to"),
    ] = Field(default_factory=list)
    state: Annotated[
        Literal["open", "closed"], Setting("open", "`closed` sends its agents' requests to their other region")
    ] = "open"


_DESTINATION_REMEDY = "Name a folder of an S3 bucket and its region: s3://bucket/folder?region=ap-southeast-1"

Destination = Annotated[LogDestination, Setting("s3://example-logs/edge?region=ap-southeast-1", _DESTINATION_REMEDY)]


class EdgeLogs(Section):
    """Where the edge's logs go. Cloudflare puts a challenge into each folder first, which becomes a secret setting."""

    requests: Destination
    """One line a request of the zone."""
    worker: Destination
    """What the Worker wrote."""


class Steered(Section):
    """A name that leads to the nearest region that is up, for what is no agent's."""

    hostname: Annotated[Domain, Setting("any.example.com", "Give a full host name of the zone, in lower case")]
    region_stacks: Annotated[
        dict[_REGION, Annotated[str, Field(pattern=_STACK)]],
        Field(min_length=1),
        Setting({"sin": "organization/moltghost/sin"}, f"Give the stacks of regions that are up. {_STACK_REMEDY}"),
    ]


class TriedVersion(Section):
    """A new version of the Worker, tried beside the one that runs: it is the one that is built."""

    stable: Annotated[
        str,
        Field(pattern=VERSION_ID),
        Setting(
            _A_VERSION, "Give the id of the version that runs, as `wrangler versions list` or the account shows it"
        ),
    ]
    percent: Annotated[
        int,
        Field(ge=0, le=100),
        Setting(10, "Requests of a hundred that the new version answers, 0 to 100; 0 gives it up"),
    ]


class GlobalSettings(Section):
    """What all regions share: the zone, the Worker, and the table of regions."""

    kind: Annotated[Literal["global"], Setting("global", "This is the stack of what regions share")]
    edge: Edge
    edge_keys: Annotated[list[EdgeKey], Field(min_length=1, max_length=2), Setting([], _KEYS_REMEDY)]
    regions: Annotated[
        dict[_REGION, EdgeRegion],
        Field(min_length=1),
        Setting({"sin": {"block": "10.16.0.0/14"}}, "List the regions by their names"),
    ]
    logs: EdgeLogs | None = None
    """Where the edge's logs go; leave it out for none."""
    rollout: TriedVersion | None = None
    """A new version of the Worker that answers some requests; leave it out, and what is built answers all."""
    steering: Steered | None = None
    """Leave it out until the regions it names are deployed."""
    mesh: MeshSettings | None = None
    """What all sites of the mesh share; leave it out where there is no mesh."""
    sites: Annotated[list[Site], Setting([], "List the sites of the mesh; leave it out where there is none")] = Field(
        default_factory=list
    )
    machine: GlobalMachine | None = None
    """What only the machine knows that stands for the cloud; leave it out for an account."""


class Location(Section):
    """Where a region is, in degrees."""

    latitude: Annotated[float, Field(ge=-90, le=90), Setting(1.3, "Give degrees north, -90 to 90")]
    longitude: Annotated[float, Field(ge=-180, le=180), Setting(103.8, "Give degrees east, -180 to 180")]


class RegionEdge(Section):
    """Where at Cloudflare the region's tunnel is made."""

    account_id: Annotated[
        str, Field(pattern=r"^[0-9a-f]{32}$"), Setting("0" * 32, "Copy the id from the account's overview, quoted")
    ]
    zone_id: Annotated[
        str, Field(pattern=r"^[0-9a-f]{32}$"), Setting("0" * 32, "Copy the id from the zone's overview, quoted")
    ]
    zone: Annotated[Domain, Setting("example.com", "Give the zone's domain, in lower case")]
    location: Location | None = None
    """Where the region is, by which Cloudflare picks the nearest; needed where a tunnel is made."""


class RegionImages(Section):
    """The images a region's pods are made from."""

    agent: Annotated[Image, Setting(_AN_IMAGE, _DIGEST)]
    platform: Annotated[Image, Setting(_AN_IMAGE, _DIGEST)]
    agent_sandbox: Annotated[Image, Setting(_AN_IMAGE, _DIGEST)]
    cloudflared: Annotated[Image, Setting(_AN_IMAGE, _DIGEST)]


class RegionCell(Section):
    """One region: a cell with its own cluster, gateway and snapshots.

    `network` and `gpu_classes` are those of a cluster that was given; of one that is made they are computed.
    """

    name: Annotated[_REGION, Setting("sin", "A region has 2 to 16 lower-case letters and digits, a letter first")]
    block: Block
    aws: Aws
    network: Network | None = None
    """The ranges of a cluster that was given; leave it out where the stack makes the cluster."""
    gpu_classes: Annotated[
        dict[Name, GpuClass],
        Setting({}, f"List a given cluster's GPUs by class; leave it out where there are pools. {LABEL_REMEDY}"),
    ] = Field(default_factory=dict)
    gateway: Gateway = Gateway()
    storage: Storage
    backup: Backup = Backup()


class RegionSettings(Section):
    """One region."""

    kind: Annotated[Literal["region"], Setting("region", "This is the stack of one region")]
    region: RegionCell
    eks: Eks | None = None
    """The cluster the stack makes; leave it out where one is given."""
    pools: Annotated[
        dict[Name, Pool], Setting({}, f"List the pools of the cluster's nodes, by name. {LABEL_REMEDY}")
    ] = Field(default_factory=dict)
    database: Database | None = None
    """The region's database; leave it out where the cluster is given."""
    mesh: RegionMesh | None = None
    """The region's gateways to other sites; leave it out for none, or where the cluster is given."""
    edge: RegionEdge
    images: RegionImages
    global_stack: Annotated[str, Field(pattern=_STACK), Setting("organization/moltghost/global", _STACK_REMEDY)]
    machine: RegionMachine | None = None
    """What only the machine knows that stands for the cloud; leave it out for an account."""


class Placement(Section):
    """Where a customer's agents are, and where its data may be."""

    home: Annotated[_REGION, Setting("sin", _REGION_REMEDY)]
    failover: Annotated[
        _REGION | None,
        Setting(None, "Name the region that takes over when `home` is lost; leave it out and nothing takes over"),
    ] = None
    residency: Annotated[
        list[Name],
        Field(min_length=1),
        Setting(
            ["sin"],
            "List the regions the customer's data may ever be in, and other sites; `home` and `failover` are of them",
        ),
    ]
    sites: Annotated[
        dict[Name, Name],
        Setting({}, "Give the site of each agent that runs outside its region's own zones; leave it out for none"),
    ] = Field(default_factory=dict)


class TenantSettings(Section):
    """One customer, in one region or two."""

    kind: Annotated[Literal["tenant"], Setting("tenant", "This is the stack of one customer")]
    tenant: Tenant
    placement: Placement
    models: Annotated[dict[Name, Model], Setting({}, "List the models agents can run, by name")] = Field(
        default_factory=dict
    )
    global_stack: Annotated[str, Field(pattern=_STACK), Setting("organization/moltghost/global", _STACK_REMEDY)]
    region_stacks: Annotated[
        dict[_REGION, Annotated[str, Field(pattern=_STACK)]],
        Setting({"sin": "organization/moltghost/sin"}, f"Give the stack of each region named. {_STACK_REMEDY}"),
    ]
    machine: TenantMachine | None = None
    """What only the machine knows that stands for the cloud; leave it out for an account."""


Settings = DevSettings | GlobalSettings | RegionSettings | TenantSettings
Tenanted = DevSettings | TenantSettings
"""Kinds that have customers."""

KINDS: Mapping[str, type[Settings]] = {
    "dev": DevSettings,
    "global": GlobalSettings,
    "region": RegionSettings,
    "tenant": TenantSettings,
}
"""The settings of each kind, by `moltghost:kind`."""
