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
RESUME_FROM = "MOLTGHOST_RESUME_FROM"
"""Where the latest state of an agent that is in two regions is, as `s3://<bucket>/<agent>/`: in the bucket of its own
region, which the other one's snapshots are copied to. Absent for an agent of one region."""
RESUME_INTO = "MOLTGHOST_RESUME_INTO"
"""The folder that state belongs in; told to the program that brings it (`image.RESUME_PROGRAM`) and to no other."""
SKILLS_KEY = "MOLTGHOST_SKILLS_KEY"
"""Public Ed25519 key, 32 bytes in base64, the tenant signs its skills with; absent for an agent without skills."""
SKILLS_DIGEST = "MOLTGHOST_SKILLS_DIGEST"
"""SHA-256 (hex) of the manifest of the bundle the agent was given; present with SKILLS_KEY, so that no older bundle of
the same tenant's passes for it."""
