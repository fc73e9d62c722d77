"""No role has a wildcard or hands out rights."""

from policies.field import Findings, inputs_of
from policies.record import Resource
from policies.rule import Admission, Rule

_STRONG = ("*", "bind", "escalate", "impersonate")


def check(resource: Resource) -> Findings:
    """Verbs, resources and groups are listed; no verb hands out rights; a cluster-wide role reads no Secrets."""
    wide = resource.type.endswith(":ClusterRole")
    for rule in inputs_of(resource)["rules"].each():
        for verb in rule["verbs"].each():
            yield from verb.require(lambda name: name not in _STRONG, "this verb is, or hands out, every right")
        for key in ("apiGroups", "resources", "nonResourceURLs"):
            for each in rule[key].each():
                yield from each.require(lambda name: name != "*", "a wildcard takes in what isn't there yet")
        for each in rule["resources"].each() if wide and not rule["resourceNames"].value else ():
            yield from each.require(lambda name: name != "secrets", "every tenant's Secrets could be read")


RULE = Rule(
    name="role-is-no-master-key",
    says="Roles list what they may do; none binds, escalates or impersonates; no ClusterRole has all Secrets.",
    reason="A wildcard takes in every kind that is added later; one who may bind may do anything.",
    remedy="List what is needed; give Secrets by name, in a Role of their namespace.",
    controls=("CIS Kubernetes 5.1.2", "CIS Kubernetes 5.1.3", "CIS Kubernetes 5.1.8", "SOC2 CC6.3", "ISO 27001 A.8.2"),
    types=("kubernetes:rbac.authorization.k8s.io/*:ClusterRole", "kubernetes:rbac.authorization.k8s.io/*:Role"),
    check=check,
    admission=Admission(
        resources=("rbac.authorization.k8s.io/v1/clusterroles", "rbac.authorization.k8s.io/v1/roles"),
        expression=(
            "object.?rules.orValue([]).all(r, "
            'r.verbs.all(v, !(v in ["*", "bind", "escalate", "impersonate"])) && '
            '["apiGroups", "resources", "nonResourceURLs"].all(k, !(k in dyn(r)) || !("*" in dyn(r)[k])) && '
            '(object.kind != "ClusterRole" || r.?resourceNames.orValue([]).size() > 0 || '
            '!("secrets" in r.?resources.orValue([]))))'
        ),
        variables={},
    ),
)
