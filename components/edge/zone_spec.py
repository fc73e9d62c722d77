"""What stands before the Worker: the zone's transport settings and its firewall."""

from typing import Any, Literal

from pydantic import Field

from components.labels import Region
from components.values import Values

HSTS_S = 31_536_000
"""Seconds a browser keeps to HTTPS: a year, the least that preload lists ask for."""

SETTINGS: dict[str, Any] = {
    "0rtt": "off",
    "always_use_https": "on",
    "min_tls_version": "1.3",
    "security_header": {
        "strict_transport_security": {
            "enabled": True,
            "include_subdomains": True,
            "max_age": HSTS_S,
            "nosniff": True,
            "preload": False,
        }
    },
    "ssl": "strict",
    "tls_1_3": "on",
}
"""Zone setting -> its value. Early data can be sent again by whoever overheard it, and no POST may be."""


class FirewallSpec(Values):
    """How the firewall judges; all amounts are for one client address at one edge location.

    `owasp_threshold` is the anomaly score from which the OWASP core ruleset refuses: Cloudflare's high (25), medium
    (40) and low (60). `paranoia_level` is how much of that ruleset looks at all. `requests_per_minute` is a flood, far
    above what a tenant may ask; `failures_per_minute` are answers 401, after which guessing keys pauses.
    """

    owasp_threshold: Literal[25, 40, 60]
    paranoia_level: int = Field(ge=1, le=4)
    requests_per_minute: int = Field(ge=10_000, le=10_000_000)
    failures_per_minute: int = Field(ge=10, le=1_000_000)


class ZoneSpec(Values):
    """The zone of one edge. `hostname` is the Worker's; `console` the operators', where there is one; `origins` are the
    host names of the regions' tunnels, which are the Worker's alone."""

    region: Region
    zone_id: str
    zone: str
    hostname: str
    console: str | None = None
    origins: tuple[str, ...] = ()
    firewall: FirewallSpec
