"""The rules as the API server itself asks them: ValidatingAdmissionPolicies in CEL, made from the rules.

Pure: `components.cluster` declares what this builds. https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

import json
from collections.abc import Sequence
from typing import Any

from policies.pods import TENANT_LABEL
from policies.registry import RULES
from policies.rule import Admission, Rule

NAMESPACE_NAME = "kubernetes.io/metadata.name"
NODE_NAMESPACES = ("kube-system", "moltghost-nodes")
"""Where the nodes' own programs run: the network, the GPUs' plugin, the disks' provisioner. No tenant gets in there."""
_OF_KUBERNETES = ("default", "kube-node-lease", "kube-public")
"""Namespaces Kubernetes makes itself, and sets no label on."""
_RBAC_KEEPERS = ("system:apiserver", "system:serviceaccount:kube-system:clusterrole-aggregation-controller")
"""Who writes Kubernetes' own roles and bindings as a server starts, and fills in roles that are sums of others."""
_EKS_USERS = "eks:"
"""Nobody else can be called so: https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html."""
_LABELS = {"app.kubernetes.io/part-of": "moltghost"}
_CLUSTER_WIDE = ("namespaces", "clusterroles", "clusterrolebindings")


def policy_name(rule: Rule) -> str:
    """What a rule's policy, and its binding, are called in a cluster."""
    return f"moltghost-{rule.name}"


def build_admission_policies(exempt_namespaces: Sequence[str] = NODE_NAMESPACES) -> list[dict[str, Any]]:
    """For each rule of what reaches Kubernetes a policy and its binding, in that order.

    Requests in `exempt_namespaces` are not asked, nor are those namespaces themselves.
    """
    return [
        manifest
        for rule in RULES
        if rule.admission
        for manifest in (build_policy(rule, rule.admission, exempt_namespaces), _build_binding(rule))
    ]


def build_policy(rule: Rule, admission: Admission, exempt_namespaces: Sequence[str]) -> dict[str, Any]:
    """A rule as a ValidatingAdmissionPolicy. What can't be evaluated is refused."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": policy_name(rule), "labels": _LABELS},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "matchPolicy": "Equivalent",
                "resourceRules": [_resource_rule(each) for each in admission.resources],
                "namespaceSelector": {"matchExpressions": _namespaces(admission, exempt_namespaces)},
            },
            "matchConditions": _conditions(admission),
            "variables": [{"name": name, "expression": text} for name, text in admission.variables.items()],
            "validations": [
                {
                    "expression": admission.expression,
                    "message": f"{rule.says} {rule.remedy}",
                    "reason": "Forbidden",
                }
            ],
        },
    }


def _resource_rule(resource: str) -> dict[str, Any]:
    """`<group>/<version>/<plural>` or `<version>/<plural>`, the plural with a subresource perhaps."""
    head, _, tail = resource.partition("/")
    core = head.startswith("v1")
    group, version, plural = ("", head, tail) if core else (head, *tail.split("/", 1))
    return {
        "apiGroups": [group],
        "apiVersions": [version],
        "operations": ["CREATE", "UPDATE"],
        "resources": [plural],
        "scope": "Cluster" if plural in _CLUSTER_WIDE else "Namespaced",
    }


def _namespaces(admission: Admission, exempt: Sequence[str]) -> list[dict[str, Any]]:
    made_by_kubernetes = _OF_KUBERNETES if admission.resources == ("v1/namespaces",) else ()
    names = sorted({*exempt, *made_by_kubernetes})
    tenants = [{"key": TENANT_LABEL, "operator": "Exists"}] if admission.tenants_only else []
    return [{"key": NAMESPACE_NAME, "operator": "NotIn", "values": names}, *tenants]


def _conditions(admission: Admission) -> list[dict[str, str]]:
    """What else is not asked: roles that Kubernetes and EKS keep themselves."""
    if not any(each.startswith("rbac.") for each in admission.resources):
        return []
    user = "request.userInfo.username"
    own = f'!({user} in {json.dumps(_RBAC_KEEPERS)}) && !{user}.startsWith("{_EKS_USERS}")'
    return [{"name": "not-kept-by-kubernetes", "expression": own}]


def _build_binding(rule: Rule) -> dict[str, Any]:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": policy_name(rule), "labels": _LABELS},
        "spec": {"policyName": policy_name(rule), "validationActions": ["Deny"]},
    }
