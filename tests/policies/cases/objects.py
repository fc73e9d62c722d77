"""Cases of the rules about other Kubernetes objects."""

import copy
from typing import Any

from policies.record import Resource
from tests.policies.cases import Case, Make
from tests.policies.cases.pods import NAMESPACE
from tests.policies.resources import kubernetes, resource

RBAC = "rbac.authorization.k8s.io"
RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}


def namespace(name: str, labels: dict[str, str] | None = None) -> Resource:
    """A tenant's namespace."""
    given = {"moltghost.io/tenant": name, **(RESTRICTED if labels is None else labels)}
    return kubernetes({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": given}})


def policy(space: str, name: str, **spec: Any) -> Resource:
    """A NetworkPolicy."""
    metadata = {"name": name, "namespace": space}
    version = "networking.k8s.io/v1"
    return kubernetes({"apiVersion": version, "kind": "NetworkPolicy", "metadata": metadata, "spec": spec})


def default_deny(space: str) -> Resource:
    """The policy a namespace starts from."""
    return policy(space, "default-deny", podSelector={}, policyTypes=["Ingress", "Egress"])


def _denied(**spec: Any) -> Make:
    return lambda tag: (namespace(tag), policy(tag, "default-deny", **spec))


def _ingress(**rule: Any) -> Make:
    return lambda tag: (policy(NAMESPACE, tag, podSelector={}, policyTypes=["Ingress"], ingress=[rule]),)


def _egress(**rule: Any) -> Make:
    return lambda tag: (policy(NAMESPACE, tag, podSelector={}, policyTypes=["Egress"], egress=[rule]),)


GATEWAYS = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "moltghost-system"}},
    "podSelector": {"matchLabels": {"moltghost.io/role": "gateway"}},
}
DOOR = [{"protocol": "TCP", "port": 8090}]
HARD = {
    "limits.memory": "64Gi",
    "persistentvolumeclaims": "3",
    "pods": "2",
    "requests.cpu": "8",
    "requests.nvidia.com/gpu": "2",
    "requests.storage": "450G",
    "services.loadbalancers": "0",
    "services.nodeports": "0",
}


def bounded(space: str, hard: dict[str, str] | None = None) -> tuple[Resource, Resource]:
    """A quota and limits."""
    metadata = {"name": "tenant", "namespace": space}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard or HARD}}
    limits = {"limits": [{"type": "Pod", "max": {"nvidia.com/gpu": "1"}}]}
    return kubernetes(quota), kubernetes(
        {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": limits}
    )


def _service(**spec: Any) -> Make:
    def made(tag: str) -> tuple[Resource, ...]:
        whole = {"type": "ClusterIP", "ports": [{"port": 80}], "selector": {"a": "b"}, **spec}
        metadata = {"name": tag, "namespace": NAMESPACE}
        return (kubernetes({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": whole}),)

    return made


def _account(**fields: Any) -> Make:
    def made(tag: str) -> tuple[Resource, ...]:
        metadata = {"name": tag, "namespace": NAMESPACE}
        return (kubernetes({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, **fields}),)

    return made


def _ingress_object(tag: str) -> tuple[Resource, ...]:
    metadata = {"name": tag, "namespace": NAMESPACE}
    spec = {"defaultBackend": {"service": {"name": "gateway", "port": {"number": 80}}}}
    version = "networking.k8s.io/v1"
    return (kubernetes({"apiVersion": version, "kind": "Ingress", "metadata": metadata, "spec": spec}),)


def _role(kind: str, *rules: dict[str, Any]) -> Make:
    def made(tag: str) -> tuple[Resource, ...]:
        metadata = {"name": tag, **({"namespace": NAMESPACE} if kind == "Role" else {})}
        return (kubernetes({"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, "rules": list(rules)}),)

    return made


def _binding(kind: str, role: str, subject: dict[str, str]) -> Make:
    def made(tag: str) -> tuple[Resource, ...]:
        metadata = {"name": tag, **({"namespace": NAMESPACE} if kind == "RoleBinding" else {})}
        reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": role}
        body = {"roleRef": reference, "subjects": [subject]}
        return (kubernetes({"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, **body}),)

    return made


ACCOUNT = {"kind": "ServiceAccount", "name": "gateway", "namespace": "moltghost-system"}
EVERYONE = {"kind": "Group", "name": "system:authenticated", "apiGroup": RBAC}
READ = {"apiGroups": ["agents.x-k8s.io"], "resources": ["sandboxes"], "verbs": ["get", "list", "watch"]}


def _rule(**changes: list[str]) -> dict[str, Any]:
    return {**copy.deepcopy(READ), **changes}


def _release(tag: str) -> tuple[Resource, ...]:
    return (resource("kubernetes:helm.sh/v3:Release", tag, {"chart": "nginx", "name": tag}),)


CASES: dict[str, Case] = {
    "namespace-enforces-restricted": Case(
        lambda tag: (namespace(tag), default_deny(tag), *bounded(tag)),
        {
            "absent": lambda tag: (namespace(tag, {}), default_deny(tag), *bounded(tag)),
            "baseline": lambda tag: (
                namespace(tag, {**RESTRICTED, "pod-security.kubernetes.io/enforce": "baseline"}),
                default_deny(tag),
                *bounded(tag),
            ),
        },
    ),
    "namespace-denies-by-default": Case(
        lambda tag: (namespace(tag), default_deny(tag), *bounded(tag)),
        {
            "absent": lambda tag: (namespace(tag), *bounded(tag)),
            "one-way": _denied(podSelector={}, policyTypes=["Ingress"]),
            "some-pods": _denied(podSelector={"matchLabels": {"a": "b"}}, policyTypes=["Ingress", "Egress"]),
            "elsewhere": lambda tag: (namespace(tag), default_deny(f"{tag}-other")),
        },
    ),
    "namespace-has-quota-and-limits": Case(
        lambda tag: (namespace(tag), default_deny(tag), *bounded(tag)),
        {
            "no-quota": lambda tag: (namespace(tag), default_deny(tag), bounded(tag)[1]),
            "no-limits": lambda tag: (namespace(tag), default_deny(tag), bounded(tag)[0]),
            "node-ports": lambda tag: (
                namespace(tag),
                default_deny(tag),
                *bounded(tag, {**HARD, "services.nodeports": "1"}),
            ),
            "no-gpus": lambda tag: (
                namespace(tag),
                default_deny(tag),
                *bounded(tag, {key: value for key, value in HARD.items() if "gpu" not in key}),
            ),
        },
    ),
    "network-policy-names-its-peers": Case(
        lambda tag: (*_ingress(**{"from": [GATEWAYS], "ports": DOOR})(tag),),
        {
            "everyone": _ingress(ports=DOOR),
            "empty-list": _ingress(**{"from": [], "ports": DOOR}),
            "every-namespace": _ingress(**{"from": [{"namespaceSelector": {}}], "ports": DOOR}),
            "every-port": _ingress(**{"from": [GATEWAYS]}),
            "internet": _egress(to=[{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}], ports=DOOR),
            "half-the-internet": _egress(to=[{"ipBlock": {"cidr": "0.0.0.0/1"}}], ports=DOOR),
        },
    ),
    "service-faces-inward": Case(
        _service(),
        {
            "load-balancer": _service(type="LoadBalancer"),
            "node-port": _service(type="NodePort"),
            "external-address": _service(externalIPs=["203.0.113.5"]),
            "external-name": _service(type="ExternalName", externalName="example.com"),
        },
    ),
    "nothing-is-an-ingress": Case(_service(), {"ingress": _ingress_object}),
    "service-account-mounts-no-token": Case(
        _account(automountServiceAccountToken=False),
        {"absent": _account(), "mounted": _account(automountServiceAccountToken=True)},
    ),
    "binding-grants-no-cluster-admin": Case(
        _binding("ClusterRoleBinding", "moltghost-gateway", ACCOUNT),
        {
            "cluster-admin": _binding("ClusterRoleBinding", "cluster-admin", ACCOUNT),
            "admin": _binding("RoleBinding", "admin", ACCOUNT),
            "everyone": _binding("ClusterRoleBinding", "moltghost-gateway", EVERYONE),
        },
    ),
    "role-is-no-master-key": Case(
        _role("ClusterRole", READ),
        {
            "every-verb": _role("ClusterRole", _rule(verbs=["*"])),
            "every-resource": _role("Role", _rule(resources=["*"])),
            "every-group": _role("ClusterRole", _rule(apiGroups=["*"])),
            "secrets": _role("ClusterRole", _rule(apiGroups=[""], resources=["secrets"])),
            "escalate": _role("Role", _rule(apiGroups=[RBAC], resources=["roles"], verbs=["escalate"])),
        },
    ),
    "kubernetes-objects-are-plain": Case(_service(), {"helm": _release}),
}
