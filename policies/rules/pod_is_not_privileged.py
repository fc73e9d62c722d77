"""Pod Security, baseline: Privileged Containers."""

from policies.field import Field, Findings, is_false_or_absent
from policies.pods import POD_TYPES, admit_containers, per_container
from policies.rule import Rule


def check(container: Field) -> Findings:
    """The container is not privileged."""
    flag = container.at("securityContext", "privileged")
    yield from flag.require(is_false_or_absent, "a privileged container has the node's devices and rights")


RULE = Rule(
    name="pod-is-not-privileged",
    says="No container is privileged.",
    reason="A privileged container is root on the node, and so over every tenant there.",
    remedy="Remove securityContext.privileged, or set it to false.",
    controls=("PSS baseline: Privileged Containers", "CIS Kubernetes 5.2.2", "SOC2 CC6.1", "ISO 27001 A.8.2"),
    types=POD_TYPES,
    check=per_container(check),
    admission=admit_containers("!c.?securityContext.?privileged.orValue(false)"),
)
