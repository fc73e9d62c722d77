"""Pod Security, restricted: Running as Non-root user."""

from policies.field import Findings, unless
from policies.pods import POD_TYPES, Pod, admit_pods, per_pod
from policies.rule import Rule


def check(pod: Pod) -> Findings:
    """No user is 0, unless root in the pod is nobody on the node."""
    for each in (pod.spec, *pod.containers()):
        user = each.at("securityContext", "runAsUser")
        found = user.require(lambda uid: uid is None or uid != 0, "user 0 is root")
        yield from unless(pod.host_users, value=False, findings=found)


RULE = Rule(
    name="pod-user-is-not-root",
    says="Neither pods nor containers run as user 0.",
    reason="Root in a container is root on the node the moment something lets it out.",
    remedy="Remove securityContext.runAsUser, or set a user above 0.",
    controls=("PSS restricted: Running as Non-root user", "CIS Kubernetes 5.2.7", "SOC2 CC6.1", "ISO 27001 A.8.2"),
    types=POD_TYPES,
    check=per_pod(check),
    admission=admit_pods(
        "variables.ownUsers || (variables.context.?runAsUser.orValue(1) != 0 && "
        "variables.containers.all(c, c.?securityContext.?runAsUser.orValue(1) != 0))"
    ),
)
