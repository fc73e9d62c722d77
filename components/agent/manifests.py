"""The one function that turns an agent into a pod."""

import json
from typing import Any

from components.agent.spec import AgentSpec
from components.hardening import http_probe, network_policy, restricted_container, restricted_pod, tcp
from components.labels import agent_labels
from components.naming import CLAIM_TEMPLATE, egress_policy_name
from components.quantities import GPU, cpu, memory, volume
from components.values import Manifest
from runtime.contract import env, image, labels, limits, paths, ports

START_BUDGET_S = 600
"""Seconds an agent has to load its model before its start counts as failed."""
_SCRATCH = "1Gi"
_EPHEMERAL_STORAGE = "2Gi"
_PROBE_PERIOD_S = 5


def build_sandbox(spec: AgentSpec) -> Manifest:
    """The Sandbox of an agent. The same agent always gives the same object."""
    own = agent_labels(spec.tenant, spec.region, spec.name)
    return {
        "apiVersion": "agents.x-k8s.io/v1beta1",
        "kind": "Sandbox",
        "metadata": {
            "name": spec.name,
            "namespace": spec.namespace,
            "labels": own,
            "annotations": {
                f"{labels.DOMAIN}/lifecycle": spec.lifecycle.value,
                "pulumi.com/waitFor": "condition=Ready",
            },
        },
        "spec": {
            "operatingMode": "Running",
            # The gateway reaches the pod by its address; a Service would only be one more way in.
            "service": False,
            "podTemplate": {"metadata": {"labels": own}, "spec": build_pod(spec)},
            "volumeClaimTemplates": [_claim(spec, own)],
        },
    }


def build_pod(spec: AgentSpec) -> dict[str, Any]:
    """The pod of an agent: Pod Security `restricted`, its volume and `/tmp` the only places it can write."""
    return {
        **restricted_pod(image.UID),
        "serviceAccountName": spec.service_account,
        "priorityClassName": spec.priority_class,
        "terminationGracePeriodSeconds": limits.TERMINATION_GRACE_S,
        "nodeSelector": {labels.GPU_CLASS: spec.gpu_class},
        "tolerations": [{"key": GPU, "operator": "Exists", "effect": "NoSchedule"}],
        "containers": [_container(spec)],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": _SCRATCH}}],
    }


def _container(spec: AgentSpec) -> dict[str, Any]:
    failures_to_start = START_BUDGET_S // _PROBE_PERIOD_S
    return {
        "name": "agent",
        "image": spec.image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(image.AGENT_COMMAND),
        "env": _environment(spec),
        "ports": [{"name": "agent", "containerPort": ports.AGENT, "protocol": "TCP"}],
        "startupProbe": http_probe(paths.READY, ports.AGENT, _PROBE_PERIOD_S, failures_to_start, timeout_s=5),
        "readinessProbe": http_probe(paths.READY, ports.AGENT, _PROBE_PERIOD_S, failures=2, timeout_s=5),
        "livenessProbe": http_probe(paths.LIVE, ports.AGENT, period_s=10, failures=6, timeout_s=5),
        "resources": _resources(spec),
        "securityContext": restricted_container(),
        "volumeMounts": [
            {"name": CLAIM_TEMPLATE, "mountPath": image.DATA_DIR},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108  # a path in the pod
        ],
    }


def _environment(spec: AgentSpec) -> list[dict[str, str]]:
    values = {
        env.TENANT: spec.tenant,
        env.AGENT: spec.name,
        env.REGION: spec.region,
        env.MODEL: spec.model,
        env.MODEL_SOURCE: f"{image.MODELS_DIR}/{spec.model}",
        env.CONTEXT_TOKENS: str(spec.context_tokens),
        env.DATA_DIR: image.DATA_DIR,
        env.EDGE_KEYS: json.dumps(spec.edge_keys, sort_keys=True),
    }
    return [{"name": name, "value": value} for name, value in values.items()]


def _resources(spec: AgentSpec) -> dict[str, dict[str, str]]:
    # CPU has no limit: throttled, a model answers in bursts; the request is its fair share.
    fixed = {"memory": memory(spec.memory_gib), "ephemeral-storage": _EPHEMERAL_STORAGE, GPU: "1"}
    return {"requests": {"cpu": cpu(spec.cpu), **fixed}, "limits": fixed}


def _claim(spec: AgentSpec, own: dict[str, str]) -> dict[str, Any]:
    return {
        "metadata": {"name": CLAIM_TEMPLATE, "labels": own},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": spec.storage_class,
            "resources": {"requests": {"storage": volume(spec.volume_gb)}},
        },
    }


def build_egress(spec: AgentSpec) -> Manifest | None:
    """The NetworkPolicy of what the agent may reach beyond DNS; None if that is nothing."""
    if not spec.egress:
        return None
    rules = [
        {
            "to": [{"ipBlock": _block(rule.cidr, spec)}],
            "ports": [tcp(port) for port in rule.ports],
        }
        for rule in spec.egress
    ]
    selector = {"matchLabels": {labels.ROLE: labels.ROLE_AGENT, labels.AGENT: spec.name}}
    body = {"podSelector": selector, "policyTypes": ["Egress"], "egress": rules}
    own = agent_labels(spec.tenant, spec.region, spec.name)
    return network_policy(egress_policy_name(spec.name), spec.namespace, own, body)


def _block(cidr: Any, spec: AgentSpec) -> dict[str, Any]:
    """The range without what must never be reached, should a rule that wide ever get this far."""
    inside = [str(never) for never in spec.never if never.subnet_of(cidr)]
    return {"cidr": str(cidr), "except": inside} if inside else {"cidr": str(cidr)}
