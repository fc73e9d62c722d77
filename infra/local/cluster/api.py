"""The few calls the machine itself makes to its API server."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from infra.local.cluster.certificates import Pair
from infra.local.cluster.shell import MachineError
from infra.local.probes import tls_context

FIELD_MANAGER = "moltghost-machine"


class Api:
    """A client of one API server, by certificate."""

    def __init__(self, server: str, authority: Path, client: Pair) -> None:
        verify = tls_context(authority, (client.certificate, client.key))
        self.http = httpx.Client(base_url=server, verify=verify, timeout=15, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.http.close()

    def get(self, path: str) -> dict[str, Any] | None:
        """The object, or None when there is none."""
        answer = self.http.get(path)
        return None if answer.status_code == httpx.codes.NOT_FOUND else self._body(answer)

    def apply(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Server-side apply: make the object, or make its fields what `body` says."""
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return self._patch(path, "application/apply-patch+yaml", body, query)

    def merge(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """JSON merge patch."""
        return self._patch(path, "application/merge-patch+json", body, {})

    def delete(self, path: str) -> None:
        """Delete the object; not an error when it is gone already."""
        answer = self.http.delete(path)
        if answer.status_code != httpx.codes.NOT_FOUND:
            self._body(answer)

    def _patch(self, path: str, kind: str, body: Mapping[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
        headers = {"content-type": kind}
        return self._body(self.http.patch(path, params=dict(query), headers=headers, content=json.dumps(body)))

    def _body(self, answer: httpx.Response) -> dict[str, Any]:
        if not answer.is_success:
            raise MachineError(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")
        body: dict[str, Any] = answer.json()
        return body
