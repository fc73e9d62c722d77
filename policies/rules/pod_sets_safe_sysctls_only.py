"""Pod Security, baseline: Sysctls."""

import json

from policies.field import Findings
from policies.pods import POD_TYPES, Pod, admit_pods, per_pod
from policies.rule import Rule

SAFE = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
)
"""Those that stay inside the pod: https://kubernetes.io/docs/concepts/security/pod-security-standards/."""


def check(pod: Pod) -> Findings:
    """Kernel parameters are set only where they hold for the pod alone."""
    for each in pod.spec.at("securityContext", "sysctls").each():
        yield from each["name"].require(SAFE.__contains__, "the kernel parameter is the whole node's, or unsafe")


RULE = Rule(
    name="pod-sets-safe-sysctls-only",
    says="Pods set no kernel parameter that reaches beyond them.",
    reason="The kernel is shared by every tenant of the node.",
    remedy="Remove the sysctl, or set it on the pool's nodes.",
    controls=("PSS baseline: Sysctls", "SOC2 CC6.8", "ISO 27001 A.8.9"),
    types=POD_TYPES,
    check=per_pod(check),
    admission=admit_pods(f"variables.context.?sysctls.orValue([]).all(s, s.name in {json.dumps(SAFE)})"),
)
