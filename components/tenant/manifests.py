"""Kubernetes objects that hold one tenant, and hold it apart."""

from typing import Any

from components.hardening import default_deny, dns_egress, network_policy, pods_of, restricted_namespace_labels, tcp
from components.labels import require_free, tenant_labels
from components.quantities import GPU, MAX_VOLUME_GB, MIN_VOLUME_GB, cpu, memory, volume
from components.tenant.spec import AGENT_ACCOUNT, TenantSpec
from components.values import Manifest
from runtime.contract import labels, ports

EPHEMERAL_STORAGE = "4Gi"
"""Scratch space of one agent at most: its `/tmp` and its log."""
_AGENTS = {"podSelector": {"matchLabels": {labels.ROLE: labels.ROLE_AGENT}}}


def _own_labels(spec: TenantSpec) -> dict[str, str]:
    return tenant_labels(spec.tenant, spec.region, labels.ROLE_TENANT)


def build_namespace(spec: TenantSpec) -> Manifest:
    """The tenant's namespace. Raises ReservedLabelError if the customer's labels would steer the platform."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": spec.namespace,
            "labels": {**require_free(spec.supplied_labels), **_own_labels(spec), **restricted_namespace_labels()},
        },
    }


def build_quota(spec: TenantSpec) -> Manifest:
    """The ceilings of all a namespace holds; a Service with an address outside the cluster is not to be had at all.

    Agents are counted by their pods and claims. Counting Sandboxes too would add nothing, and make the first of them
    wait: Kubernetes refuses objects of a new kind for up to half a minute wherever a quota names that kind.
    """
    quota = spec.quota
    hard = {
        "limits.memory": memory(quota.memory_gib),
        "persistentvolumeclaims": str(quota.agents + quota.model_claims),
        "pods": str(quota.agents),
        "requests.cpu": cpu(quota.cpu),
        "requests.memory": memory(quota.memory_gib),
        f"requests.{GPU}": str(quota.gpus),
        "requests.storage": volume(quota.volumes_gb + quota.model_claims_gb),
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }
    return _manifest(spec, "v1", "ResourceQuota", "tenant", {"hard": hard})


def build_limits(spec: TenantSpec) -> Manifest:
    """The bounds of each pod and each claim: exactly one whole GPU a pod, and every limit said out loud."""
    one_gpu = {"type": "Pod", "min": {GPU: "1"}, "max": {GPU: "1"}}
    container = {"type": "Container", "max": {"ephemeral-storage": EPHEMERAL_STORAGE}}
    claim = {
        "type": "PersistentVolumeClaim",
        "min": {"storage": volume(MIN_VOLUME_GB)},
        "max": {"storage": volume(MAX_VOLUME_GB)},
    }
    return _manifest(spec, "v1", "LimitRange", "tenant", {"limits": [one_gpu, container, claim]})


def build_policies(spec: TenantSpec) -> list[Manifest]:
    """Nothing in or out, but: gateways to agents' doors, the monitoring to their metrics, agents to the cluster's DNS.

    The kubelet's probes come from the pod's own node, which no policy holds back.
    """
    gateways = pods_of(spec.gateway_namespace, {labels.ROLE: labels.ROLE_GATEWAY})
    monitoring = pods_of(spec.monitoring_namespace, {labels.ROLE: labels.ROLE_MONITORING})
    to_dns = {**_AGENTS, "policyTypes": ["Egress"], "egress": [dns_egress()]}
    own = _own_labels(spec)
    return [
        default_deny(spec.namespace, own),
        network_policy("gateway-to-agents", spec.namespace, own, _into_agents(gateways, ports.AGENT)),
        network_policy("monitoring-to-agents", spec.namespace, own, _into_agents(monitoring, ports.AGENT_OPS)),
        network_policy("agents-to-dns", spec.namespace, own, to_dns),
    ]


def _into_agents(peer: dict[str, Any], port: int) -> dict[str, Any]:
    return {**_AGENTS, "policyTypes": ["Ingress"], "ingress": [{"from": [peer], "ports": [tcp(port)]}]}


def build_service_account(spec: TenantSpec) -> Manifest:
    """The account agents run under. No token is mounted and no right is bound to it."""
    metadata = {"name": AGENT_ACCOUNT, "namespace": spec.namespace, "labels": _own_labels(spec)}
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata,
        "automountServiceAccountToken": False,
    }


def _manifest(spec: TenantSpec, version: str, kind: str, name: str, body: dict[str, Any]) -> Manifest:
    metadata = {"name": name, "namespace": spec.namespace, "labels": _own_labels(spec)}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": body}
