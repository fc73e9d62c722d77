"""A client of the Cloudflare API at the configured address."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx

from infra.local.cloudflare.protocol import OWNER_FIELD, OWNER_HEADER
from infra.local.providers.base import ProviderError, owner

TIMEOUT = 60.0
"""Seconds for one request: an upload is answered once the runtime serves it."""
Record = dict[str, Any]


class GoneError(ProviderError):
    """What was asked for isn't there."""


class Api:
    """Requests with the token of the settings. They raise `ProviderError`, `GoneError` where the answer is 404."""

    def __init__(self, base_url: str, token: str) -> None:
        self.base_url = base_url.rstrip("/")
        # trust_env=False: a proxy of the environment must not see requests to loopback
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(headers=headers, timeout=TIMEOUT, trust_env=False)

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request and its answer, which is no error."""
        try:
            answer = self._http.request(method, f"{self.base_url}{path}", **options)
        except httpx.HTTPError as error:
            raise ProviderError(
                f"{self.base_url}: {error or type(error).__name__}; run `make up` to start it"
            ) from None
        if answer.is_success:
            return answer
        text = f"{method} {path}: {_messages(answer)}"
        raise GoneError(text) if answer.status_code == httpx.codes.NOT_FOUND else ProviderError(text)

    def call(self, method: str, path: str, **options: Any) -> Any:
        """The result in the answer's envelope."""
        return self.send(method, path, **options).json()["result"]

    def create(self, path: str, fields: Mapping[str, Any], urn: str) -> Record:
        """Add a record to a collection, marked as the resource's."""
        record: Record = self.call("POST", path, json=fields, headers={OWNER_HEADER: owner(urn)})
        return record

    def orphan(self, path: str, urn: str, known_ids: frozenset[str]) -> Record | None:
        """A record made for the resource that the engine does not know of."""
        records: Sequence[Record] = self.call("GET", path)
        for record in records:
            if record.get(OWNER_FIELD) == owner(urn) and record["id"] not in known_ids:
                return record
        return None

    def find(self, method: str, path: str, **options: Any) -> Any:
        """Like `call`, but None where the answer is 404."""
        try:
            return self.call(method, path, **options)
        except GoneError:
            return None


def segment(text: str) -> str:
    """A value as one segment of a path."""
    return quote(text, safe="")


def _messages(answer: httpx.Response) -> str:
    try:
        errors = answer.json()["errors"]
        return "; ".join(f"{error['message']} ({error['code']})" for error in errors)
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code}"
