"""Pod Security, restricted: Privilege Escalation."""

from policies.field import Findings, unless
from policies.pods import POD_TYPES, Pod, admit_pods, per_pod
from policies.rule import Rule


def check(pod: Pod) -> Findings:
    """No program in a container gets more rights than the one that started it."""
    for each in pod.containers():
        flag = each.at("securityContext", "allowPrivilegeEscalation")
        found = flag.require(lambda value: value is False, "a setuid program would gain rights")
        yield from unless(pod.system, "windows", found)


RULE = Rule(
    name="pod-gains-no-privilege",
    says="Containers set allowPrivilegeEscalation to false.",
    reason="A setuid program in an image would else make a root of anyone who runs it.",
    remedy="Set securityContext.allowPrivilegeEscalation to false on every container.",
    controls=("PSS restricted: Privilege Escalation", "CIS Kubernetes 5.2.6", "SOC2 CC6.1", "ISO 27001 A.8.2"),
    types=POD_TYPES,
    check=per_pod(check),
    admission=admit_pods(
        "variables.windows || variables.containers.all(c, "
        "c.?securityContext.?allowPrivilegeEscalation.orValue(true) == false)"
    ),
)
