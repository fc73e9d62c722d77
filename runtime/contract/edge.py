"""What the program declares at the edge and the Worker reads there: bindings, KV records, API keys."""

import hashlib
import hmac

BINDING_KEYS = "KEYS"
"""KV namespace: keyed hash of an API key -> JSON {"tenant", "key", "agents": [names] or ["*"], "limits"?}; `limits`
may hold "per_minute", "burst" and "streams" of the key's own."""
BINDING_ROUTES = "ROUTES"
"""KV namespace: "<tenant>/<agent>" -> JSON {"region"}; "region:<name>" -> JSON {"origin"} (URL of its gateway)."""
BINDING_TENANTS = "TENANTS"
"""KV namespace: "<tenant>" -> JSON {"limits": {"per_minute", "burst", "streams", "tokens_month", "spend_month",
"price_in", "price_out"}}; what is missing is the platform's own. Money is in millionths: of a token, of a month."""
SECRET_PEPPER = "KEY_PEPPER"  # noqa: S105  # a binding's name
"""Secret binding: the HMAC key API keys are hashed with."""
SECRET_SIGNING_KEY = "EDGE_SIGNING_KEY"  # noqa: S105  # a binding's name
"""Secret binding: private Ed25519 JWK (JSON, with `kid`) that edge tokens are signed with."""
KV_CACHE_S = 60
"""Seconds an edge may go on using a KV value it has read; so long may a revoked key live."""

ALL_AGENTS = "*"

API_KEY_PATTERN = r"mg_[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?_[A-Za-z0-9_-]{16,128}"
"""What an API key looks like, `mg_<tenant>_<random>`; anything else is refused before it is looked up."""
NAME_PATTERN = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
"""What a tenant's or an agent's name looks like in a path, in `model` and in a token."""

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


def hash_api_key(pepper: str, api_key: str) -> str:
    """The only form of an API key that is stored: HMAC-SHA256 under the pepper, in hex."""
    return hmac.new(pepper.encode(), api_key.encode(), hashlib.sha256).hexdigest()
