"""Pod Security, restricted: /proc Mount Type."""

from policies.field import Field, Findings
from policies.pods import POD_TYPES, admit_containers, per_container
from policies.rule import Rule


def check(container: Field) -> Findings:
    """`/proc` is masked."""
    mount = container.at("securityContext", "procMount")
    yield from mount.require(lambda kind: kind in (None, "Default"), "/proc is not masked")


RULE = Rule(
    name="pod-masks-proc",
    says="Containers keep the default mask on /proc.",
    reason="What is masked tells of the node; no agent needs it, whatever its users are.",
    remedy="Remove securityContext.procMount.",
    controls=("PSS restricted: /proc Mount Type", "SOC2 CC6.8", "ISO 27001 A.8.9"),
    types=POD_TYPES,
    check=per_container(check),
    admission=admit_containers('c.?securityContext.?procMount.orValue("Default") == "Default"'),
)
