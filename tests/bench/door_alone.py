"""An agent's door alone."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from yarl import URL

from runtime.agent.door import Door, door_application
from runtime.agent.metrics import Metrics
from runtime.agent.supervisor.readiness import Usage
from runtime.contract import image
from runtime.http import proxy
from runtime.http.edge_keys import EdgeKeys
from runtime.http.lifecycle import Lifecycle
from runtime.receipts import Identity, ReceiptBook
from tests.bench.alone import run
from tests.runtime.agent.door.serving import Watch
from tests.runtime.serving import LOOPBACK


@asynccontextmanager
async def door(next_port: int, jwks: str) -> AsyncIterator[web.Application]:
    """The door of acme's agent `helper`; it looks after keys, measures, and signs and keeps receipts, as in a pod."""
    own = Ed25519PrivateKey.generate()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        keys = folder / image.EDGE_KEYS_FILE
        keys.write_text(jwks)
        made = Door(
            tenant="acme",
            agent="helper",
            model="tiny",
            model_digest="sha256:" + "0" * 64,
            max_tokens=512,
            keys=EdgeKeys(keys).verifier,
            ready=lambda: True,
            session=await stack.enter_async_context(proxy.client(keeps=False)),
            openclaw=URL(f"http://{LOOPBACK}:{next_port}"),
            token=lambda: "none",
            book=stack.enter_context(ReceiptBook(folder / "receipts", Identity("acme", "helper"), lambda: own)),
            metrics=Metrics((), lambda: Usage(0, 0)),
            activity=Watch(),
            lifecycle=Lifecycle(),
        )
        yield door_application(made)


if __name__ == "__main__":
    run(door)
