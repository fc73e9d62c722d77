"""Which agent is where: the Sandboxes of the region, kept in memory."""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from runtime.contract import labels

Sandbox = Mapping[str, Any]
AgentKey = tuple[str, str]
"""Tenant and agent."""
_ObjectKey = tuple[str, str]


@dataclass(frozen=True)
class AgentPod:
    """An agent's pod: its address while it answers, None before and after."""

    address: str | None


class SandboxCache:
    """The last known state of every Sandbox that is an agent; looking one up reads a dict, never the API."""

    def __init__(self) -> None:
        self._agents: dict[AgentKey, dict[_ObjectKey, AgentPod]] = {}
        self._keys: dict[_ObjectKey, AgentKey] = {}

    def find(self, tenant: str, agent: str) -> AgentPod | None:
        """The agent's pod, one that answers if there are several; None if the region has no such agent."""
        pods = self._agents.get((tenant, agent))
        if not pods:
            return None
        return next((pod for pod in pods.values() if pod.address), next(iter(pods.values())))

    def replace(self, sandboxes: Iterable[Sandbox]) -> None:
        """Forget everything known and take these instead."""
        self._agents, self._keys = {}, {}
        for sandbox in sandboxes:
            self.put(sandbox)

    def put(self, sandbox: Sandbox) -> None:
        """Take a Sandbox that is new or has changed; one without our labels is no agent."""
        self.remove(sandbox)
        key = _agent_key(sandbox)
        if key is not None:
            name = _object_key(sandbox)
            self._keys[name] = key
            self._agents.setdefault(key, {})[name] = AgentPod(_address(sandbox))

    def remove(self, sandbox: Sandbox) -> None:
        """Forget a Sandbox that is gone."""
        name = _object_key(sandbox)
        key = self._keys.pop(name, None)
        if key is not None:
            pods = self._agents[key]
            del pods[name]
            if not pods:
                del self._agents[key]


def _object_key(sandbox: Sandbox) -> _ObjectKey:
    return sandbox["metadata"]["namespace"], sandbox["metadata"]["name"]


def _agent_key(sandbox: Sandbox) -> AgentKey | None:
    found = sandbox["metadata"].get("labels", {})
    if labels.TENANT not in found or labels.AGENT not in found:
        return None
    return found[labels.TENANT], found[labels.AGENT]


def _address(sandbox: Sandbox) -> str | None:
    """The pod's address, as a URL writes it, while the Sandbox is Ready and not on its way out."""
    status = sandbox.get("status", {})
    addresses = status.get("podIPs") or []
    if not addresses or "deletionTimestamp" in sandbox["metadata"] or not _is_ready(status):
        return None
    address = ipaddress.ip_address(addresses[0])
    return f"[{address}]" if address.version == 6 else str(address)


def _is_ready(status: Mapping[str, Any]) -> bool:
    return any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in status.get("conditions", [])
    )
