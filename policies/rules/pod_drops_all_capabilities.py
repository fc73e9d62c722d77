"""Pod Security, restricted: Capabilities."""

from policies.field import Field, Findings, unless
from policies.pods import POD_TYPES, Pod, admit_pods, per_pod
from policies.rule import Rule


def _strict(container: Field) -> Findings:
    capabilities = container.at("securityContext", "capabilities")
    dropped = capabilities["drop"].each()
    if not any(each.value == "ALL" for each in dropped):
        unknown = [each for each in dropped if not each.is_known]
        yield unknown[0].unknown() if unknown else capabilities["drop"].fail('does not drop "ALL"')
    for each in capabilities["add"].each():
        yield from each.require(lambda name: name == "NET_BIND_SERVICE", f"adds capability {each.value}")


def check(pod: Pod) -> Findings:
    """Containers drop every capability, and add none but the one for low ports."""
    for each in pod.containers():
        yield from unless(pod.system, "windows", _strict(each))


RULE = Rule(
    name="pod-drops-all-capabilities",
    says="Containers drop all capabilities, and add at most NET_BIND_SERVICE.",
    reason="Each capability is a part of root; nothing an agent runs needs one.",
    remedy='Set securityContext.capabilities to {drop: ["ALL"]} on every container.',
    controls=("PSS restricted: Capabilities", "CIS Kubernetes 5.2.9", "CIS Kubernetes 5.2.10", "SOC2 CC6.1"),
    types=POD_TYPES,
    check=per_pod(check),
    admission=admit_pods(
        'variables.windows || variables.containers.all(c, "ALL" in '
        "c.?securityContext.?capabilities.?drop.orValue([]) && "
        'c.?securityContext.?capabilities.?add.orValue([]).all(each, each == "NET_BIND_SERVICE"))'
    ),
)
