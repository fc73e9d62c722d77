"""Each namespace holds its pods to Pod Security `restricted`."""

from policies.field import Findings, inputs_of
from policies.record import Resource
from policies.rule import Admission, Rule

_MODES = ("enforce", "audit", "warn")
_PREFIX = "pod-security.kubernetes.io"


def check(resource: Resource) -> Findings:
    """The labels that make the API server refuse, record and warn of other pods are all there."""
    labels = inputs_of(resource).at("metadata", "labels")
    for mode in _MODES:
        yield from labels[f"{_PREFIX}/{mode}"].require(
            lambda level: level == "restricted", "the profile isn't restricted"
        )


RULE = Rule(
    name="namespace-enforces-restricted",
    says="Namespaces enforce Pod Security `restricted`.",
    reason="What a program of ours doesn't declare is then held to the profile as well.",
    remedy=f"Set the labels {', '.join(f'{_PREFIX}/{mode}' for mode in _MODES)} to restricted.",
    controls=("CIS Kubernetes 5.2.1", "SOC2 CC6.8", "ISO 27001 A.8.9"),
    types=("kubernetes:core/*:Namespace",),
    check=check,
    admission=Admission(
        resources=("v1/namespaces",),
        expression=" && ".join(
            f'object.metadata.?labels["{_PREFIX}/{mode}"].orValue("") == "restricted"' for mode in _MODES
        ),
        variables={},
    ),
)
