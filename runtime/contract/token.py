"""The edge token: a JWT the Worker signs with Ed25519 for one agent, verified by the gateway and again in the pod."""

ALGORITHM = "EdDSA"
ISSUER = "moltghost-edge"
LIFETIME_S = 60
"""Seconds from `iat` to `exp`; a longer-lived token is refused."""
LEEWAY_S = 5
"""Seconds of clock difference tolerated between edge and region."""

CLAIM_TENANT = "tid"
CLAIM_KEY = "key"
"""Id of the API key the request came with."""
CLAIM_REQUEST = "rid"


def audience(tenant: str, agent: str) -> str:
    """The `aud` of a token for one agent of one tenant."""
    return f"{tenant}/{agent}"
