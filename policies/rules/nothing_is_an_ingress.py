"""No Ingress and no Gateway leads into a cluster."""

from policies.field import Findings, inputs_of
from policies.record import Resource
from policies.rule import Admission, Rule

_ROUTES = ("GRPCRoute", "HTTPRoute", "TCPRoute", "TLSRoute", "UDPRoute")


def check(resource: Resource) -> Findings:
    """There is none at all."""
    yield inputs_of(resource)["kind"].fail("a way into the cluster beside the tunnel and WireGuard")


RULE = Rule(
    name="nothing-is-an-ingress",
    says="There is no Ingress, Gateway or route.",
    reason="The tunnel and WireGuard are the only ways in; what an ingress controller finds it opens.",
    remedy="Reach the platform through the edge: declare a route of the Worker.",
    controls=("SOC2 CC6.6", "ISO 27001 A.8.20", "GDPR Art. 32"),
    types=(
        "kubernetes:networking.k8s.io/*:Ingress",
        "kubernetes:extensions/*:Ingress",
        "kubernetes:gateway.networking.k8s.io/*:Gateway",
        *(f"kubernetes:gateway.networking.k8s.io/*:{kind}" for kind in _ROUTES),
    ),
    check=check,
    admission=Admission(
        resources=(
            "networking.k8s.io/*/ingresses",
            "gateway.networking.k8s.io/*/gateways",
            *(f"gateway.networking.k8s.io/*/{kind.lower()}s" for kind in _ROUTES),
        ),
        expression="false",
        variables={},
    ),
)
