"""Pod Security, baseline: /proc Mount Type."""

from policies.field import Findings, unless
from policies.pods import POD_TYPES, Pod, admit_pods, per_pod
from policies.rule import Rule


def check(pod: Pod) -> Findings:
    """`/proc` is masked, unless root in the pod is nobody on the node."""
    for each in pod.containers():
        mount = each.at("securityContext", "procMount")
        found = mount.require(lambda kind: kind in (None, "Default"), "/proc is not masked")
        yield from unless(pod.host_users, value=False, findings=found)


RULE = Rule(
    name="pod-unmasks-proc-only-as-nobody",
    says="Containers keep the default mask on /proc, unless the pod has a user namespace of its own.",
    reason="What is masked tells of the node, and lets root change it.",
    remedy="Remove securityContext.procMount.",
    controls=("PSS baseline: /proc Mount Type", "SOC2 CC6.8", "ISO 27001 A.8.9"),
    types=POD_TYPES,
    check=per_pod(check),
    admission=admit_pods(
        "variables.ownUsers || variables.containers.all(c, "
        'c.?securityContext.?procMount.orValue("Default") == "Default")'
    ),
)
