"""Each namespace of ours starts from nothing on the network."""

from collections.abc import Iterator

from policies.declared import Declared
from policies.field import Finding, Verdict, inputs_of
from policies.record import Resource
from policies.rule import Rule

_POLICIES = ("kubernetes:networking.k8s.io/*:NetworkPolicy",)


def _denies(policy: Resource) -> Verdict:
    """Whether a policy holds every pod of its namespace, both ways, and lets nothing through."""
    spec = inputs_of(policy)["spec"]
    parts = (spec["podSelector"], spec["policyTypes"], spec["ingress"], spec["egress"])
    if not all(part.is_known for part in (spec, *parts)):
        return Verdict.UNKNOWN
    selector, types, ingress, egress = (part.value for part in parts)
    everyone = selector in (None, {}, {"matchLabels": {}}, {"matchExpressions": []})
    both = isinstance(types, list | tuple) and set(types) == {"Ingress", "Egress"}
    return Verdict.PASS if everyone and both and not ingress and not egress else Verdict.FAIL


def check(declared: Declared) -> Iterator[tuple[Resource, Finding]]:
    """Every namespace has a policy that denies everything."""
    policies = declared.of(*_POLICIES)
    for namespace in declared.of(*RULE.types):
        name = inputs_of(namespace).at("metadata", "name")
        if not name.is_known:
            yield namespace, name.unknown()
            continue
        where = [inputs_of(each).at("metadata", "namespace") for each in policies]
        said = [_denies(each) for each, at in zip(policies, where, strict=True) if at.value == name.value]
        if Verdict.PASS in said:
            continue
        if Verdict.UNKNOWN in said or any(not at.is_known for at in where):
            yield namespace, Finding(Verdict.UNKNOWN, name.path, "whether a policy denies by default isn't known yet")
        else:
            yield namespace, name.fail("no NetworkPolicy of this namespace denies everything, both ways")


RULE = Rule(
    name="namespace-denies-by-default",
    says="Each namespace has a NetworkPolicy for all its pods that allows nothing in or out.",
    reason="Without it a pod no other policy selects may reach, and be reached by, everything.",
    remedy="Declare a policy with podSelector {} and policyTypes [Ingress, Egress], without rules.",
    controls=("CIS Kubernetes 5.3.2", "SOC2 CC6.6", "ISO 27001 A.8.22", "GDPR Art. 32"),
    types=("kubernetes:core/*:Namespace",),
    check_stack=check,
)
