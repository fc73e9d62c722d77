"""Pod Security, baseline: SELinux."""

import json

from policies.field import Findings
from policies.pods import POD_TYPES, Pod, admit_pods, per_pod
from policies.rule import Rule

_TYPES = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")


def check(pod: Pod) -> Findings:
    """SELinux's type is one of containers; user and role are left alone."""
    for each in (pod.spec, *pod.containers()):
        options = each.at("securityContext", "seLinuxOptions")
        yield from options["type"].require(lambda kind: (kind or "") in _TYPES, "no SELinux type of a container")
        for key in ("user", "role"):
            yield from options[key].require(lambda value: not value, f"SELinux's {key} may not be set")


def _kept(options: str) -> str:
    return (
        f'{options}.?type.orValue("") in {json.dumps(_TYPES)} && '
        f'{options}.?user.orValue("") == "" && {options}.?role.orValue("") == ""'
    )


RULE = Rule(
    name="pod-keeps-its-selinux-type",
    says="Pods take no SELinux type, user or role but a container's.",
    reason="Another type can be one that confines nothing.",
    remedy="Remove seLinuxOptions.",
    controls=("PSS baseline: SELinux", "CIS Kubernetes 5.7.3", "SOC2 CC6.8", "ISO 27001 A.8.9"),
    types=POD_TYPES,
    check=per_pod(check),
    admission=admit_pods(
        f"{_kept('variables.context.?seLinuxOptions')} && "
        f"variables.containers.all(c, {_kept('c.?securityContext.?seLinuxOptions')})"
    ),
)
