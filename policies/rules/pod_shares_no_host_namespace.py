"""Pod Security, baseline: Host Namespaces."""

from policies.field import Findings, is_false_or_absent
from policies.pods import POD_TYPES, Pod, admit_pods, per_pod
from policies.rule import Rule


def check(pod: Pod) -> Findings:
    """The pod has a network, processes and IPC of its own."""
    for flag in ("hostNetwork", "hostPID", "hostIPC"):
        yield from pod.spec[flag].require(is_false_or_absent, f"{flag} shares the node's own")


RULE = Rule(
    name="pod-shares-no-host-namespace",
    says="Pods share neither the node's network, nor its processes, nor its IPC.",
    reason="In the node's network no policy holds, and the metadata service answers; its processes are every tenant's.",
    remedy="Remove hostNetwork, hostPID and hostIPC.",
    controls=("PSS baseline: Host Namespaces", "CIS Kubernetes 5.2.3-5.2.5", "SOC2 CC6.1", "ISO 27001 A.8.22"),
    types=POD_TYPES,
    check=per_pod(check),
    admission=admit_pods(
        "!object.spec.?hostNetwork.orValue(false) && !object.spec.?hostPID.orValue(false) && "
        "!object.spec.?hostIPC.orValue(false)"
    ),
)
