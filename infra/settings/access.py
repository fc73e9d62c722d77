"""Who may come in: a tenant's API keys, token issuers and client certificates."""

from datetime import UTC, datetime
from ipaddress import AddressValueError, IPv4Network, IPv6Network, NetmaskValueError, ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from infra.loopback import is_loopback_http
from infra.settings.fields import LABEL_REMEDY, Name, Section, Setting, Url, wrong
from infra.settings.limits import KeyLimits
from runtime.contract import edge

_INSTANT = "%Y-%m-%dT%H:%M:%SZ"
_EXAMPLE_INSTANT = "2099-12-31T00:00:00Z"
_ALL = "leave it out for all"


def _range(value: object) -> IPv4Network | IPv6Network:
    if not isinstance(value, str):
        raise wrong("must be a range of addresses, as text")
    try:
        return ip_network(value)
    except (AddressValueError, NetmaskValueError):
        raise wrong("is not a range of addresses") from None
    except ValueError:
        pass
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        raise wrong("is not a range of addresses") from None
    raise wrong(f"has bits set beyond its prefix; the range it lies in is {network}")


def _instant(value: object) -> datetime:
    if not isinstance(value, str):
        raise wrong("must be text, in quotes")
    try:
        return datetime.strptime(value, _INSTANT).replace(tzinfo=UTC)
    except ValueError:
        raise wrong("is not a time in UTC") from None


def _key_set_url(text: str) -> str:
    if urlsplit(text).scheme != "https" and not is_loopback_http(text):
        raise wrong("could be answered by anybody on the way")
    return text


SourceRange = Annotated[IPv4Network | IPv6Network, BeforeValidator(_range)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Operation = Literal["chat", "responses", "models", "health", "hooks"]
AgentName = Annotated[str, Field(pattern=rf"^(\*|{edge.NAME_PATTERN})$", max_length=63)]


class Scoped(Section):
    """What a credential opens of its tenant's."""

    id: Annotated[Name, Setting("default", f"Name it for the logs. {LABEL_REMEDY}")]
    agents: Annotated[
        list[AgentName], Field(min_length=1), Setting(["*"], 'List agents of the tenant\'s, or `["*"]` for all')
    ]
    models: Annotated[
        Annotated[list[Name], Field(min_length=1)] | None,
        Setting(["example-model"], f"List the models whose agents it opens; {_ALL}"),
    ] = None
    methods: Annotated[
        Annotated[list[Operation], Field(min_length=1)] | None,
        Setting(["chat"], f"List what it is for, of {', '.join(edge.OPERATIONS)}; {_ALL}"),
    ] = None


class ApiKey(Scoped):
    """An API key by its keyed hash."""

    hash: Annotated[
        str, Field(pattern=r"^[0-9a-f]{64}$"), Setting("0" * 64, "Give what `moltghost key new` printed, never the key")
    ]
    expires: Annotated[
        Instant | None,
        Setting(
            _EXAMPLE_INSTANT, f'Give a time in UTC such as "{_EXAMPLE_INSTANT}", in quotes; leave it out for never'
        ),
    ] = None
    cidrs: Annotated[
        Annotated[list[SourceRange], Field(min_length=1)] | None,
        Setting(["203.0.113.0/24"], "List ranges of IPv4 or IPv6 addresses it may be used from; leave it out for any"),
    ] = None
    limits: KeyLimits | None = None


class Issuer(Section):
    """Who signs tokens (JWT) for the tenant's people and programs."""

    id: Annotated[Name, Setting("login", f"Name it for the logs. {LABEL_REMEDY}")]
    issuer: Annotated[
        str,
        Field(pattern=r"^[\x21-\x7e]+$", max_length=256),
        Setting("https://login.example.com", "Give exactly what its tokens say as `iss`, at most 256 characters"),
    ]
    jwks: Annotated[
        Url,
        AfterValidator(_key_set_url),
        Setting("https://login.example.com/jwks.json", "Give the https URL of its key set; http on this machine alone"),
    ]
    algorithm: Annotated[
        Literal["RS256", "ES256", "EdDSA"],
        Setting("RS256", f"Name the one algorithm it signs with, of {', '.join(edge.JWT_ALGORITHMS)}"),
    ]
    audience: Annotated[
        str,
        Field(min_length=1, max_length=256),
        Setting("moltghost", "Give what its tokens for us, and no others, say as `aud`"),
    ]
    scope_claim: Annotated[
        str,
        Field(min_length=1, max_length=256),
        Setting("scope", "Name the claim that lists `agent:<name>`, `model:<name>`, `method:<operation>`"),
    ] = "scope"


class Certificate(Scoped):
    """A client certificate (mTLS) by its name and the authority that gave it."""

    common_name: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9]([-._A-Za-z0-9]{0,62}[A-Za-z0-9])?$"),
        Setting("vpc.example.com", "Give the subject's common name: letters, digits, dots, hyphens and underscores"),
    ]
    authority: Annotated[
        str,
        Field(pattern=r"^([0-9A-F]{2}){8,64}$"),
        Setting("A5" * 20, "Give the subject key identifier of the CA that signs it, upper-case hex without colons"),
    ]
