"""Pod Security, baseline: Seccomp."""

from policies.field import Findings
from policies.pods import POD_TYPES, Pod, admit_pods, per_pod
from policies.rule import Rule

_TYPES = ("RuntimeDefault", "Localhost")


def check(pod: Pod) -> Findings:
    """Where a profile is named, it is the runtime's or one of the node's."""
    for each in (pod.spec, *pod.containers()):
        profile = each.at("securityContext", "seccompProfile")
        if profile.is_set:
            yield from profile["type"].require(_TYPES.__contains__, "every system call would be allowed")


RULE = Rule(
    name="pod-lifts-no-seccomp-profile",
    says="Pods set no seccomp profile that allows every system call.",
    reason="Most ways out of a container need a system call no server uses.",
    remedy="Set seccompProfile.type to RuntimeDefault.",
    controls=("PSS baseline: Seccomp", "CIS Kubernetes 5.7.2", "SOC2 CC6.8", "ISO 27001 A.8.9"),
    types=POD_TYPES,
    check=per_pod(check),
    admission=admit_pods(
        'variables.context.?seccompProfile.?type.orValue("RuntimeDefault") in ["RuntimeDefault", "Localhost"] && '
        'variables.containers.all(c, c.?securityContext.?seccompProfile.?type.orValue("RuntimeDefault")'
        ' in ["RuntimeDefault", "Localhost"])'
    ),
)
