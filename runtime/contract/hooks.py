"""Webhooks: how a delivery is signed, and what the Worker knows of a hook."""

import base64
import hashlib
import hmac

BINDING_LEDGER = "HOOK_LEDGER"
"""Durable Objects, one a hook: the deliveries it has taken and may be shown again."""
LEDGER_CLASS = "HookLedger"
BINDING_OUTBOX = "HOOK_OUTBOX"
"""Durable Objects, one a hook: the answers that are still to be delivered, and those that could not be."""
OUTBOX_CLASS = "HookOutbox"
TOLERANCE_S = 300
"""Seconds a delivery's timestamp may be off, either way; as long is it remembered that a delivery was taken."""
SIGNATURE_SCHEME = "v1"
"""HMAC-SHA256, in hex, over the timestamp (Unix seconds, decimal), a dot and the body's bytes."""
TRIES = 8
"""How often an answer is sent at most."""
RETRY_S = 10
RETRY_FACTOR = 4
RETRY_MOST_S = 7200
"""Seconds after a first failure, how much longer after each other, and the longest. Up to half as much again is added
by chance, so that what failed together does not come together: 8 tries take 5 to 7.5 hours."""
DELIVERY_S = 10
"""Seconds a receiver has to answer."""
CHAT_S = 600
"""Seconds an agent has for an answer that is delivered later."""
OUTBOX_MOST = 1000
"""Most deliveries of a hook that wait at once, and most dead letters it keeps; the oldest of those goes first."""
DEAD_LETTER_S = 604_800
"""Seconds a dead letter is kept."""
SECRET_PREFIX = "whsec_"  # noqa: S105  # a prefix, not a secret


def hook_key(hook: str) -> str:
    """Key of a hook in the TENANTS namespace -> JSON {"tenant", "agent", "versions": [of its secret, those live]}, and
    "deliver_to" (URL) where its agent's answers are delivered.
    """
    return f"hook:{hook}"


def secret_label(tenant: str, hook: str, version: int | str) -> str:
    """What a hook's secret is derived from. No API key is hashed as the same text: those begin with `mg_`."""
    return f"hook:{tenant}/{hook}:{version}"


def outbox_label(tenant: str, hook: str) -> str:
    """What the key is derived from that a hook's waiting deliveries are encrypted under."""
    return f"outbox:{tenant}/{hook}"


def hook_secret(pepper: str, tenant: str, hook: str, version: int) -> str:
    """The secret a sender signs with: HMAC-SHA256 of its label under the pepper. It is stored nowhere."""
    mac = hmac.new(pepper.encode(), secret_label(tenant, hook, version).encode(), hashlib.sha256).digest()
    return SECRET_PREFIX + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """The value of a delivery's signature header: `t=<timestamp>,v1=<hex>`."""
    mac = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},{SIGNATURE_SCHEME}={mac}"
