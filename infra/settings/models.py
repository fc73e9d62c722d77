"""Everything a stack file can say."""

from typing import Annotated, Literal

from pydantic import Field

from components.agent.openclaw_spec import ToolName
from components.agent.spec import Lifecycle
from components.backup.spec import MAX_TENANTS
from components.quantities import MAX_VOLUME_GB, MIN_MEMORY_GIB, MIN_VOLUME_GB
from infra.settings.access import ApiKey, Certificate, Issuer
from infra.settings.edge import Edge
from infra.settings.fields import (
    LABEL_REMEDY,
    ORIGIN_REMEDY,
    BucketName,
    Cidr,
    Digest,
    FileName,
    Image,
    Name,
    Port,
    Prefix,
    Section,
    Setting,
    WebOrigin,
)
from infra.settings.hooks import Hook
from infra.settings.limits import Limits
from infra.settings.machine import Machine
from infra.settings.skills import Skills

_RANGE = "Give a range of IPv4 addresses of the region's own, such as 10.20.0.0/16"
_COUNT = "Give a whole number"
_VOLUME = f"A volume has {MIN_VOLUME_GB} GB to {MAX_VOLUME_GB} GB (2 TB), decimal, written as a whole number"


class Network(Section):
    """Address ranges of a region; none overlaps another."""

    nodes: Annotated[Cidr, Setting("10.20.0.0/20", _RANGE)]
    """Nodes, and the API server behind its Service."""
    pods: Annotated[Cidr, Setting("10.24.0.0/14", _RANGE)]
    services: Annotated[Cidr, Setting("10.28.0.0/20", _RANGE)]


class GpuClass(Section):
    """GPUs of one kind a region offers; nodes carry the class as a label."""

    count: Annotated[int, Field(ge=1), Setting(8, f"{_COUNT} of GPUs of this class, one at least")]


class Gateway(Section):
    """The regional gateway."""

    replicas: Annotated[int, Field(ge=3), Setting(3, "Run three gateways at least, so that one can go at any time")] = 3
    spread: Annotated[
        Literal["strict", "relaxed"],
        Setting("strict", "`strict` gives each replica a node of its own, `relaxed` lets them share"),
    ] = "strict"


class Storage(Section):
    """Where agents' volumes come from."""

    provisioner: Annotated[str, Field(min_length=1), Setting("ebs.csi.aws.com", "Name the volumes' CSI driver")]
    binding: Annotated[
        Literal["Immediate", "WaitForFirstConsumer"],
        Setting("WaitForFirstConsumer", "`WaitForFirstConsumer` places a volume where its pod can run"),
    ] = "WaitForFirstConsumer"
    reclaim: Annotated[
        Literal["Delete", "Retain"], Setting("Retain", "`Retain` keeps a volume whose claim is gone; `Delete` does not")
    ] = "Retain"
    parameters: Annotated[
        dict[str, str], Setting({}, "Parameters are text, as the driver documents them; quote numbers")
    ] = Field(default_factory=dict)


class Backup(Section):
    """How long snapshots stay."""

    noncurrent_days: Annotated[
        int, Field(ge=1, le=3650), Setting(30, "Days a deleted or overwritten snapshot can be had back, 1 to 3650")
    ] = 30
    lock_days: Annotated[
        Annotated[int, Field(ge=1, le=3650)] | None,
        Setting(None, "Days nobody can delete a snapshot, 1 to 3650; leave it out for no lock"),
    ] = None
    delete_with_stack: Annotated[
        bool, Setting(False, "`true` lets a destroy take the snapshots along; leave it out to keep them")
    ] = False


class Aws(Section):
    """The account the region's keys and snapshots live in."""

    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$"), Setting("ap-southeast-1", "Name an AWS region")]
    account_id: Annotated[str, Field(pattern=r"^\d{12}$"), Setting("123456789012", "Twelve digits, quoted")]


class Region(Section):
    """One region: a cell with its own cluster, gateway and snapshots."""

    name: Annotated[
        str,
        Field(pattern=r"^[a-z][a-z0-9]{1,15}$"),
        Setting("sin", "A region has 2 to 16 lower-case letters and digits, a letter first"),
    ]
    network: Network
    gpu_classes: Annotated[
        dict[Name, GpuClass],
        Field(min_length=1),
        Setting({"l40s": {"count": 8}}, f"List its GPUs by class. {LABEL_REMEDY}"),
    ]
    gateway: Gateway = Gateway()
    storage: Storage
    backup: Backup = Backup()
    aws: Aws


class Egress(Section):
    """Public addresses an agent may connect to."""

    cidr: Annotated[Cidr, Setting("1.1.1.0/24", "Give a range of public IPv4 addresses")]
    ports: Annotated[list[Port], Field(min_length=1), Setting([443], "List TCP ports, 1 to 65535")]


class Bucket(Section):
    """A place in S3."""

    name: Annotated[BucketName, Setting("example-models", "Name an S3 bucket: 3 to 63 lower-case letters and digits")]
    prefix: Annotated[Prefix, Setting("models/example/", "Give the folder that holds the model, with a slash last")]


class Model(Section):
    """A model agents can run: its digest, and the one place its weights come from."""

    digest: Annotated[Digest, Setting(f"sha256:{'0' * 64}", "Give what `moltghost model digest DIR` prints")]
    image: Annotated[Image | None, Setting(None, "An OCI artifact that holds the model, by digest: name@sha256:…")] = (
        None
    )
    bucket: Bucket | None = None
    """An S3 prefix that holds it."""
    claim: Annotated[
        Name | None, Setting(None, "A volume claim in the tenant's namespace, made and filled beforehand")
    ] = None


class Tools(Section):
    """OpenClaw's own tools an agent has."""

    allow: Annotated[list[ToolName], Setting([], "List tools by OpenClaw's names; leave it out for none")] = Field(
        default_factory=list
    )
    deny: Annotated[list[ToolName], Setting([], "List tools by OpenClaw's names, on top of what is always denied")] = (
        Field(default_factory=list)
    )
    exec: Annotated[
        bool, Setting(False, "`true` lets the agent run programs in its pod; the pod is then the only wall around them")
    ] = False


class Agent(Section):
    """One agent: one pod, one whole GPU, one volume."""

    name: Annotated[Name, Setting("example-agent", LABEL_REMEDY)]
    model: Annotated[Name, Setting("example-model", "Name a model listed under `models`")]
    context_tokens: Annotated[
        int, Field(ge=256, le=1_048_576), Setting(16384, "Tokens of context the model is loaded with, 256 to 1048576")
    ] = 16384
    max_tokens: Annotated[
        int, Field(ge=1, le=1_048_576), Setting(4096, "Tokens of the longest answer, fewer than the context has")
    ] = 4096
    keep_alive_s: Annotated[
        int, Field(ge=-1, le=604_800), Setting(-1, "Seconds the model stays loaded unasked, up to a week; -1 for good")
    ] = -1
    skills: Annotated[
        dict[Name, dict[str, str]], Setting({}, "Name skills of the tenant's bundle, each with its settings as text")
    ] = Field(default_factory=dict)
    tools: Tools = Tools()
    secrets: Annotated[
        list[FileName], Setting([], "List names of the agent's secrets; their values go into `agentSecrets`")
    ] = Field(default_factory=list)
    gpu_class: Annotated[Name, Setting("l40s", "Name a class listed under the region's gpu_classes")]
    cpu: Annotated[float, Field(ge=0.1, le=256), Setting(4, "Give CPU cores, 0.1 to 256")]
    memory_gib: Annotated[
        float, Field(ge=MIN_MEMORY_GIB, le=4096), Setting(16, f"Give memory in GiB, {MIN_MEMORY_GIB:g} to 4096")
    ]
    volume_gb: Annotated[int, Field(ge=MIN_VOLUME_GB, le=MAX_VOLUME_GB), Setting(MIN_VOLUME_GB, _VOLUME)]
    egress: Annotated[list[Egress], Setting([], "List ranges and ports; leave it out for none")] = Field(
        default_factory=list
    )
    lifecycle: Annotated[
        Literal["always-on", "suspendable"],
        Setting(Lifecycle.ALWAYS_ON.value, "`always-on` keeps the agent up, `suspendable` lets it sleep"),
    ]


class Quota(Section):
    """A tenant's ceilings, over all its agents."""

    agents: Annotated[int, Field(ge=0), Setting(1, _COUNT)]
    gpus: Annotated[int, Field(ge=0), Setting(1, f"{_COUNT} of GPUs")]
    cpu: Annotated[float, Field(ge=0), Setting(4, "Give CPU cores")]
    memory_gib: Annotated[float, Field(ge=0), Setting(16, "Give memory in GiB")]
    volumes_gb: Annotated[int, Field(ge=0), Setting(MIN_VOLUME_GB, f"{_COUNT} of decimal GB")]


class Tenant(Section):
    """One customer."""

    id: Annotated[Name, Setting("example-tenant", LABEL_REMEDY)]
    labels: Annotated[dict[str, str], Setting({}, "Labels are text; quote numbers and yes/no")] = Field(
        default_factory=dict
    )
    origins: Annotated[
        list[WebOrigin], Setting([], f"List web origins whose pages may use the tenant's keys. {ORIGIN_REMEDY}")
    ] = Field(default_factory=list)
    hooks: Annotated[list[Hook], Setting([], "List the tenant's webhooks; leave it out for none")] = Field(
        default_factory=list
    )
    skills: Skills | None = None
    """The tenant's private skills."""
    quota: Quota
    limits: Limits = Limits()
    agents: Annotated[list[Agent], Setting([], "List the tenant's agents; leave it out for none")] = Field(
        default_factory=list
    )
    api_keys: Annotated[list[ApiKey], Setting([], "List keys `moltghost key new` made; leave it out for none")] = Field(
        default_factory=list
    )
    issuers: Annotated[list[Issuer], Setting([], "List who signs its tokens; leave it out for none")] = Field(
        default_factory=list
    )
    certificates: Annotated[list[Certificate], Setting([], "List its client certificates; leave it out for none")] = (
        Field(default_factory=list)
    )


class DevSettings(Section):
    """A stack."""

    kind: Annotated[Literal["dev"], Setting("dev", "This is the stack of a region and its tenants on one machine")]
    region: Region
    edge: Edge
    models: Annotated[dict[Name, Model], Setting({}, "List the models agents can run, by name")] = Field(
        default_factory=dict
    )
    tenants: Annotated[
        list[Tenant],
        Field(min_length=1, max_length=MAX_TENANTS),
        Setting([], f"List 1 to {MAX_TENANTS} tenants: a region's snapshot bucket tells no more apart"),
    ]
    machine: Machine | None = None
    """What only the machine knows that a dev stack lands on; `make up` writes it."""
