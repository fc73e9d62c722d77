"""What one agent is."""

from enum import StrEnum
from ipaddress import IPv4Network
from typing import Annotated, Any

from pydantic import Field

from components.agent.openclaw_spec import SkillUse, ToolName
from components.labels import AgentId, Region, TenantId
from components.quantities import MAX_VOLUME_GB, MIN_MEMORY_GIB, MIN_VOLUME_GB
from components.values import ImageReference, Label, Values

FileName = Annotated[str, Field(pattern=r"^[a-z0-9]([-._a-z0-9]{0,250}[a-z0-9])?$")]
"""A key of a Secret that is also a plain file name."""


class Lifecycle(StrEnum):
    """Whether an agent may be put to sleep when nobody talks to it."""

    ALWAYS_ON = "always-on"
    SUSPENDABLE = "suspendable"


class EgressSpec(Values):
    """One range of public addresses an agent may connect to, on the TCP ports listed."""

    cidr: IPv4Network
    ports: tuple[int, ...] = Field(min_length=1)


class ImageSource(Values):
    """A model's weights as an OCI artifact, by digest; the node pulls it and mounts it read-only."""

    reference: ImageReference


class ClaimSource(Values):
    """A model's weights on a volume that is there: the claim's name, in the agent's namespace. Mounted read-only."""

    claim: Label


class ModelSpec(Values):
    """The model an agent runs.

    `digest` is `sha256:…` of its manifest, `context_tokens` what it is loaded with, `max_tokens` the longest answer,
    `keep_alive_s` the seconds it stays loaded unasked (-1 for good).
    """

    name: Label
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    source: ImageSource | ClaimSource
    context_tokens: int = Field(ge=256)
    max_tokens: int = Field(ge=1)
    keep_alive_s: int = Field(ge=-1)


class SkillFile(Values):
    """One file of a skill bundle: its key in the ConfigMap, its path in the bundle, its content in base64."""

    key: str = Field(pattern=r"^[-._a-zA-Z0-9]{1,253}$")
    path: str = Field(min_length=1)
    content: str


class SkillsSpec(Values):
    """A tenant's signed bundle of private skills, and those of it this agent has.

    `key` is the public Ed25519 key the bundle is signed with, in base64; `digest` names the bundle's content.
    """

    key: str = Field(pattern=r"^[A-Za-z0-9+/]{43}=$")
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    files: tuple[SkillFile, ...] = Field(min_length=1)
    enabled: tuple[SkillUse, ...] = Field(min_length=1)


class ToolsSpec(Values):
    """The tools an agent has beyond its skills. `exec` lets it run programs inside its pod."""

    allow: tuple[ToolName, ...] = ()
    deny: tuple[ToolName, ...] = ()
    exec: bool = False


class AgentSpec(Values):
    """One agent: one pod, one whole GPU, one volume.

    `cpu` in cores, `memory_gib` in GiB, `volume_gb` in decimal GB. `never` are ranges no egress rule may reach into
    (cloud metadata, the cluster, private networks). `edge_keys` is the JWKS edge tokens are verified with. `secrets`
    are the names of the files the agent's own Secret holds; their contents are never here.
    """

    tenant: TenantId
    region: Region
    name: AgentId
    namespace: Label
    image: ImageReference
    model: ModelSpec
    skills: SkillsSpec | None = None
    tools: ToolsSpec = ToolsSpec()
    secrets: tuple[FileName, ...]
    gpu_class: Label
    dedicated_nodes: bool = False
    """Whether it runs on nodes that are its tenant's alone, and on no other."""
    site: Label | None = None
    """The site whose machines it runs on; None for nodes of the region's own."""
    resume_from: str | None = Field(default=None, pattern=r"^s3://[a-z0-9][-.a-z0-9]+/[-.a-z0-9]+/$")
    """Where its latest state is, for an agent of a customer that is in two regions; None for one that is in one."""
    cpu: float = Field(gt=0)
    memory_gib: float = Field(ge=MIN_MEMORY_GIB)
    volume_gb: int = Field(ge=MIN_VOLUME_GB, le=MAX_VOLUME_GB)
    egress: tuple[EgressSpec, ...] = ()
    never: tuple[IPv4Network, ...]
    lifecycle: Lifecycle
    edge_keys: dict[str, Any]
    storage_class: Label
    priority_class: Label
    service_account: Label
