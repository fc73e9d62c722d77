"""Readiness probes: each makes a callable that says whether a program serves."""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx

PROBE_S = 2.0


def http_serves(url: str, authority: Path | None = None, client: tuple[Path, Path] | None = None) -> Callable[[], bool]:
    """True once GET `url` answers 2xx; `authority` and `client` (certificate, key) are PEM files for https."""
    verify: ssl.SSLContext | bool = tls_context(authority, client) if authority else False

    def ready() -> bool:
        return httpx.get(url, verify=verify, timeout=PROBE_S, trust_env=False).is_success

    return ready


def tcp_listens(host: str, port: int) -> Callable[[], bool]:
    """True once a connection to the port is accepted."""

    def ready() -> bool:
        with socket.create_connection((host, port), PROBE_S):
            return True

    return ready


def tls_context(authority: Path, client: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    """A client's TLS context that trusts `authority` alone."""
    context = ssl.create_default_context(cafile=str(authority))
    if client:
        context.load_cert_chain(*client)
    return context
