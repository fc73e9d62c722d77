"""One API server: discovery, server-side apply, reads and deletes, with errors as the server words them."""

import re
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from infra.local.providers.base import ProviderError
from infra.local.providers.kubernetes.exec_token import ExecError, ExecUser
from infra.local.providers.kubernetes.kubeconfig import Access

Object = dict[str, Any]
APPLY = {"Content-Type": "application/apply-patch+yaml"}
TIMEOUT = 60.0
"""Seconds one request may take."""
TRIES = 6
BUSY = frozenset({429, 500, 502, 503, 504})


class ApiError(ProviderError):
    """An answer of the API server that isn't success."""

    def __init__(self, code: int, message: str, reason: str = "", causes: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message)
        self.code, self.reason, self.causes = code, reason, tuple(causes)


@dataclass(frozen=True)
class Resource:
    """What discovery says of a kind."""

    root: str
    plural: str
    namespaced: bool

    def path(self, name: str, namespace: str) -> str:
        """The object's address."""
        return f"{self.collection(namespace)}/{name}"

    def collection(self, namespace: str) -> str:
        """The address of all objects of the kind, in the namespace if it has any."""
        return f"{self.root}/namespaces/{namespace}/{self.plural}" if self.namespaced else f"{self.root}/{self.plural}"


@dataclass
class Answer:
    """An object as the server has it now, and the warnings it gave."""

    object: Object
    warnings: list[str] = field(default_factory=list)


class _ExecAuth(httpx.Auth):
    """Puts the token of a kubeconfig's `exec` user on every request."""

    def __init__(self, user: ExecUser) -> None:
        self._user = user

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        try:
            request.headers["Authorization"] = f"Bearer {self._user.token()}"
        except ExecError as error:
            raise ProviderError(f"kubeconfig: {error}") from None
        yield request


class Cluster:
    """Talks to one API server; safe for use by several threads."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._http = httpx.Client(
            base_url=access.server,
            verify=access.tls,
            headers=dict(access.headers),
            auth=_ExecAuth(access.exec_user) if access.exec_user else None,
            timeout=TIMEOUT,
            trust_env=False,  # a proxy of the user's shell has no way into the local region
            limits=httpx.Limits(max_connections=64),
        )
        self._kinds: dict[str, dict[str, Resource]] = {}
        self._lock = threading.Lock()

    def resource(self, api_version: str, kind: str) -> Resource | None:
        """The kind, None where the server doesn't serve it (now)."""
        with self._lock:
            if kind not in self._kinds.get(api_version, {}):
                self._kinds[api_version] = self._discover(api_version)
            return self._kinds[api_version].get(kind)

    def _discover(self, api_version: str) -> dict[str, Resource]:
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        answer = self._send("GET", root)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return {}
        entries = _checked(answer).json()["resources"]
        return {e["kind"]: Resource(root, e["name"], e["namespaced"]) for e in entries if "/" not in e["name"]}

    def apply(self, path: str, manifest: Object, manager: str, force: bool = False, dry_run: bool = False) -> Answer:
        """Server-side apply. Raises `ApiError`; its code 409 means that another manager owns a field."""
        parameters = {"fieldManager": manager, "fieldValidation": "Strict", "force": str(force).lower()}
        if dry_run:
            parameters["dryRun"] = "All"
        answer = _checked(self._send("PATCH", path, json=manifest, headers=APPLY, params=parameters))
        return Answer(answer.json(), _warnings(answer))

    def try_create(self, collection: str, manifest: Object) -> None:
        """Ask the server to judge a create without doing it. Raises `ApiError`."""
        _checked(self._send("POST", collection, json=manifest, params={"dryRun": "All", "fieldValidation": "Strict"}))

    def get(self, path: str) -> Object | None:
        """The object, None where there is none."""
        answer = self._send("GET", path)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        found: Object = _checked(answer).json()
        return found

    def list(self, path: str, **parameters: str) -> list[Object]:
        """The objects of a collection."""
        items: list[Object] = _checked(self._send("GET", path, params=parameters)).json().get("items") or []
        return items

    def delete(self, path: str, propagation: str) -> None:
        """Ask for the object's deletion; not an error when it is gone already."""
        answer = self._send("DELETE", path, params={"propagationPolicy": propagation})
        if answer.status_code != httpx.codes.NOT_FOUND:
            _checked(answer)

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Every request of ours can be repeated, so a server that restarts or is busy is asked again."""
        for attempt in range(TRIES):
            last = attempt == TRIES - 1
            try:
                answer = self._http.request(method, path, **options)
            except httpx.TransportError as error:
                if last:
                    raise ProviderError(f"{self.access.server} can't be reached: {error}") from None
            else:
                if last or answer.status_code not in BUSY or not _is_passing(answer):
                    return answer
            time.sleep(min(0.2 * 2**attempt, 2.0))
        raise AssertionError("unreachable")


def _is_passing(answer: httpx.Response) -> bool:
    """Whether the failure may go by itself: a 500 is only worth another try when the store timed out."""
    return answer.status_code != httpx.codes.INTERNAL_SERVER_ERROR or "etcdserver" in answer.text


def _checked(answer: httpx.Response) -> httpx.Response:
    if not answer.is_error:
        return answer
    try:
        status = answer.json()
    except ValueError:
        raise ApiError(answer.status_code, answer.text.strip() or answer.reason_phrase) from None
    causes = (status.get("details") or {}).get("causes") or ()
    raise ApiError(answer.status_code, status.get("message") or answer.reason_phrase, status.get("reason", ""), causes)


def _warnings(answer: httpx.Response) -> list[str]:
    """The texts of `Warning` headers: `299 - "unknown field …"`."""
    return [
        text.replace('\\"', '"')
        for text in re.findall(r'299 \S+ "((?:[^"\\]|\\.)*)"', answer.headers.get("warning", ""))
    ]
