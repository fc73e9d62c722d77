"""Reading Sandboxes from the Kubernetes API."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
from kubernetes_asyncio import client, watch

from runtime.contract import labels
from runtime.gateway.sandboxes import Sandbox

WATCH_S = 60
"""Seconds after which the server ends a watch, so that one whose connection died unseen is soon replaced."""
_ANSWER_S = 15
"""Seconds the server may take to answer, or to end a watch, beyond what it was asked for."""
_PAGE = 500


class SourceError(Exception):
    """The API could not be read now; later it may."""


class GoneError(SourceError):
    """The version asked for is too old to go on from: list anew."""


@dataclass(frozen=True)
class Change:
    """One event of a watch: `kind` is ADDED, MODIFIED, DELETED or BOOKMARK."""

    kind: str
    sandbox: Sandbox

    @property
    def version(self) -> str:
        """Where a later watch goes on."""
        return str(self.sandbox["metadata"]["resourceVersion"])


class SandboxSource(Protocol):
    """Lists and watches Sandboxes. Both raise SourceError."""

    async def list(self) -> tuple[list[Sandbox], str]:
        """All Sandboxes, and the version they were read at."""

    def watch(self, version: str) -> AsyncIterator[Change]:
        """What changed since, until the server ends the watch. Raises GoneError too."""


class KubernetesSandboxes:
    """The Sandboxes of all namespaces, as the API server gives them."""

    def __init__(self, api: client.ApiClient) -> None:
        self._list = client.CustomObjectsApi(api).list_cluster_custom_object

    async def list(self) -> tuple[list[Sandbox], str]:
        """All Sandboxes, page by page, and the version they were read at. Raises SourceError."""
        found: list[Sandbox] = []
        token: str | None = None
        while True:
            page = await self._page(token)
            found += page["items"]
            token = page["metadata"].get("continue")
            if not token:
                return found, str(page["metadata"]["resourceVersion"])

    async def _page(self, token: str | None) -> dict[str, Any]:
        # The client takes no None for a token it does not have.
        more: dict[str, Any] = {"_continue": token} if token else {}
        try:
            page: dict[str, Any] = await self._list(*_KIND, limit=_PAGE, _request_timeout=_ANSWER_S, **more)
        except client.ApiException as error:
            raise _source_error(error) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SourceError(type(error).__name__) from error
        return page

    async def watch(self, version: str) -> AsyncIterator[Change]:
        """What changed since `version`, until the server ends the watch. Raises SourceError, GoneError."""
        async with watch.Watch() as events:
            try:
                async for event in events.stream(
                    self._list,
                    *_KIND,
                    resource_version=version,
                    allow_watch_bookmarks=True,
                    timeout_seconds=WATCH_S,
                    _request_timeout=WATCH_S + _ANSWER_S,
                ):
                    if not isinstance(event, dict):
                        # The client gives up on a line that is no JSON by returning it.
                        raise GoneError("unreadable event")
                    yield Change(event["type"], event["raw_object"])
            except client.ApiException as error:
                raise _source_error(error) from error
            except (aiohttp.ClientError, TimeoutError) as error:
                raise SourceError(type(error).__name__) from error


_KIND = (labels.SANDBOX_GROUP, labels.SANDBOX_VERSION, labels.SANDBOX_PLURAL)


def _source_error(error: client.ApiException) -> SourceError:
    return GoneError("410") if error.status == 410 else SourceError(str(error.status))
