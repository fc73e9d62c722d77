"""No load balancer has a public address."""

from policies.field import Findings, inputs_of, is_true
from policies.record import Resource
from policies.rule import Rule


def check(resource: Resource) -> Findings:
    """The load balancer is internal."""
    yield from inputs_of(resource)["internal"].require(is_true, "the load balancer would have public addresses")


RULE = Rule(
    name="load-balancer-is-internal",
    says="Load balancers of the cloud are internal.",
    reason="The tunnel and WireGuard are the only ways in.",
    remedy="Set internal to true, or reach the platform through the edge.",
    controls=("SOC2 CC6.6", "ISO 27001 A.8.20", "GDPR Art. 32"),
    types=("aws:lb/loadBalancer:*", "aws:alb/loadBalancer:*", "aws:elb/loadBalancer:*"),
    check=check,
)
