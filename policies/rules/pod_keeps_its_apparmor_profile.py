"""Pod Security, baseline: AppArmor."""

from policies.field import Findings
from policies.pods import POD_TYPES, Pod, admit_pods, per_pod
from policies.rule import Rule

_TYPES = (None, "RuntimeDefault", "Localhost")
_PREFIX = "container.apparmor.security.beta.kubernetes.io/"
_SAYS = "the container would run without an AppArmor profile"


def _is_allowed(annotation: object) -> bool:
    return annotation in ("", "runtime/default") or str(annotation).startswith("localhost/")


def check(pod: Pod) -> Findings:
    """Where a profile is named, it is the runtime's or one of the node's."""
    for each in (pod.spec, *pod.containers()):
        profile = each.at("securityContext", "appArmorProfile")
        if profile.is_set:
            yield from profile["type"].require(lambda kind: kind is not None and kind in _TYPES, _SAYS)
    for key, annotation in pod.metadata["annotations"].items():
        if key.startswith(_PREFIX):
            yield from annotation.require(_is_allowed, _SAYS)


RULE = Rule(
    name="pod-keeps-its-apparmor-profile",
    says="Pods take off no AppArmor profile.",
    reason="Without a profile the kernel's last fence around a container is gone.",
    remedy="Remove appArmorProfile and its annotation, or set RuntimeDefault or Localhost.",
    controls=("PSS baseline: AppArmor", "CIS Kubernetes 5.7.3", "SOC2 CC6.8", "ISO 27001 A.8.9"),
    types=POD_TYPES,
    check=per_pod(check),
    admission=admit_pods(
        'variables.context.?appArmorProfile.?type.orValue("RuntimeDefault") in ["RuntimeDefault", "Localhost"] && '
        'variables.containers.all(c, c.?securityContext.?appArmorProfile.?type.orValue("RuntimeDefault")'
        ' in ["RuntimeDefault", "Localhost"]) && '
        "object.metadata.?annotations.orValue({}).all(k, "
        f'!k.startsWith("{_PREFIX}") || object.metadata.annotations[k] in ["", "runtime/default"]'
        ' || object.metadata.annotations[k].startsWith("localhost/"))'
    ),
)
