"""Labels the platform puts on objects, and the guard that keeps everyone else's hands off them."""

from collections.abc import Mapping
from typing import NewType

from runtime.contract import labels as keys

TenantId = NewType("TenantId", str)
Region = NewType("Region", str)
AgentId = NewType("AgentId", str)

RESERVED_DOMAINS = (keys.DOMAIN, "kubernetes.io", "k8s.io", "x-k8s.io", "pulumi.com", "nvidia.com")
"""Labels and annotations under these domains, or a subdomain of one, steer the platform; no tenant supplies one."""


class ReservedLabelError(ValueError):
    """A tenant supplied a label that steers the platform. `key` is the first such key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the label {key!r} is reserved for the platform")
        self.key = key


def is_reserved(key: str) -> bool:
    """Whether a label or annotation key belongs to the platform or to Kubernetes."""
    domain, separator, _ = key.partition("/")
    if not separator:
        return False
    domain = domain.lower().rstrip(".")
    return any(domain == reserved or domain.endswith(f".{reserved}") for reserved in RESERVED_DOMAINS)


def require_free(supplied: Mapping[str, str]) -> dict[str, str]:
    """The labels a tenant supplied; ReservedLabelError if one of them is the platform's."""
    for key in sorted(supplied):
        if is_reserved(key):
            raise ReservedLabelError(key)
    return dict(supplied)


def tenant_labels(tenant: TenantId, region: Region, role: str) -> dict[str, str]:
    """Labels of an object that belongs to one tenant."""
    return {keys.TENANT: tenant, keys.REGION: region, keys.ROLE: role}


def agent_labels(tenant: TenantId, region: Region, agent: AgentId) -> dict[str, str]:
    """Labels of a Sandbox and of its pod; the gateway finds agents by them."""
    return {**tenant_labels(tenant, region, keys.ROLE_AGENT), keys.AGENT: agent}


def platform_labels(region: Region, role: str) -> dict[str, str]:
    """Labels of an object of the platform's own."""
    return {keys.REGION: region, keys.ROLE: role}
