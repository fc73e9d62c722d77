"""Pod Security, baseline: Host Ports."""

from policies.field import Field, Findings
from policies.pods import POD_TYPES, admit_containers, per_container
from policies.rule import Rule


def check(container: Field) -> Findings:
    """No port of the container is one of the node."""
    for port in container["ports"].each():
        yield from port["hostPort"].require(lambda number: not number, "the port is opened on the node itself")


RULE = Rule(
    name="pod-opens-no-host-port",
    says="Containers open no port of the node.",
    reason="A node's port is reached past network policies, and by whoever reaches the node.",
    remedy="Remove hostPort: a Service reaches the pod's own port.",
    controls=("PSS baseline: Host Ports", "CIS Kubernetes 5.2.13", "SOC2 CC6.6", "ISO 27001 A.8.22"),
    types=POD_TYPES,
    check=per_container(check),
    admission=admit_containers("c.?ports.orValue([]).all(p, p.?hostPort.orValue(0) == 0)"),
)
