"""Whether the model answers, without being in the way of those it answers."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from runtime.agent.failures import ServerError
from runtime.agent.model.loading import require_as_asked
from runtime.agent.ollama import OllamaApi
from runtime.agent.settings import AgentSettings

LIMIT_S = 10.0
"""Seconds the model may take to say one token."""
EVERY_S = 30.0
"""Seconds an answer counts as proof."""
STALLED_S = 120.0
"""Seconds without a sign of life after which a running request no longer counts as one."""
_FOR_GOOD = -1


@dataclass(frozen=True)
class Seen:
    """What is known of the model, in seconds of one clock: requests running, the last sign of life, the last answer."""

    running: int = 0
    heard_at: float = float("-inf")
    proven_at: float = float("-inf")


def is_due(seen: Seen, now: float, every_s: float = EVERY_S, stalled_s: float = STALLED_S) -> bool:
    """Must the model be asked for a proof?

    Not while a request runs: the model takes one after another, so ours would wait behind it. Not soon after an answer
    either: ours would push the prompt of the last conversation out of the model's cache, for its next turn to pay.
    """
    if seen.running and now - seen.heard_at < stalled_s:
        return False
    return now - seen.proven_at >= every_s


class Answering:
    """Proves that the model answers; whoever passes requests on to it tells this of them."""

    def __init__(
        self,
        api: OllamaApi,
        settings: AgentSettings,
        limit_s: float = LIMIT_S,
        every_s: float = EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._settings = settings
        self._limit_s = limit_s
        self._every_s = every_s
        self._clock = clock
        self._seen = Seen()
        self._asking = asyncio.Lock()

    def began(self) -> None:
        """A request goes to the model."""
        self._seen = replace(self._seen, running=self._seen.running + 1, heard_at=self._clock())

    def heard(self) -> None:
        """Some of an answer came."""
        self._seen = replace(self._seen, heard_at=self._clock())

    def ended(self, answered: bool) -> None:
        """A request that began is over; `answered` if by an answer that the model gave."""
        now = self._clock()
        proven = now if answered else self._seen.proven_at
        self._seen = replace(self._seen, running=self._seen.running - 1, proven_at=proven)

    async def check(self) -> None:
        """Raises ServerError if the model does not say a token in time, ModelError if it is not loaded as asked."""
        async with self._asking:
            if not is_due(self._seen, self._clock(), self._every_s):
                return
            await self._prove()
            self._seen = replace(self._seen, proven_at=self._clock())

    async def _prove(self) -> None:
        model, context = self._settings.model, self._settings.context_tokens
        if self._settings.keep_alive_s == _FOR_GOOD:
            try:
                async with asyncio.timeout(self._limit_s):
                    await self._api.speak(model, context)
            except TimeoutError:
                raise ServerError(f"model {model}: said nothing within {self._limit_s:g} s") from None
        # A model that may be unloaded when nobody asks it is not asked: each question keeps it loaded.
        if (loaded := await self._api.loaded(model)) is not None:
            require_as_asked(loaded, self._settings)
