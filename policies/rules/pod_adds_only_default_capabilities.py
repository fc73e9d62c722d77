"""Pod Security, baseline: Capabilities."""

import json

from policies.field import Field, Findings
from policies.pods import POD_TYPES, admit_containers, per_container
from policies.rule import Rule

DEFAULT = (
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
)
"""What container runtimes give by default: https://kubernetes.io/docs/concepts/security/pod-security-standards/."""


def check(container: Field) -> Findings:
    """The container adds nothing a runtime would not give it anyway."""
    for each in container.at("securityContext", "capabilities", "add").each():
        yield from each.require(DEFAULT.__contains__, f"capability {each.value} is beyond a container's defaults")


RULE = Rule(
    name="pod-adds-only-default-capabilities",
    says="Containers add no capability beyond a runtime's defaults.",
    reason="SYS_ADMIN, NET_ADMIN, NET_RAW and their like lead out of the container or into others' traffic.",
    remedy="Remove the capability from securityContext.capabilities.add.",
    controls=("PSS baseline: Capabilities", "CIS Kubernetes 5.2.8", "CIS Kubernetes 5.2.9", "SOC2 CC6.1"),
    types=POD_TYPES,
    check=per_container(check),
    admission=admit_containers(
        f"c.?securityContext.?capabilities.?add.orValue([]).all(each, each in {json.dumps(DEFAULT)})"
    ),
)
