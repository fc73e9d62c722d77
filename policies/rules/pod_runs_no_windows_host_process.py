"""Pod Security, baseline: HostProcess."""

from policies.field import Field, Findings, is_false_or_absent
from policies.pods import POD_TYPES, Pod, admit_pods, per_pod
from policies.rule import Rule


def _context(context: Field) -> Findings:
    option = context.at("windowsOptions", "hostProcess")
    yield from option.require(is_false_or_absent, "the container would be a process of the node")


def check(pod: Pod) -> Findings:
    """Neither the pod nor a container of it is a process of a Windows node."""
    for each in (pod.spec, *pod.containers()):
        yield from _context(each["securityContext"])


RULE = Rule(
    name="pod-runs-no-windows-host-process",
    says="Pods run no HostProcess containers.",
    reason="Such a container has the node's own rights, and with them every tenant's on it.",
    remedy="Remove securityContext.windowsOptions.hostProcess.",
    controls=("PSS baseline: HostProcess", "CIS Kubernetes 5.2.11", "SOC2 CC6.1", "ISO 27001 A.8.9"),
    types=POD_TYPES,
    check=per_pod(check),
    admission=admit_pods(
        "!variables.context.?windowsOptions.?hostProcess.orValue(false) && "
        "variables.containers.all(c, !c.?securityContext.?windowsOptions.?hostProcess.orValue(false))"
    ),
)
