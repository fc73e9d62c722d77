"""Pod Security, baseline: Host Probes and Lifecycle Hooks."""

from policies.field import Field, Findings
from policies.pods import POD_TYPES, admit_containers, per_container
from policies.rule import Rule

_PROBES = (("livenessProbe",), ("readinessProbe",), ("startupProbe",))
_HOOKS = (("lifecycle", "postStart"), ("lifecycle", "preStop"))


def check(container: Field) -> Findings:
    """The node asks nothing of another host on the container's behalf."""
    for keys in (*_PROBES, *_HOOKS):
        for way in ("httpGet", "tcpSocket"):
            host = container.at(*keys, way, "host")
            yield from host.require(lambda name: not name, "the node would connect to this host")


def _asks_itself(handler: str) -> str:
    return " && ".join(f'c.{handler}.?{way}.?host.orValue("") == ""' for way in ("httpGet", "tcpSocket"))


RULE = Rule(
    name="pod-probes-itself-only",
    says="Probes and lifecycle hooks name no host.",
    reason="The kubelet connects from the node, past network policies: a pod could have it knock anywhere.",
    remedy="Remove host from the probe or hook: the pod's own address is the default.",
    controls=("PSS baseline: Host Probes / Lifecycle Hooks", "SOC2 CC6.6", "ISO 27001 A.8.22"),
    types=POD_TYPES,
    check=per_container(check),
    admission=admit_containers(" && ".join(_asks_itself("?" + ".?".join(keys)) for keys in (*_PROBES, *_HOOKS))),
)
