"""The one function that turns an agent into a pod."""

import json
from typing import Any

from components.agent.openclaw import render_openclaw
from components.agent.openclaw_spec import OpenClawSpec
from components.agent.spec import AgentSpec, ImageSource
from components.hardening import http_probe, network_policy, restricted_container, restricted_pod, tcp
from components.labels import agent_labels
from components.naming import CLAIM_TEMPLATE, config_name, egress_policy_name, secret_name, skills_name
from components.quantities import GPU, cpu, memory, volume
from components.values import Manifest
from runtime.contract import env, image, labels, limits, paths, ports

START_BUDGET_S = 600
"""Seconds an agent has to load its model before its start counts as failed."""
_SCRATCH = "1Gi"
_RUN = "1Mi"
_EPHEMERAL_STORAGE = "2Gi"
_PROBE_PERIOD_S = 5
_READ_ONLY_FILE = 0o444
_OWNERS_FILE = 0o400


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
        **_nodes(spec),
        "containers": [_container(spec)],
        "volumes": _volumes(spec),
    }


def _nodes(spec: AgentSpec) -> dict[str, Any]:
    """Which nodes it runs on: those of its GPU class; at its site; and if it is to be alone there, its tenant's own."""
    selector: dict[str, str] = {labels.GPU_CLASS: spec.gpu_class}
    tolerations = [{"key": GPU, "operator": "Exists", "effect": "NoSchedule"}]
    if spec.dedicated_nodes:
        selector[labels.TENANT] = spec.tenant
    if spec.site is not None:
        selector[labels.SITE] = spec.site
    tolerations += [
        {"key": key, "operator": "Equal", "value": selector[key], "effect": "NoSchedule"}
        for key in (labels.TENANT, labels.SITE)
        if key in selector
    ]
    return {"nodeSelector": selector, "tolerations": tolerations}


def _container(spec: AgentSpec) -> dict[str, Any]:
    failures_to_start = START_BUDGET_S // _PROBE_PERIOD_S
    return {
        "name": "agent",
        "image": spec.image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(image.AGENT_COMMAND),
        "env": _environment(spec),
        "ports": [
            {"name": "agent", "containerPort": ports.AGENT, "protocol": "TCP"},
            {"name": "ops", "containerPort": ports.AGENT_OPS, "protocol": "TCP"},
        ],
        "startupProbe": http_probe(paths.READY, ports.AGENT_OPS, _PROBE_PERIOD_S, failures_to_start, timeout_s=5),
        "readinessProbe": http_probe(paths.READY, ports.AGENT_OPS, _PROBE_PERIOD_S, failures=2, timeout_s=5),
        "livenessProbe": http_probe(paths.LIVE, ports.AGENT_OPS, period_s=10, failures=6, timeout_s=5),
        "resources": _resources(spec),
        "securityContext": restricted_container(),
        "volumeMounts": _mounts(spec),
    }


def _environment(spec: AgentSpec) -> list[dict[str, str]]:
    values = {
        env.TENANT: spec.tenant,
        env.AGENT: spec.name,
        env.REGION: spec.region,
        env.MODEL: spec.model.name,
        env.MODEL_DIGEST: spec.model.digest,
        env.CONTEXT_TOKENS: str(spec.model.context_tokens),
        env.MAX_TOKENS: str(spec.model.max_tokens),
        env.KEEP_ALIVE_S: str(spec.model.keep_alive_s),
    }
    if spec.skills is not None:
        values |= {env.SKILLS_KEY: spec.skills.key, env.SKILLS_DIGEST: spec.skills.digest}
    if spec.resume_from is not None:
        values[env.RESUME_FROM] = spec.resume_from
    return [{"name": name, "value": value} for name, value in values.items()]


def _mounts(spec: AgentSpec) -> list[dict[str, Any]]:
    read_only = {"model": image.MODEL_DIR, "config": image.CONFIG_DIR, "secrets": image.SECRETS_DIR}
    if spec.skills is not None:
        read_only["skills"] = image.SKILLS_DIR
    return [
        {"name": CLAIM_TEMPLATE, "mountPath": image.DATA_DIR},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108  # a path in the pod
        {"name": "own", "mountPath": image.RUN_DIR},
        *({"name": name, "mountPath": path, "readOnly": True} for name, path in read_only.items()),
    ]


def _volumes(spec: AgentSpec) -> list[dict[str, Any]]:
    volumes: list[dict[str, Any]] = [
        {"name": "tmp", "emptyDir": {"sizeLimit": _SCRATCH}},
        {"name": "own", "emptyDir": {"medium": "Memory", "sizeLimit": _RUN}},
        {"name": "model", **_model_volume(spec)},
        {"name": "config", "configMap": {"name": config_name(spec.name), "defaultMode": _READ_ONLY_FILE}},
        {"name": "secrets", "secret": {"secretName": secret_name(spec.name), "defaultMode": _OWNERS_FILE}},
    ]
    if spec.skills is not None:
        items = [{"key": file.key, "path": file.path} for file in spec.skills.files]
        source = {"name": skills_name(spec.name, spec.skills.digest), "defaultMode": _READ_ONLY_FILE, "items": items}
        volumes.append({"name": "skills", "configMap": source})
    return volumes


def _model_volume(spec: AgentSpec) -> dict[str, Any]:
    source = spec.model.source
    if isinstance(source, ImageSource):
        return {"image": {"reference": source.reference, "pullPolicy": "IfNotPresent"}}
    return {"persistentVolumeClaim": {"claimName": source.claim, "readOnly": True}}


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


def build_config(spec: AgentSpec) -> Manifest:
    """The ConfigMap of an agent's configuration. Edge keys take effect at once, the rest at the agent's next start."""
    files = {
        image.OPENCLAW_CONFIG_FILE: render_openclaw(openclaw_spec(spec)),
        image.EDGE_KEYS_FILE: json.dumps(spec.edge_keys, sort_keys=True),
    }
    return {**_config_map(spec, config_name(spec.name)), "data": files}


def openclaw_spec(spec: AgentSpec) -> OpenClawSpec:
    """What of an agent its OpenClaw is told. Raises ValueError for a tool no agent has."""
    return OpenClawSpec(
        model=spec.model.name,
        context_tokens=spec.model.context_tokens,
        max_tokens=spec.model.max_tokens,
        tools_allow=spec.tools.allow,
        tools_deny=spec.tools.deny,
        exec_allowed=spec.tools.exec,
        skills=spec.skills.enabled if spec.skills else (),
    )


def build_skills(spec: AgentSpec) -> Manifest | None:
    """The ConfigMap of an agent's skills, which never changes under a running agent; None for an agent without any."""
    if spec.skills is None:
        return None
    files = {file.key: file.content for file in spec.skills.files}
    named = _config_map(spec, skills_name(spec.name, spec.skills.digest))
    return {**named, "immutable": True, "binaryData": files}


def _config_map(spec: AgentSpec, name: str) -> Manifest:
    own = agent_labels(spec.tenant, spec.region, spec.name)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": spec.namespace, "labels": own},
    }
