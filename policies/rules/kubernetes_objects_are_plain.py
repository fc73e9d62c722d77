"""What reaches a cluster is declared object by object."""

from policies.field import Findings, inputs_of
from policies.record import Resource
from policies.rule import Rule


def check(resource: Resource) -> Findings:
    """The resource is no bundle whose content shows only once it is there."""
    yield inputs_of(resource)["kind"].fail("what this holds is not declared, so no rule can judge it")


RULE = Rule(
    name="kubernetes-objects-are-plain",
    says="Kubernetes objects are declared one by one: no Helm release, kustomization, YAML bundle or List.",
    reason="A bundle's objects show only once they are there: every rule would pass what it never saw.",
    remedy="Declare each object, from a function that builds its manifest.",
    controls=("SOC2 CC8.1", "ISO 27001 A.8.32"),
    types=("kubernetes:helm.sh/*", "kubernetes:kustomize*", "kubernetes:yaml*", "kubernetes:*:*List"),
    check=check,
)
