"""kubeconfig files: one per client of the API server, the credentials inside."""

from base64 import b64encode
from pathlib import Path

import yaml

from infra.local.cluster.certificates import Pair
from infra.local.credentials import write_private


def write_kubeconfig(path: Path, server: str, authority: Path, client: Pair) -> Path:
    """Write the file (mode 0600) unless it says the same already; returns `path`."""
    cluster = {"server": server, "certificate-authority-data": _encoded(authority)}
    user = {"client-certificate-data": _encoded(client.certificate), "client-key-data": _encoded(client.key)}
    text = yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "moltghost", "cluster": cluster}],
            "users": [{"name": "moltghost", "user": user}],
            "contexts": [{"name": "moltghost", "context": {"cluster": "moltghost", "user": "moltghost"}}],
            "current-context": "moltghost",
        },
        sort_keys=False,
    )
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(path, text)
    return path


def _encoded(path: Path) -> str:
    return b64encode(path.read_bytes()).decode()
