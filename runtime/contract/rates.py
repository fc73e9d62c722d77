"""How much a tenant and a key may ask for, and what the edge counts it with."""

MIN_PER_MINUTE = 100
MAX_PER_MINUTE = 10_000
"""The range of a limit, in requests in any 60 s."""
PER_MINUTE = 600
BURST = 100
"""Requests in any second."""
STREAMS = 50
"""Streams at once. These three hold for a tenant whose record does not say otherwise."""

WALL_PERIOD_S = 60
WALLS = (("WALL_500", 500), ("WALL_2500", 2500), ("WALL_20000", 20_000))
"""Rate-limit bindings, coarse walls of so many requests a period and location. A tenant's is the lowest that is at
least twice its limit: a wall must never stop one whom the exact limiter would let through."""

BINDING_LIMITER = "LIMITER"
"""Durable Object namespace of the exact limiter."""
LIMITER_CLASS = "Limiter"
"""The class the Worker exports for it."""
SHARDS = 4
"""Most limiter objects of one tenant."""
SHARD_PER_MINUTE = 2500
"""A tenant has an object for each so many requests a minute of its limit."""
LIMITER_MS = 1000
"""Milliseconds the edge waits for the exact limiter before it holds it to be down."""
LEASE_S = 300
"""Seconds a stream is counted after its last sign of life: longer than it may be silent before its answer and in it
(limits.FIRST_BYTE_S and limits.IDLE_S)."""
RENEW_S = 30
"""Seconds between two signs of life."""


def shard_name(tenant: str, shard: str) -> str:
    """Name of one of a tenant's limiter objects; the first one, 0, keeps the tenant's months."""
    return f"{tenant}/{shard}"
