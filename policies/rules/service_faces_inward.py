"""No Service has an address outside the cluster."""

from policies.field import Findings, inputs_of
from policies.record import Resource
from policies.rule import Admission, Rule


def check(resource: Resource) -> Findings:
    """The Service is a ClusterIP, and takes no address from elsewhere."""
    spec = inputs_of(resource)["spec"]
    yield from spec["type"].require(lambda kind: kind in (None, "ClusterIP"), "reached, or leading, past the cluster")
    for key in ("externalIPs", "loadBalancerIP", "externalName"):
        yield from spec[key].require(lambda value: not value, "an address outside the cluster")


RULE = Rule(
    name="service-faces-inward",
    says="Services are ClusterIP: no load balancer, node port, external address or external name.",
    reason="The tunnel and WireGuard are the only ways in; a node port opens every node.",
    remedy="Set spec.type to ClusterIP and remove externalIPs, loadBalancerIP and externalName.",
    controls=("CIS Kubernetes 5.3.2", "SOC2 CC6.6", "ISO 27001 A.8.20", "GDPR Art. 32"),
    types=("kubernetes:core/*:Service",),
    check=check,
    admission=Admission(
        resources=("v1/services",),
        expression=(
            'object.spec.?type.orValue("ClusterIP") == "ClusterIP" && object.spec.?externalIPs.orValue([]).size() == 0'
            ' && object.spec.?loadBalancerIP.orValue("") == "" && object.spec.?externalName.orValue("") == ""'
        ),
        variables={},
    ),
)
