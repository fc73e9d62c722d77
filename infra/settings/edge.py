"""Where clients come in, and what stands before the Worker."""

from typing import Annotated, Literal

from pydantic import Field

from infra.settings.client_cas import ClientCa
from infra.settings.fields import LABEL_REMEDY, Domain, Name, Section, Setting

_HEX_ID = "Copy the id from the account's overview: 32 hexadecimal digits, quoted"


class Waf(Section):
    """How the edge's firewall judges; amounts are for one client address at one edge location."""

    owasp_threshold: Annotated[
        Literal[25, 40, 60],
        Setting(40, "The OWASP score that is refused: 25 refuses the most, 40 is Cloudflare's medium, 60 the least"),
    ] = 40
    paranoia_level: Annotated[
        int, Field(ge=1, le=4), Setting(1, "How suspicious the OWASP rules are, 1 to 4; from 2 on, expect false alarms")
    ] = 1
    requests_per_minute: Annotated[
        int,
        Field(ge=10_000, le=10_000_000),
        Setting(30_000, "Requests a minute from one address that are a flood, 10000 to 10000000"),
    ] = 30_000
    failures_per_minute: Annotated[
        int,
        Field(ge=10, le=1_000_000),
        Setting(60, "Answers 401 a minute after which an address must pause, 10 to 1000000"),
    ] = 60


class Console(Section):
    """The operators' console, behind Cloudflare Access."""

    hostname: Annotated[Domain, Setting("console.example.com", "Give a full host name of the zone, in lower case")]
    email_domains: Annotated[
        list[Domain], Field(min_length=1), Setting(["example.com"], "List the mail domains of those who may open it")
    ]
    session_hours: Annotated[
        int, Field(ge=1, le=24), Setting(8, "Hours after which one must log in again, 1 to 24")
    ] = 8


class Edge(Section):
    """Where clients come in."""

    account_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$"), Setting("0" * 32, _HEX_ID)]
    zone_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$"), Setting("0" * 32, _HEX_ID)]
    zone: Annotated[Domain, Setting("example.com", "Give the zone's domain, in lower case")]
    hostname: Annotated[Domain, Setting("api.example.com", "Give a full host name, in lower case")]
    waf: Waf = Waf()
    console: Console | None = None
    """The operators' console; leave it out where there is none."""
    client_cas: Annotated[
        dict[Name, ClientCa],
        Setting({}, f"List CAs of client certificates by an id; leave it out for none. {LABEL_REMEDY}"),
    ] = Field(default_factory=dict)
