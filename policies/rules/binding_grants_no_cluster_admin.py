"""Nobody is made an administrator of the cluster by a binding."""

import json

from policies.field import Field, Findings, inputs_of
from policies.record import Resource
from policies.rule import Admission, Rule

ROLES = ("admin", "cluster-admin", "edit")
"""Kubernetes' own roles that read Secrets and change what runs."""
GROUPS = (
    "system:anonymous",
    "system:authenticated",
    "system:masters",
    "system:serviceaccounts",
    "system:unauthenticated",
)
"""Groups that are everyone, or all-powerful already."""


def _subject(subject: Field) -> Findings:
    name = subject["name"]
    yield from name.require(lambda value: value not in GROUPS, "this group is everyone, or all-powerful")


def check(resource: Resource) -> Findings:
    """The binding grants none of Kubernetes' own strong roles, and to nobody in particular nothing."""
    inputs = inputs_of(resource)
    role = inputs.at("roleRef", "name")
    yield from role.require(lambda name: name not in ROLES, "the role reads Secrets and changes what runs")
    for subject in inputs["subjects"].each():
        yield from _subject(subject)


RULE = Rule(
    name="binding-grants-no-cluster-admin",
    says="No binding grants cluster-admin, admin or edit, or anything to everyone.",
    reason="Whoever holds them reads every tenant's Secrets; operators come in by the cloud's access entries.",
    remedy="Write a Role with the verbs and resources that are needed, and bind that.",
    controls=("CIS Kubernetes 5.1.1", "CIS Kubernetes 5.1.7", "SOC2 CC6.3", "ISO 27001 A.8.2", "GDPR Art. 32"),
    types=(
        "kubernetes:rbac.authorization.k8s.io/*:ClusterRoleBinding",
        "kubernetes:rbac.authorization.k8s.io/*:RoleBinding",
    ),
    check=check,
    admission=Admission(
        resources=(
            "rbac.authorization.k8s.io/v1/clusterrolebindings",
            "rbac.authorization.k8s.io/v1/rolebindings",
        ),
        expression=(
            f"!(object.roleRef.name in {json.dumps(ROLES)}) && "
            f"object.?subjects.orValue([]).all(s, !(s.name in {json.dumps(GROUPS)}))"
        ),
        variables={},
    ),
)
