"""What the API server encrypts before it reaches etcd, and the key: made once for a state folder, gone with it."""

import base64
import secrets
from pathlib import Path
from typing import Any

import yaml

from infra.local.credentials import write_private

KEY_BYTES = 32


def build_config(key: bytes) -> dict[str, Any]:
    """EncryptionConfiguration for Secrets (XSalsa20-Poly1305).

    There is no `identity` provider beside it: nothing in a cluster's store is older than its key, so a Secret that
    lies there in the clear is none of the API server's and is not read.
    """
    keys = [{"name": "local", "secret": base64.b64encode(key).decode()}]
    providers = [{"secretbox": {"keys": keys}}]
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{"resources": ["secrets"], "providers": providers}],
    }


def ensure_config(path: Path) -> Path:
    """Write the configuration with a fresh key (mode 0600) unless it is there; returns `path`."""
    if not path.exists():
        write_private(path, yaml.safe_dump(build_config(secrets.token_bytes(KEY_BYTES)), sort_keys=False))
    return path
