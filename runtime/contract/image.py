"""What the image promises the program that runs it, and where a pod mounts what is the agent's own."""

UID = 10001
"""User and group the image's programs run as; nothing in it needs another."""

DATA_DIR = "/data"
"""The agent's own volume: writable, kept over restarts."""

MODEL_DIR = "/model"
"""The model's source, read-only, as a model server keeps models: `manifests/…` and `blobs/sha256-…`."""

CONFIG_DIR = "/etc/moltghost"
"""The agent's configuration, read-only and free of secrets; files change in place when the declaration does."""
OPENCLAW_CONFIG_FILE = "openclaw.json"
"""In CONFIG_DIR: what the platform says of OpenClaw's configuration."""
EDGE_KEYS_FILE = "edge-keys.json"
"""In CONFIG_DIR: JWKS of the public keys edge tokens are verified with; two while a key is being rotated."""

SECRETS_DIR = "/run/moltghost/secrets"
"""The agent's own secrets, one file each, read-only; files change in place when a secret is rotated."""
RECEIPT_KEY_FILE = "receipt-key.pem"
"""In SECRETS_DIR: the private Ed25519 key (PKCS 8, PEM) the agent's receipts are signed with."""

SKILLS_DIR = "/skills"
"""The tenant's private skills, read-only: an unpacked bundle."""

RUN_DIR = "/run/moltghost/own"
"""In memory, for what must not outlive the pod: the token between the supervisor and OpenClaw."""
OPENCLAW_TOKEN_FILE = "openclaw-token"  # noqa: S105  # a file's name
"""In RUN_DIR: that token, for OpenClaw's user alone."""
OPENCLAW_DIR = "openclaw"
"""In DATA_DIR: all that OpenClaw keeps."""
OPENCLAW_WORKSPACE = f"{OPENCLAW_DIR}/workspace"
"""In DATA_DIR: the only files an agent's tools see."""

OPENCLAW_PROGRAM = "/node_modules/openclaw/openclaw.mjs"
"""OpenClaw, where skills find what they import of it."""
NODE_PROGRAM = "/usr/local/bin/node"

RESUME_PROGRAM = "/opt/moltghost/resume"
"""What brings an agent's latest state to its volume; an image without it has agents go on from what the volume holds.
It is told by `env.RESUME_FROM`, `RESUME_INTO`, `TENANT` and `AGENT`, ends with 0 once the volume holds the latest
state there is, and may be run again at any time."""

GATEWAY_COMMAND = ("python", "-m", "runtime.gateway")
AGENT_COMMAND = ("python", "-m", "runtime.agent")
