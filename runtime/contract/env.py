"""Environment variables the image's programs read. None of them is secret: secrets are files."""

EDGE_KEYS = "MOLTGHOST_EDGE_KEYS"
"""JWKS (JSON) of the public keys edge tokens are verified with; two while a key is being rotated. The gateway's way;
an agent reads them from its configuration (`image.EDGE_KEYS_FILE`), which changes without a restart."""
REGION = "MOLTGHOST_REGION"

TENANT = "MOLTGHOST_TENANT"
AGENT = "MOLTGHOST_AGENT"
MODEL = "MOLTGHOST_MODEL"
"""The name the model server knows the agent's model by."""
MODEL_DIGEST = "MOLTGHOST_MODEL_DIGEST"
"""The model's digest, `sha256:` and 64 hex digits: the SHA-256 of its manifest, which names every blob by its own."""
CONTEXT_TOKENS = "MOLTGHOST_CONTEXT_TOKENS"
MAX_TOKENS = "MOLTGHOST_MAX_TOKENS"
"""Tokens of the longest answer; a client that asks for more gets as much."""
KEEP_ALIVE_S = "MOLTGHOST_KEEP_ALIVE_S"
"""Seconds the model stays loaded when nobody asks it; -1 for good."""
SKILLS_KEY = "MOLTGHOST_SKILLS_KEY"
"""Public Ed25519 key, 32 bytes in base64, the tenant signs its skills with; absent for an agent without skills."""
SKILLS_DIGEST = "MOLTGHOST_SKILLS_DIGEST"
"""SHA-256 (hex) of the manifest of the bundle the agent was given; present with SKILLS_KEY, so that no older bundle of
the same tenant's passes for it."""
