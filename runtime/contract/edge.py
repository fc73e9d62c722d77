"""What the program declares at the edge and the Worker reads there: bindings, KV records, API keys."""

import hashlib
import hmac
import secrets
import zlib

BINDING_KEYS = "KEYS"
"""KV namespace: keyed hash of an API key -> JSON {"tenant", "key", "agents": [names] or ["*"]}, and where narrowed
"models": [names], "methods": [OPERATIONS], "expires" (Unix seconds), "cidrs": [ranges of source addresses],
"limits": {"per_minute", "burst", "streams"}, what the key has of its own."""
BINDING_ROUTES = "ROUTES"
"""KV namespace, the routing table: "<tenant>/<agent>" -> JSON {"regions": [names, best first], "state", "model"?};
"region:<name>" -> JSON {"origin" (URL of its gateways), "state", "near": [colos and continents it is near to]}."""
BINDING_TENANTS = "TENANTS"
"""KV namespace: "<tenant>" -> JSON {"origins": [web origins whose pages may use its keys], "limits": {"per_minute",
"burst", "streams", "tokens_month", "spend_month", "price_in", "price_out"}}; what is missing of the limits is the
platform's own. Money is in millionths: of a token, of a month.
"origin:<origin>/<tenant>" -> JSON {}: this tenant has it. A preflight carries no key: that
some tenant has it is all that can be known of it;
`issuer_key` -> JSON {"tenant", "key", "issuer", "jwks" (URL), "algorithm", "audience", "scope_claim"};
`certificate_key` -> a record as in KEYS."""
SECRET_PEPPER = "KEY_PEPPER"  # noqa: S105  # a binding's name
"""Secret binding: the HMAC key API keys are hashed with."""
SECRET_SIGNING_KEY = "EDGE_SIGNING_KEY"  # noqa: S105  # a binding's name
"""Secret binding: private Ed25519 JWK (JSON, with `kid`) that edge tokens are signed with."""
BINDING_CLIENT_CERTIFICATES = "CLIENT_CERTIFICATES"
"""Text binding: there where the host name asks for client certificates. Elsewhere nobody has one to be known by, and
what Cloudflare says of a request's connection isn't read: to make it readable costs a tenth of all the edge does."""
KV_CACHE_S = 30
"""Seconds Cloudflare's cache may answer for a KV value it has read; it takes no fewer."""
RECORD_MEMORY_S = 30
"""Seconds the Worker may then go on using it. A record's whole age, so a revoked key's life, is the sum of the two."""
REVOKED_WITHIN_S = 60
"""Seconds within which every edge has seen that a key is gone."""

OPEN = "open"
CLOSED = "closed"
"""The states of an agent's and of a region's record: an agent that is closed is not asked, a region that is closed gets
no request."""
REGION_DOWN_S = 10
"""Seconds an isolate asks a region last that it could not reach."""
HEALTH_CACHE_S = 5
"""Seconds an agent's health may be told again, at the edge and by whoever asked."""
MODELS_CACHE_S = 30
"""Seconds a client may keep the list of its agents."""
PREFLIGHT_CACHE_S = 600
"""Seconds a browser may go on by one preflight."""

ALL_AGENTS = "*"
OPERATIONS = ("chat", "responses", "models", "health", "hooks")
"""What a caller can be allowed to do; a key's record names them as `methods`."""
JWT_ALGORITHMS = ("RS256", "ES256", "EdDSA")
"""Signatures a tenant's issuer may use; each issuer is held to one of them."""
JWT_LEEWAY_S = 60
"""Seconds an issuer's clock may be off."""

API_KEY_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
API_KEY_RANDOM = 32
"""Letters and digits of an API key that nobody can guess: 190 bits."""
API_KEY_CHECK = 6
"""Letters and digits after them that tell a typo: the CRC-32 of all before, in base 62."""
NAME_PATTERN = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
"""What a tenant's or an agent's name looks like in a path, in `model` and in a token."""
API_KEY_PATTERN = rf"mg_(?<tenant>{NAME_PATTERN})_[A-Za-z0-9]{{{API_KEY_RANDOM + API_KEY_CHECK}}}"
"""What an API key looks like in JavaScript: `mg_<tenant>_<random><check>`; anything else is refused unlooked-at."""
ORIGIN_PATTERN = r"https?://[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?(:[1-9][0-9]{0,4})?"
"""What a web origin looks like, as browsers write it."""

COMPATIBILITY_DATE = "2026-07-01"
"""The runtime behaviour the Worker is written for and tested with."""
COMPATIBILITY_FLAGS = ("enable_request_signal",)
"""Runtime features the Worker needs beyond its date: to learn that a client has gone."""


def region_key(region: str) -> str:
    """Key of a region's origin in the ROUTES namespace."""
    return f"region:{region}"


def route_key(tenant: str, agent: str) -> str:
    """Key of an agent's route in the ROUTES namespace."""
    return f"{tenant}/{agent}"


def issuer_key(issuer: str) -> str:
    """Key of an issuer's record in the TENANTS namespace; `issuer` is exactly what its tokens say as `iss`."""
    return f"issuer:{issuer}"


def certificate_key(authority: str, name: str) -> str:
    """Key of a client certificate's record in the TENANTS namespace.

    `authority` is the subject key identifier of the CA that signed it (upper-case hex), `name` its common name.
    """
    return f"certificate:{authority}/{name}"


def new_api_key(tenant: str) -> str:
    """A fresh API key of a tenant's."""
    text = "".join(secrets.choice(API_KEY_ALPHABET) for _ in range(API_KEY_RANDOM))
    return f"mg_{tenant}_{text}{api_key_check(f'mg_{tenant}_{text}')}"


def api_key_check(text: str) -> str:
    """The check an API key ends with: the CRC-32 (ISO-HDLC) of `text`, all that stands before it, in base 62.

    It finds every key of which one stretch of up to four characters is wrong, as of a typo or a swap; it is no secret.
    """
    rest, digits = zlib.crc32(text.encode()), ""
    for _ in range(API_KEY_CHECK):
        rest, digit = divmod(rest, len(API_KEY_ALPHABET))
        digits = API_KEY_ALPHABET[digit] + digits
    return digits


def is_api_key(text: str) -> bool:
    """Whether `text` has an API key's check; whose key it is, and whether there is such a key, is another question."""
    return text.startswith("mg_") and hmac.compare_digest(text[-API_KEY_CHECK:], api_key_check(text[:-API_KEY_CHECK]))


def origin_prefix(origin: str) -> str:
    """What the keys of all tenants' records of a web origin begin with, and no other's: after a slash, no port goes on.

    No tenant's name has a colon.
    """
    return f"origin:{origin}/"


def origin_key(origin: str, tenant: str) -> str:
    """Key of a tenant's own record of a web origin in the TENANTS namespace."""
    return f"{origin_prefix(origin)}{tenant}"


def hash_api_key(pepper: str, api_key: str) -> str:
    """The only form of an API key that is stored: HMAC-SHA256 under the pepper, in hex."""
    return hmac.new(pepper.encode(), api_key.encode(), hashlib.sha256).hexdigest()
