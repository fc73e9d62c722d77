"""Containers write to volumes, not to their image."""

from policies.field import Field, Findings
from policies.pods import POD_TYPES, admit_containers, per_container
from policies.rule import Rule


def check(container: Field) -> Findings:
    """The container's root is mounted read-only."""
    flag = container.at("securityContext", "readOnlyRootFilesystem")
    yield from flag.require(lambda value: value is True, "the image's files could be changed")


RULE = Rule(
    name="pod-root-is-read-only",
    says="Containers run on a read-only root.",
    reason="What runs is then what the image's digest says, whoever got in; scratch space is bounded by its volume.",
    remedy="Set securityContext.readOnlyRootFilesystem to true, and mount an emptyDir where the program writes.",
    controls=("CIS Kubernetes 5.7.3", "SOC2 CC6.8", "ISO 27001 A.8.9"),
    types=POD_TYPES,
    check=per_container(check),
    admission=admit_containers("c.?securityContext.?readOnlyRootFilesystem.orValue(false)"),
)
