"""Pod Security, baseline: HostPath Volumes."""

from policies.field import Findings
from policies.pods import POD_TYPES, Pod, admit_pods, per_pod
from policies.rule import Rule


def check(pod: Pod) -> Findings:
    """No volume is a path of the node."""
    for volume in pod.spec["volumes"].each():
        yield from volume["hostPath"].require(lambda path: path is None, "the volume is a folder of the node")


RULE = Rule(
    name="pod-mounts-no-host-path",
    says="Pods mount no path of the node.",
    reason="The node's folders hold other pods' volumes, the kubelet's credentials and the runtime's socket.",
    remedy="Use a persistentVolumeClaim, an emptyDir, a configMap or a secret.",
    controls=("PSS baseline: HostPath Volumes", "CIS Kubernetes 5.2.12", "SOC2 CC6.1", "ISO 27001 A.8.3"),
    types=POD_TYPES,
    check=per_pod(check),
    admission=admit_pods("object.spec.?volumes.orValue([]).all(v, !has(v.hostPath))"),
)
