"""A region as a customer's part of it needs to know it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any

from components.labels import Region
from infra.settings.models import Backup


@dataclass(frozen=True)
class Cell:
    """One region: the account its keys and snapshots live in, how long those stay, its gateways' namespace and the keys
    gateways trust.

    `never` are the ranges no agent is let out to, `agent_image` is what agents' pods are made from, `artifacts` are
    models' images made on this machine, by model, `dedicated` the GPU classes the customer has nodes of its own for,
    `sites` the site of each of its agents that runs on machines outside the region's own zones.
    """

    region: Region
    aws_region: str
    account_id: str
    backup: Backup
    gateway_namespace: str
    never: tuple[IPv4Network, ...]
    agent_image: str
    edge_keys: Mapping[str, Any]
    artifacts: Mapping[str, str]
    dedicated: frozenset[str] = frozenset()
    sites: Mapping[str, str] = field(default_factory=dict)
