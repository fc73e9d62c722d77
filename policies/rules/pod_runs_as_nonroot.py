"""Pod Security, restricted: Running as Non-root."""

from policies.field import Field, Findings, unless
from policies.pods import POD_TYPES, Pod, admit_pods, per_pod
from policies.rule import Rule


def _strict(pod: Pod) -> Findings:
    whole = pod.spec.at("securityContext", "runAsNonRoot")
    yield from whole.require(lambda flag: flag is not False, "the pod may run as root")
    for each in pod.containers():
        own: Field = each.at("securityContext", "runAsNonRoot")
        if own.is_set:
            yield from own.require(lambda flag: flag is True, "the container may run as root")
        elif not whole.is_set:
            yield own.fail("neither the pod nor the container says runAsNonRoot: true")


def check(pod: Pod) -> Findings:
    """The kubelet refuses an image that would run as root, unless root in the pod is nobody on the node."""
    yield from unless(pod.host_users, value=False, findings=_strict(pod))


RULE = Rule(
    name="pod-runs-as-nonroot",
    says="Pods say runAsNonRoot: true.",
    reason="Root in a container is root on the node the moment a hole in the kernel or the runtime lets it out.",
    remedy="Set securityContext.runAsNonRoot to true on the pod.",
    controls=("PSS restricted: Running as Non-root", "CIS Kubernetes 5.2.7", "SOC2 CC6.1", "ISO 27001 A.8.2"),
    types=POD_TYPES,
    check=per_pod(check),
    admission=admit_pods(
        "variables.ownUsers || (variables.context.?runAsNonRoot.orValue(true) && variables.containers.all(c, "
        "c.?securityContext.?runAsNonRoot.orValue(variables.context.?runAsNonRoot.orValue(false))))"
    ),
)
