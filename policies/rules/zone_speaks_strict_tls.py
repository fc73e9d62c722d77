"""The edge speaks TLS, and checks whom it speaks to."""

from collections.abc import Mapping

from policies.field import Findings, inputs_of
from policies.record import Resource
from policies.rule import Rule

EXPECTED: Mapping[str, tuple[str, ...]] = {
    "always_use_https": ("on",),
    "automatic_https_rewrites": ("on",),
    "min_tls_version": ("1.2", "1.3"),
    "ssl": ("strict", "full_strict", "origin_pull"),
    "tls_1_3": ("on", "zrt"),
}
"""What a zone's setting may be (https://developers.cloudflare.com/api/resources/zones/subresources/settings/)."""


def check(resource: Resource) -> Findings:
    """The setting, where it is one of these, is a safe one."""
    inputs = inputs_of(resource)
    if not inputs["settingId"].is_known:
        yield inputs["settingId"].unknown()
        return
    allowed = EXPECTED.get(inputs["settingId"].text())
    if allowed:
        yield from inputs["value"].require(lambda value: value in allowed, f"expected {' or '.join(allowed)}")


RULE = Rule(
    name="zone-speaks-strict-tls",
    says="A zone speaks TLS 1.2 or newer to clients, always, and checks its origins' certificates.",
    reason="A prompt in the clear, or sent to a false origin, is a prompt published.",
    remedy="Set the zone's setting as named.",
    controls=("SOC2 CC6.7", "ISO 27001 A.8.20", "ISO 27001 A.8.24", "GDPR Art. 32"),
    types=("cloudflare:index/zoneSetting:ZoneSetting",),
    check=check,
)
