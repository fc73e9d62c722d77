"""Asking OpenClaw whether it is ready."""

import asyncio
import json
from http import HTTPStatus

import aiohttp
from yarl import URL

from runtime.agent.failures import ServerError
from runtime.agent.openclaw.config import LOOPBACK
from runtime.contract import paths

LIMIT_S = 3
"""Seconds OpenClaw gets to answer."""
WATCH_S = 10
"""Seconds between two looks at whether it still answers at all."""
SILENCES = 3
"""So many looks in a row without an answer say that it hangs."""
_POLL_S = 0.2
_LARGEST = 1 << 16
_UNKNOWN = "it does not say why"


class Probe:
    """OpenClaw's readiness, as it tells it on loopback."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session = session
        self._url = URL.build(scheme="http", host=LOOPBACK, port=port)

    async def failing(self) -> list[str]:
        """Why it is not ready, in its own words; nothing when it is.

        Only its JSON counts: a page of a browser interface answers any path with 200.
        """
        try:
            return judge(*await self._get(paths.READY))
        except (aiohttp.ClientError, TimeoutError) as error:
            return [f"no answer: {type(error).__name__}"]

    async def is_ready(self) -> bool:
        """Whether nothing fails."""
        return not await self.failing()

    async def until_ready(self) -> None:
        """Returns once it is."""
        while not await self.is_ready():  # noqa: ASYNC110  # another process's port: there is no event to await
            await asyncio.sleep(_POLL_S)

    async def watch(self, every_s: float = WATCH_S) -> None:
        """Go on as long as it answers anything. Raises ServerError when it hangs: it would not end by itself."""
        silences = 0
        while silences < SILENCES:
            await asyncio.sleep(every_s)
            try:
                await self._get(paths.LIVE)
                silences = 0
            except (aiohttp.ClientError, TimeoutError):
                silences += 1
        raise ServerError(f"it did not answer {SILENCES} times in a row")

    async def _get(self, path: str) -> tuple[int, bytes]:
        url = self._url.with_path(path)
        async with asyncio.timeout(LIMIT_S), self._session.get(url, allow_redirects=False) as answer:
            return answer.status, await answer.content.read(_LARGEST)


def judge(status: int, body: bytes) -> list[str]:
    """What an answer says fails; nothing only for 200 with the JSON that says so."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return [f"answers {status} without JSON"]
    if not isinstance(told, dict):
        return [f"answers {status} without a JSON object"]
    if status == HTTPStatus.OK and told.get("ready") is True:
        return []
    failing = told.get("failing")
    reasons = [reason for reason in failing if isinstance(reason, str)] if isinstance(failing, list) else []
    return reasons or [_UNKNOWN]
