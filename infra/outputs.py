"""What a stack tells its readers: typed here, exported once."""

from dataclasses import dataclass, fields, is_dataclass

import pulumi


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
class RegionOutputs:
    """The outputs of a stack of one region."""

    region: str
    gateway_namespace: str
    edge: EdgeOutput
    tenants: list[TenantOutput]


def export(outputs: RegionOutputs) -> None:
    """Export each field under its own name."""
    for field in fields(outputs):
        value = getattr(outputs, field.name)
        pulumi.export(field.name, _plain(value))


def _plain(value: object) -> object:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value
