"""What is declared and what runs, changed together."""

import asyncio
import copy
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from infra.local.cloudflare.runtime_options import runtime_options
from infra.local.cloudflare.store import Collections, Store
from infra.local.cloudflare.worker_host import WorkerHost

T = TypeVar("T")


class Cloud:
    """Accounts and zones; a change either runs and is saved, or leaves everything as it was."""

    def __init__(self, folder: Path, worker_port: int) -> None:
        self.store = Store(folder)
        self.host = WorkerHost(folder, worker_port)
        self.declared: Collections = {}
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Run what was deployed when it last ended."""
        self.declared = self.store.load()
        await self.host.start()
        await self.host.apply(runtime_options(self.declared))
        await self.host.listen()

    async def close(self) -> None:
        """Stop the runtime."""
        await self.host.close()

    async def change(self, edit: Callable[[Collections], T]) -> T:
        """Let `edit` change what is declared, bring the runtime to it and save it. Raises `ApiError`."""
        async with self._lock:
            draft = copy.deepcopy(self.declared)
            answer = edit(draft)
            if (options := runtime_options(draft)) != runtime_options(self.declared):
                await self.host.apply(options)
            self.store.save(draft)
            self.declared = draft
            return answer
