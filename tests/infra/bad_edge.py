"""Configs of the edge's firewall and console that must be refused."""

from collections.abc import Callable

from tests.infra.departures import AGENT, AT, Bad, Config, E, put


def console(**wrong: object) -> Callable[[Config], None]:
    """Give the edge a console, but for `wrong`."""
    good = {"hostname": "console.moltghost.test", "email_domains": ["moltghost.test"]}
    return put({**good, **wrong}, E, "console")


def waf(field: str, value: object) -> Callable[[Config], None]:
    """Give the firewall this and nothing else."""
    return put({field: value}, E, "waf")


BAD_EDGE = [
    Bad("unknown WAF field", waf("owasp_treshold", 40), f"{E}.waf.owasp_treshold", ("`owasp_threshold`?",)),
    Bad("WAF is a list", put([], E, "waf"), f"{E}.waf", ("must be a mapping",)),
    Bad("threshold between", waf("owasp_threshold", 30), f"{E}.waf.owasp_threshold", ("= 30", "25, 40 or 60")),
    Bad("threshold is text", waf("owasp_threshold", "40"), f"{E}.waf.owasp_threshold", ('= "40"', "25, 40 or 60")),
    Bad("paranoia of five", waf("paranoia_level", 5), f"{E}.waf.paranoia_level", ("= 5", "1 to 4")),
    Bad("no paranoia at all", waf("paranoia_level", 0), f"{E}.waf.paranoia_level", ("= 0", "1 to 4")),
    Bad(
        "a flood any tenant makes",
        waf("requests_per_minute", 9_999),
        f"{E}.waf.requests_per_minute",
        ("= 9999", "10000 to 10000000"),
    ),
    Bad("no failure allowed", waf("failures_per_minute", 0), f"{E}.waf.failures_per_minute", ("= 0", "10 to 1000000")),
    Bad(
        "hostname twice",
        console(hostname="api.moltghost.test"),
        f"{E}.console.hostname",
        ("is the Worker's too: moltghost:edge.hostname", "Give each its own"),
    ),
    Bad(
        "console outside the zone",
        console(hostname="console.example.com"),
        f"{E}.console.hostname",
        ("is not a name in the zone moltghost.test", "console.moltghost.test"),
    ),
    Bad("console of nobody", console(email_domains=[]), f"{E}.console.email_domains", ("is empty", "mail domains")),
    Bad("session of a day and more", console(session_hours=25), f"{E}.console.session_hours", ("= 25", "1 to 24")),
    Bad(
        "agent behind a path of the API",
        put("completions", *AGENT, "name"),
        f"{AT}.name",
        ("is shadowed: /v1/chat/completions is a path of the API's own", "Choose another name"),
    ),
]
