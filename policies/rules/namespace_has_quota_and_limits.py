"""A tenant's namespace is bounded."""

from collections.abc import Iterator
from dataclasses import replace

from policies.declared import Declared
from policies.field import Field, Finding, Findings, Verdict, inputs_of
from policies.pods import TENANT_LABEL
from policies.record import Resource
from policies.rule import Rule

BOUNDED = (
    "limits.memory",
    "persistentvolumeclaims",
    "pods",
    "requests.cpu",
    "requests.nvidia.com/gpu",
    "requests.storage",
    "services.loadbalancers",
    "services.nodeports",
)
"""What a quota must name."""


def _in(namespace: Field, resources: list[Resource]) -> tuple[list[Resource], bool]:
    """The resources of a namespace, and whether more of them may turn out to be."""
    where = {each.urn: inputs_of(each).at("metadata", "namespace") for each in resources}
    own = [each for each in resources if where[each.urn].value == namespace.value]
    return own, any(not at.is_known for at in where.values())


def _bounds(quota: Resource) -> Findings:
    hard = inputs_of(quota).at("spec", "hard")
    for name in BOUNDED:
        yield from hard[name].require(lambda value: value is not None, "the quota doesn't bound this")
    for name in ("services.loadbalancers", "services.nodeports"):
        yield from hard[name].require(lambda value: value is None or str(value) == "0", "must be 0")


def check(declared: Declared) -> Iterator[tuple[Resource, Finding]]:
    """A tenant's namespace has a quota of everything that costs, and limits for each pod."""
    for namespace in declared.of(*RULE.types):
        metadata = inputs_of(namespace)["metadata"]
        if not metadata.at("labels", TENANT_LABEL).is_set:
            continue
        if not metadata["name"].is_known:
            yield namespace, metadata["name"].unknown()
            continue
        for kind in ("ResourceQuota", "LimitRange"):
            own, open_ended = _in(metadata["name"], declared.of(f"kubernetes:core/*:{kind}"))
            if not own:
                missing = metadata["name"].fail(f"the namespace has no {kind}")
                yield namespace, _softened(missing, open_ended)
            for quota in own if kind == "ResourceQuota" else ():
                for finding in _bounds(quota):
                    yield quota, finding


def _softened(finding: Finding, open_ended: bool) -> Finding:
    return replace(finding, verdict=Verdict.UNKNOWN) if open_ended else finding


RULE = Rule(
    name="namespace-has-quota-and-limits",
    says="A tenant's namespace has a ResourceQuota of everything that costs, and a LimitRange.",
    reason="What one tenant may take is what others are left with; a limit that isn't there is a bill.",
    remedy=f"Declare a LimitRange, and a ResourceQuota that names {', '.join(BOUNDED)}.",
    controls=("CIS Kubernetes 5.7.1", "SOC2 A1.1", "ISO 27001 A.8.6"),
    types=("kubernetes:core/*:Namespace",),
    check_stack=check,
)
