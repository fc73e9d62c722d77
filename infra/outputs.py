"""What a stack tells its readers: typed here, exported once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import pulumi

from components.labels import Region


@dataclass(frozen=True)
class AgentOutput:
    """One agent: the name clients call it by, its Sandbox's, and the public key (JWK) its receipts are signed with."""

    name: str
    sandbox: str
    receipt_key: pulumi.Output[dict[str, str]]


@dataclass(frozen=True)
class TenantOutput:
    """One tenant, where its agents live, and the bucket its snapshots are kept in."""

    id: str
    namespace: str
    bucket: pulumi.Output[str]
    agents: list[AgentOutput]


@dataclass(frozen=True)
class EdgeOutput:
    """Where clients come in: the host name, and the Worker that answers for it."""

    hostname: str
    script: pulumi.Output[str]


@dataclass(frozen=True)
class DevOutputs:
    """The outputs of a dev stack."""

    region: str
    gateway_namespace: str
    edge: EdgeOutput
    tenants: list[TenantOutput]


@dataclass(frozen=True)
class NamespacesOutput:
    """The ids of the edge's key-value namespaces, which tenants' stacks write to."""

    keys: pulumi.Output[str]
    routes: pulumi.Output[str]
    tenants: pulumi.Output[str]


@dataclass(frozen=True)
class GlobalOutputs:
    """What regions and tenants ask the `global` stack for: `edge_keys` is the JWKS edge tokens are verified with,
    `mesh` all that sites know of each other, and no secret of it."""

    account_id: str
    hostname: str
    edge_keys: dict[str, Any]
    regions: list[str]
    namespaces: NamespacesOutput
    mesh: dict[str, Any] | None = None


@dataclass(frozen=True)
class DatabaseOutput:
    """A region's database: where it is, and the secret in Secrets Manager that holds its user and password."""

    endpoint: pulumi.Output[str]
    port: pulumi.Output[int]
    name: pulumi.Output[str]
    secret_arn: pulumi.Output[str]


@dataclass(frozen=True)
class EksOutput:
    """A cluster the stack made: what it is called, and the Kubernetes version it runs."""

    name: pulumi.Output[str]
    version: pulumi.Output[str]


@dataclass(frozen=True)
class RegionOutputs:
    """What tenants ask a region's stack for: `backup` is how long snapshots stay; `kubeconfig` is a secret,
    `pool` the id of what watches its tunnel, where it has one; `dedicated` the GPU classes a tenant has nodes of its
    own for. Operators ask for `nat_addresses`, which is where its nodes' connections come from, and `mesh_addresses`,
    the endpoints of its gateways by plane; both for `site_nodes`, the sites whose machines are its nodes, each with
    what they join as. The stack itself asks for `eks`, before it upgrades.
    """

    region: str
    aws_region: str
    account_id: str
    backup: dict[str, Any]
    gateway_namespace: str
    never: list[str]
    agent_image: str
    edge_keys: dict[str, Any]
    kubeconfig: pulumi.Output[str]
    pool: pulumi.Output[str] | None = None
    database: DatabaseOutput | None = None
    eks: EksOutput | None = None
    dedicated: dict[str, list[str]] = field(default_factory=dict)
    nat_addresses: list[pulumi.Output[str]] = field(default_factory=list)
    mesh_addresses: dict[str, pulumi.Output[str]] = field(default_factory=dict)
    site_nodes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CustomerOutputs:
    """What a customer's stack tells: where the edge answers, what of it is in each region, and what becomes of its
    agents if that region is lost."""

    id: str
    hostname: str
    regions: Mapping[Region, TenantOutput]
    when_lost: dict[str, str]


Outputs = DevOutputs | GlobalOutputs | RegionOutputs | CustomerOutputs


def export(outputs: Outputs) -> None:
    """Export each field under its own name."""
    for each in fields(outputs):
        pulumi.export(each.name, _plain(getattr(outputs, each.name)))


def _plain(value: object) -> object:
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value
