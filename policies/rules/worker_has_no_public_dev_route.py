"""The Worker answers behind the firewall alone."""

from policies.field import Findings, inputs_of, is_false_or_absent
from policies.record import Resource
from policies.rule import Rule


def check(resource: Resource) -> Findings:
    """Neither the Worker nor a preview of it has an address under workers.dev."""
    inputs = inputs_of(resource)
    for place in (inputs, inputs["subdomain"]):
        for flag in ("enabled", "previewsEnabled") if place.is_set else ():
            yield from place[flag].require(is_false_or_absent, "answers under workers.dev, past the zone's firewall")
    pattern = inputs["pattern"]
    yield from pattern.require(lambda value: "workers.dev" not in str(value), "a route under workers.dev")


RULE = Rule(
    name="worker-has-no-public-dev-route",
    says="No Worker, and no preview of one, has a route under workers.dev.",
    reason="There no rule of the zone is asked: no firewall, no rate limit, no TLS setting.",
    remedy="Set enabled and previewsEnabled to false, or take the subdomain out.",
    controls=("SOC2 CC6.6", "ISO 27001 A.8.20", "ISO 27001 A.8.26"),
    types=(
        "cloudflare:index/worker:Worker",
        "cloudflare:index/workersScriptSubdomain:WorkersScriptSubdomain",
        "cloudflare:index/workersRoute:WorkersRoute",
    ),
    check=check,
)
