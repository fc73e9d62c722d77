"""Pod Security, restricted: Seccomp."""

from policies.field import Findings, unless
from policies.pods import POD_TYPES, Pod, admit_pods, per_pod
from policies.rule import Rule

_TYPES = ("RuntimeDefault", "Localhost")


def _strict(pod: Pod) -> Findings:
    whole = pod.spec.at("securityContext", "seccompProfile")
    if whole.is_set:
        yield from whole["type"].require(_TYPES.__contains__, "every system call would be allowed")
    for each in pod.containers():
        own = each.at("securityContext", "seccompProfile")
        if own.is_set:
            yield from own["type"].require(_TYPES.__contains__, "every system call would be allowed")
        elif not whole.is_set:
            yield own.fail("neither the pod nor the container names a seccomp profile")


def check(pod: Pod) -> Findings:
    """Every container has a profile, its own or the pod's."""
    yield from unless(pod.system, "windows", _strict(pod))


RULE = Rule(
    name="pod-has-a-seccomp-profile",
    says="Every container has a seccomp profile.",
    reason="Without one every system call is allowed, and most ways out of a container need a rare one.",
    remedy="Set securityContext.seccompProfile.type to RuntimeDefault on the pod.",
    controls=("PSS restricted: Seccomp", "CIS Kubernetes 5.7.2", "SOC2 CC6.8", "ISO 27001 A.8.9"),
    types=POD_TYPES,
    check=per_pod(check),
    admission=admit_pods(
        'variables.windows || (variables.context.?seccompProfile.?type.orValue("RuntimeDefault") in '
        '["RuntimeDefault", "Localhost"] && variables.containers.all(c, c.?securityContext.?seccompProfile.?type'
        '.orValue(variables.context.?seccompProfile.?type.orValue("")) in ["RuntimeDefault", "Localhost"]))'
    ),
)
