"""Follow a kind of Kubernetes object: the whole current set, again after each change, for as long as one listens."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
from kubernetes_asyncio import client, config

Objects = dict[str, dict[str, Any]]
"""By "namespace/name"."""

RETRY_S = 1.0
WATCH_S = 300
"""Seconds after which a watch is renewed, so that one whose connection died in silence is noticed."""
FAILURES = (aiohttp.ClientError, client.ApiException, OSError, asyncio.TimeoutError)


async def connect(kubeconfig: Path) -> client.ApiClient:
    """A client for the kubeconfig's current context."""
    settings = client.Configuration()
    await config.load_kube_config(str(kubeconfig), client_configuration=settings)
    return client.ApiClient(settings)


async def follow(api: client.ApiClient, path: str, **query: str) -> AsyncIterator[Objects]:
    """Yield all objects under an API path now and after each change; failures are waited out."""
    while True:
        try:
            listed = await request(api, "GET", path, query)
            objects = {_key(item): item for item in listed.get("items") or []}
            yield objects
            version = listed["metadata"]["resourceVersion"]
            async for event in _events(api, path, {**query, "resourceVersion": version}):
                if event["type"] == "ERROR":
                    break  # the version is too old: list again
                if event["type"] == "BOOKMARK":
                    continue
                if event["type"] == "DELETED":
                    objects.pop(_key(event["object"]), None)
                else:
                    objects[_key(event["object"])] = event["object"]
                yield objects
        except FAILURES as failure:
            print(f"following {path}: {failure!r}; trying again", flush=True)
            await asyncio.sleep(RETRY_S)


async def request(
    api: client.ApiClient,
    method: str,
    path: str,
    query: dict[str, str] | None = None,
    body: Any = None,
    kind: str = "application/json",
) -> dict[str, Any]:
    """One call. Raises ApiException for an answer that is not 2xx."""
    answer = await _send(api, method, path, query or {}, body, kind)
    parsed: dict[str, Any] = json.loads(await answer.read())
    return parsed


async def _events(api: client.ApiClient, path: str, query: dict[str, str]) -> AsyncIterator[dict[str, Any]]:
    seconds = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(WATCH_S)}
    answer = await _send(api, "GET", path, {**query, **seconds}, None, "application/json", WATCH_S + 30)
    try:
        pending = b""
        async for chunk in answer.content.iter_any():
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                yield json.loads(line)
    finally:
        answer.close()


async def _send(
    api: client.ApiClient, method: str, path: str, query: dict[str, str], body: Any, kind: str, seconds: float = 30
) -> aiohttp.ClientResponse:
    answer: aiohttp.ClientResponse = await api.call_api(
        path,
        method,
        query_params=list(query.items()),
        header_params={"Accept": "application/json", "Content-Type": kind},
        body=body,
        auth_settings=["BearerToken"],
        _preload_content=False,
        _request_timeout=seconds,
    )
    if not answer.ok:
        failure = client.ApiException(status=answer.status, reason=await answer.text())
        raise failure
    return answer


def _key(item: dict[str, Any]) -> str:
    return f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"
