"""What the program declares at the edge and the Worker reads there: bindings, KV records, API keys."""

import hashlib
import hmac

BINDING_KEYS = "KEYS"
"""KV namespace: keyed hash of an API key -> JSON {"tenant", "key", "agents": [names] or ["*"], "limits"?}; `limits`
may hold "per_minute", "burst" and "streams" of the key's own."""
BINDING_ROUTES = "ROUTES"
"""KV namespace, the routing table: "<tenant>/<agent>" -> JSON {"regions": [names, best first], "state", "model"?};
"region:<name>" -> JSON {"origin" (URL of its gateways), "state", "near": [colos and continents it is near to]}."""
BINDING_TENANTS = "TENANTS"
"""KV namespace: "<tenant>" -> JSON {"origins": [web origins whose pages may use its keys], "limits": {"per_minute",
"burst", "streams", "tokens_month", "spend_month", "price_in", "price_out"}}; what is missing of the limits is the
platform's own. Money is in millionths: of a token, of a month.
"origin:<origin>" -> JSON {}: some tenant has it. A preflight carries no key: more cannot be known of it."""
SECRET_PEPPER = "KEY_PEPPER"  # noqa: S105  # a binding's name
"""Secret binding: the HMAC key API keys are hashed with."""
SECRET_SIGNING_KEY = "EDGE_SIGNING_KEY"  # noqa: S105  # a binding's name
"""Secret binding: private Ed25519 JWK (JSON, with `kid`) that edge tokens are signed with."""
KV_CACHE_S = 30
"""Seconds Cloudflare's cache may answer for a KV value it has read; it takes no fewer."""
RECORD_MEMORY_S = 30
"""Seconds the Worker may then go on using it. A record's whole age, so a revoked key's life, is the sum of the two."""

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

API_KEY_PATTERN = r"mg_[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?_[A-Za-z0-9_-]{16,128}"
"""What an API key looks like, `mg_<tenant>_<random>`; anything else is refused before it is looked up."""
NAME_PATTERN = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
"""What a tenant's or an agent's name looks like in a path, in `model` and in a token."""
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


def origin_key(origin: str) -> str:
    """Key of a web origin in the TENANTS namespace. No tenant's name has a colon."""
    return f"origin:{origin}"


def hash_api_key(pepper: str, api_key: str) -> str:
    """The only form of an API key that is stored: HMAC-SHA256 under the pepper, in hex."""
    return hmac.new(pepper.encode(), api_key.encode(), hashlib.sha256).hexdigest()
