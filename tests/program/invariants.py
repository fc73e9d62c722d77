"""What holds of every object any stack of ours declares. Each returns what breaks it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from runtime.contract import labels

Manifest = dict[str, Any]


def pod_specs(manifests: Iterable[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Every pod template, wherever it hides, with the name of what makes the pods."""
    for manifest in manifests:
        spec = manifest.get("spec", {})
        template = spec.get("podTemplate") or spec.get("template")
        if template:
            yield f"{manifest['kind']}/{manifest['metadata']['name']}", template["spec"]


def one_default_deny_a_namespace(manifests: list[Manifest]) -> list[str]:
    """Each namespace has exactly one policy that selects all its pods, both ways, and allows nothing."""
    spaces = [each["metadata"]["name"] for each in manifests if each["kind"] == "Namespace"]
    nothing = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    denied = Counter(
        each["metadata"]["namespace"]
        for each in manifests
        if each["kind"] == "NetworkPolicy" and each["spec"] == nothing
    )
    return [space for space in spaces if denied[space] != 1]


def every_way_in_names_port_and_caller(manifests: list[Manifest]) -> list[str]:
    """A policy lets in pods of one role in one namespace, or one address, and each to ports it names."""
    return [
        f"{each['metadata']['namespace']}/{each['metadata']['name']}"
        for each in manifests
        if each["kind"] == "NetworkPolicy"
        for rule in each["spec"].get("ingress", [])
        if not rule.get("ports") or not rule.get("from") or not all(map(_one_caller, rule["from"]))
    ]


def _one_caller(peer: Manifest) -> bool:
    block: str = peer.get("ipBlock", {}).get("cidr", "")
    space = peer.get("namespaceSelector", {}).get("matchLabels", {})
    pods = peer.get("podSelector", {}).get("matchLabels", {})
    return block.endswith("/32") or ("kubernetes.io/metadata.name" in space and labels.ROLE in pods)


def no_service_faces_outward(manifests: list[Manifest]) -> list[str]:
    """Services have cluster addresses, and there is no Ingress."""
    outward = [each for each in manifests if each["kind"] == "Service" and each["spec"].get("type") != "ClusterIP"]
    outward += [each for each in manifests if each["kind"] in {"Ingress", "Gateway"}]
    outward += [each for each in manifests if each["kind"] == "Service" and each["spec"].get("externalIPs")]
    return [each["metadata"]["name"] for each in outward]


def every_pod_is_restricted(manifests: list[Manifest]) -> list[str]:
    """Pods run as nobody, write nowhere but to volumes, and keep no capability."""
    return [name for name, spec in pod_specs(manifests) if not _restricted(spec)]


def _restricted(spec: Manifest) -> bool:
    pod = spec.get("securityContext", {})
    containers = [*spec["containers"], *spec.get("initContainers", [])]
    return (
        pod.get("runAsNonRoot") is True
        and pod.get("runAsUser", 0) > 0
        and pod.get("seccompProfile") == {"type": "RuntimeDefault"}
        and not any(spec.get(flag) for flag in ("hostNetwork", "hostPID", "hostIPC"))
        and not any("hostPath" in volume for volume in spec.get("volumes", []))
        and all(_contained(container) for container in containers)
    )


def _contained(container: Manifest) -> bool:
    context = container.get("securityContext", {})
    return (
        context.get("allowPrivilegeEscalation") is False
        and context.get("readOnlyRootFilesystem") is True
        and context.get("capabilities") == {"drop": ["ALL"]}
        and not any("hostPort" in port for port in container.get("ports", []))
    )


def every_image_has_a_digest(manifests: list[Manifest]) -> list[str]:
    """No image can change under a running platform."""
    return [
        name
        for name, spec in pod_specs(manifests)
        if not all("@sha256:" in container["image"] for container in spec["containers"])
    ]


def no_agent_has_a_token(manifests: list[Manifest]) -> list[str]:
    """Only the platform's own pods hold a token for the cluster's API."""
    return [
        name
        for name, spec in pod_specs(manifests)
        if name.startswith("Sandbox/") and spec.get("automountServiceAccountToken") is not False
    ]


def every_container_is_probed_and_bounded(manifests: list[Manifest]) -> list[str]:
    """Each container says when it is ready and alive, and how much memory it may have."""
    needed = {"readinessProbe", "livenessProbe"}
    return [
        name
        for name, spec in pod_specs(manifests)
        for container in spec["containers"]
        if not needed <= set(container) or "memory" not in container["resources"]["limits"]
    ]


def nothing_of_a_tenant_lies_elsewhere(manifests: list[Manifest]) -> list[str]:
    """What carries a tenant's label lies in a namespace that carries the same."""
    owner = {
        each["metadata"]["name"]: each["metadata"]["labels"].get(labels.TENANT)
        for each in manifests
        if each["kind"] == "Namespace"
    }
    return [
        each["metadata"]["name"]
        for each in manifests
        if each["metadata"].get("namespace")
        and each["metadata"]["labels"].get(labels.TENANT) != owner[each["metadata"]["namespace"]]
    ]


def no_role_is_a_master_key(manifests: list[Manifest]) -> list[str]:
    """No role has a wildcard, reads Secrets or hands out rights."""
    forbidden = {"*", "secrets", "bind", "escalate", "impersonate"}
    return [
        each["metadata"]["name"]
        for each in manifests
        if each["kind"] in {"Role", "ClusterRole"}
        and any(forbidden & {*rule["verbs"], *rule["resources"], *rule["apiGroups"]} for rule in each["rules"])
    ]


INVARIANTS: list[Callable[[list[Manifest]], list[str]]] = [
    one_default_deny_a_namespace,
    every_way_in_names_port_and_caller,
    no_service_faces_outward,
    every_pod_is_restricted,
    every_image_has_a_digest,
    no_agent_has_a_token,
    every_container_is_probed_and_bounded,
    nothing_of_a_tenant_lies_elsewhere,
    no_role_is_a_master_key,
]
