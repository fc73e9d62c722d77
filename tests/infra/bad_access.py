"""Configs that let in whom they should not, and what must be said of them."""

from collections.abc import Callable
from typing import Any

from tests.authorities import pem
from tests.infra.departures import Bad, Config, E, T, both, put

KEY = {"id": "ci", "hash": "c" * 64, "agents": ["helper"]}
ISSUER = {
    "id": "login",
    "issuer": "https://login.example.com",
    "jwks": "https://login.example.com/jwks.json",
    "algorithm": "RS256",
    "audience": "moltghost",
}
CERTIFICATE: dict[str, Any] = {"id": "vpc", "common_name": "vpc.example.com", "authority": "A5" * 20, "agents": ["*"]}
A, G = "moltghost:tenants[0]", "moltghost:tenants[1]"


def key(tenant: int = 0, **changes: Any) -> Callable[[Config], None]:
    """Give a tenant one API key."""
    return put([{**KEY, **changes}], T, tenant, "api_keys")


def issuer(tenant: int = 0, **changes: Any) -> Callable[[Config], None]:
    """Give a tenant one issuer."""
    return put([{**ISSUER, **changes}], T, tenant, "issuers")


def certificate(tenant: int = 0, **changes: Any) -> Callable[[Config], None]:
    """Give a tenant one client certificate, and the edge the CA that signs it."""
    return both(
        put([{**CERTIFICATE, **changes}], T, tenant, "certificates"),
        put({"acme": {"certificate": pem(CERTIFICATE["authority"])}}, E, "client_cas"),
    )


ACCESS = [
    Bad("key without agents", key(agents=[]), f"{A}.api_keys[0].agents", ("is empty", '`["*"]` for all')),
    Bad(
        "key for another's agent",
        key(agents=["helper", "analyst"]),
        f"{A}.api_keys[0].agents[1]",
        ('= "analyst"', "is no agent of this tenant", "Name one of helper, or `*` for all"),
    ),
    Bad("agent by pattern", key(agents=["help*"]), f"{A}.api_keys[0].agents[0]", ("does not have the form",)),
    Bad("key for no model there is", key(models=["gpt"]), f"{A}.api_keys[0].models[0]", ("is not listed", "tiny")),
    Bad("key for no models", key(models=[]), f"{A}.api_keys[0].models", ("is empty", "leave it out for all")),
    Bad(
        "key for an unknown operation",
        key(methods=["chat", "tools"]),
        f"{A}.api_keys[0].methods[1]",
        ('= "tools"', "of chat, responses, models, health, hooks"),
    ),
    Bad("key in plain text", key(hash="mg_acme_" + "0" * 38), f"{A}.api_keys[0].hash", ("an API key in plain text",)),
    Bad("hash is short", key(hash="c" * 63), f"{A}.api_keys[0].hash", ("`moltghost key new` printed",)),
    Bad(
        "expired",
        key(expires="2020-01-01T00:00:00Z"),
        f"{A}.api_keys[0].expires",
        ("is over", "put its successor in its place"),
    ),
    Bad("expires on a day", key(expires="2099-01-01"), f"{A}.api_keys[0].expires", ("is not a time in UTC",)),
    Bad(
        "expires in another zone",
        key(expires="2099-01-01T00:00:00+08:00"),
        f"{A}.api_keys[0].expires",
        ("is not a time in UTC", '"2099-12-31T00:00:00Z", in quotes'),
    ),
    Bad("expires in seconds", key(expires=4_000_000_000), f"{A}.api_keys[0].expires", ("must be text, in quotes",)),
    Bad("from nowhere", key(cidrs=[]), f"{A}.api_keys[0].cidrs", ("is empty", "leave it out for any")),
    Bad("from no range", key(cidrs=["office"]), f"{A}.api_keys[0].cidrs[0]", ("is not a range of addresses",)),
    Bad("from a number", key(cidrs=[7]), f"{A}.api_keys[0].cidrs[0]", ("must be a range of addresses, as text",)),
    Bad(
        "from host bits",
        key(cidrs=["203.0.113.0/24", "2001:db8::1/32"]),
        f"{A}.api_keys[0].cidrs[1]",
        ("beyond its prefix", "2001:db8::/32"),
    ),
    Bad(
        "id of the machine's key",
        key(id="default"),
        f"{A}.api_keys[0].id",
        ('= "default"', "moltghost:machine.api_keys[0].id has it too"),
    ),
    Bad(
        "id of another kind",
        both(key(), certificate(id="ci")),
        f"{A}.certificates[0].id",
        ("tenants[0].api_keys[0].id has it too",),
    ),
    Bad(
        "hash of another tenant's key",
        both(key(), key(1, agents=["*"])),
        f"{G}.api_keys[0].hash",
        ("tenants[0].api_keys[0].hash has it too",),
    ),
    Bad("hash of the machine's key", key(hash="b" * 64), f"{A}.api_keys[0].hash", ("api_keys[1].hash has it too",)),
    Bad(
        "issuer of two tenants",
        both(issuer(), issuer(1, audience="globex")),
        f"{G}.issuers[0].issuer",
        ("is an issuer twice", "tenants[0].issuers[0].issuer has it too"),
    ),
    Bad("issuer with blanks", issuer(issuer="our login"), f"{A}.issuers[0].issuer", ("say as `iss`",)),
    Bad("issuer of any length", issuer(issuer="x" * 257), f"{A}.issuers[0].issuer", ("at most 256 characters",)),
    Bad(
        "keys anybody can answer for",
        issuer(jwks="http://login.example.com/jwks.json"),
        f"{A}.issuers[0].jwks",
        ("could be answered by anybody on the way", "Give the https URL"),
    ),
    Bad("keys of no URL", issuer(jwks="login.example.com"), f"{A}.issuers[0].jwks", ("is not the URL of a server",)),
    Bad("symmetric tokens", issuer(algorithm="HS256"), f"{A}.issuers[0].algorithm", ("of RS256, ES256, EdDSA",)),
    Bad("any algorithm", issuer(algorithm=["RS256"]), f"{A}.issuers[0].algorithm", ("the one algorithm",)),
    Bad("tokens for anybody", issuer(audience=""), f"{A}.issuers[0].audience", ("is empty", "and no others")),
    Bad(
        "certificate of two tenants",
        both(certificate(), certificate(1)),
        f"{G}.certificates[0].common_name",
        ("is a certificate twice", "tenants[0].certificates[0].common_name has it too"),
    ),
    Bad(
        "certificate of any authority",
        certificate(authority="*"),
        f"{A}.certificates[0].authority",
        ("the subject key identifier of the CA",),
    ),
    Bad(
        "authority with colons",
        certificate(authority="A5:AC"),
        f"{A}.certificates[0].authority",
        ("without colons",),
    ),
    Bad(
        "certificates by pattern",
        certificate(common_name="*.example.com"),
        f"{A}.certificates[0].common_name",
        ("letters, digits, dots, hyphens",),
    ),
    Bad(
        "certificate for another's agent",
        certificate(agents=["analyst"]),
        f"{A}.certificates[0].agents[0]",
        ("is no agent of this tenant",),
    ),
]
