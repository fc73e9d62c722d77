"""Pod Security, restricted: Volume Types."""

from policies.field import Field, Findings
from policies.pods import POD_TYPES, Pod, admit_pods, per_pod
from policies.rule import Rule

ALLOWED = (
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
)


def _has_an_allowed_source(volume: Field) -> Findings:
    if not volume.is_known:
        yield volume.unknown()
    elif not any(volume[kind].is_set for kind in ALLOWED):
        yield volume.fail(f"the volume is none of {', '.join(ALLOWED)}")


def check(pod: Pod) -> Findings:
    """Each volume is of a kind that leads neither to the node nor around the storage classes."""
    for volume in pod.spec["volumes"].each():
        yield from _has_an_allowed_source(volume)


RULE = Rule(
    name="pod-mounts-plain-volumes-only",
    says="Pods mount only volumes that a claim, the cluster or the pod itself stands behind.",
    reason="Node folders, NFS and the in-tree drivers pass by quota, encryption and the storage classes.",
    remedy=f"Use one of {', '.join(ALLOWED)}.",
    controls=("PSS restricted: Volume Types", "CIS Kubernetes 5.2.12", "SOC2 CC6.1", "ISO 27001 A.8.3"),
    types=POD_TYPES,
    check=per_pod(check),
    admission=admit_pods(
        f"object.spec.?volumes.orValue([]).all(v, {' || '.join(f'has(v.{kind})' for kind in ALLOWED)})"
    ),
)
