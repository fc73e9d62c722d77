"""A kubeconfig, as far as reaching one API server needs it."""

import base64
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.local.providers.kubernetes.exec_token import ExecError, ExecUser


class KubeconfigError(Exception):
    """A kubeconfig that can't be used; the text names the field."""


@dataclass(frozen=True)
class Access:
    """How to reach and be known to one API server."""

    server: str
    tls: ssl.SSLContext | bool
    headers: Mapping[str, str]
    namespace: str = "default"
    exec_user: ExecUser | None = None
    """Who gives a token for each request, where no header is for good."""


def load(text_or_path: str, context: str | None = None) -> Access:
    """Access by a kubeconfig given as text or as a path. Raises `KubeconfigError`."""
    text, folder = text_or_path, Path.cwd()
    if "\n" not in text_or_path and not text_or_path.lstrip().startswith("{"):
        path = Path(text_or_path).expanduser()
        if not path.is_file():
            raise KubeconfigError(f"kubeconfig: {path} does not exist")
        text, folder = path.read_text(), path.parent
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise KubeconfigError(f"kubeconfig: not YAML: {getattr(error, 'problem', 'unreadable')}") from None
    if not isinstance(config, dict):
        raise KubeconfigError("kubeconfig: holds no mapping of clusters, users and contexts")
    chosen = context or config.get("current-context") or ""
    entry = _named(config, "contexts", chosen)["context"]
    cluster = _named(config, "clusters", entry.get("cluster", ""))["cluster"]
    user = _named(config, "users", entry["user"]).get("user") or {} if entry.get("user") else {}
    if not cluster.get("server"):
        raise KubeconfigError(f"kubeconfig: cluster {entry['cluster']!r} names no server")
    return Access(
        server=cluster["server"],
        tls=_tls(cluster, user, folder),
        headers=_headers(user, folder),
        namespace=entry.get("namespace") or "default",
        exec_user=_exec_user(user),
    )


def _named(config: Mapping[str, Any], section: str, name: str) -> dict[str, Any]:
    for entry in config.get(section) or ():
        if entry.get("name") == name:
            found: dict[str, Any] = entry
            return found
    raise KubeconfigError(f"kubeconfig: {section} has no entry named {name!r}")


def _exec_user(user: Mapping[str, Any]) -> ExecUser | None:
    if not user.get("exec"):
        return None
    try:
        return ExecUser(user["exec"])
    except ExecError as error:
        raise KubeconfigError(f"kubeconfig: {error}") from None


def _headers(user: Mapping[str, Any], folder: Path) -> dict[str, str]:
    if user.get("auth-provider"):
        raise KubeconfigError(
            "kubeconfig: users[].user.auth-provider is not supported here; use a token or certificate"
        )
    token = user.get("token")
    if not token and user.get("tokenFile"):
        token = (folder / user["tokenFile"]).read_text().strip()
    if token:
        return {"Authorization": f"Bearer {token}"}
    if user.get("username"):
        pair = f"{user['username']}:{user.get('password', '')}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {}


def _tls(cluster: Mapping[str, Any], user: Mapping[str, Any], folder: Path) -> ssl.SSLContext | bool:
    if cluster["server"].startswith("http://"):
        return False
    authority = _material(cluster, "certificate-authority", folder)
    context = ssl.create_default_context(cadata=authority.decode() if authority else None)
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate, key = (_material(user, name, folder) for name in ("client-certificate", "client-key"))
    if certificate and key:
        with (
            tempfile.NamedTemporaryFile() as file
        ):  # the ssl module reads certificates from files only; this one is 0600
            file.write(certificate + b"\n" + key)
            file.flush()
            context.load_cert_chain(file.name)
    return context


def _material(entry: Mapping[str, Any], name: str, folder: Path) -> bytes | None:
    if entry.get(f"{name}-data"):
        return base64.b64decode(entry[f"{name}-data"])
    if entry.get(name):
        return (folder / str(entry[name])).read_bytes()
    return None
