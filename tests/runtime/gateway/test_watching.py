"""The cache follows the cluster: list, watch, and every way a watch can end."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from kubernetes_asyncio import client

from runtime.gateway import watching
from runtime.gateway.kubernetes import GoneError, KubernetesSandboxes, SourceError
from runtime.gateway.sandboxes import Sandbox, SandboxCache
from runtime.gateway.watching import STALE_S, SandboxWatch
from tests.runtime.gateway.fake_api import FakeApi, serve
from tests.runtime.serving import sandbox


class WatchedCache(SandboxCache):
    """A cache whose changes can be awaited."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = asyncio.Event()

    def put(self, sandbox: Sandbox) -> None:
        super().put(sandbox)
        self._changed.set()

    def remove(self, sandbox: Sandbox) -> None:
        super().remove(sandbox)
        self._changed.set()

    async def until(self, condition: Callable[[SandboxCache], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()


class Region:
    """A running watch of a fake API server, and the clock it believes."""

    def __init__(self, connection: client.ApiClient) -> None:
        self.cache = WatchedCache()
        self.now = 1000.0
        self.failures: list[int] = []
        self.watch = SandboxWatch(
            KubernetesSandboxes(connection), self.cache, clock=lambda: self.now, delay=self._no_delay
        )

    def _no_delay(self, failures: int) -> float:
        self.failures.append(failures)
        return 0.0


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
async def region(api: FakeApi) -> AsyncIterator[Region]:
    async with serve(api) as connection:
        region = Region(connection)
        running = asyncio.create_task(region.watch.run())
        try:
            yield region
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def opened(api: FakeApi) -> str:
    """The version the next watch starts from, once it is open."""
    async with asyncio.timeout(5):
        return await api.watched_from.get()


async def test_the_first_list_fills_the_cache_page_by_page(api: FakeApi, region: Region) -> None:
    assert not region.watch.fresh()
    api.sandboxes = [sandbox("acme", "helper", "198.18.0.2"), sandbox("globex", "analyst", "198.18.0.3")]
    assert await opened(api) == "100"
    assert _address(region.cache, "acme", "helper") == "198.18.0.2"
    assert _address(region.cache, "globex", "analyst") == "198.18.0.3"
    assert region.watch.fresh()


async def test_changes_arrive_one_by_one(api: FakeApi, region: Region) -> None:
    await opened(api)
    api.send("ADDED", sandbox(ready=False, version=101))
    await region.cache.until(lambda cache: cache.find("acme", "helper") is not None)
    assert _address(region.cache, "acme", "helper") is None
    api.send("MODIFIED", sandbox(address="198.18.0.9", version=102))
    await region.cache.until(lambda cache: _address(cache, "acme", "helper") == "198.18.0.9")
    api.send("DELETED", sandbox(version=103))
    await region.cache.until(lambda cache: cache.find("acme", "helper") is None)


async def test_a_watch_that_is_over_goes_on_where_it_was_without_a_list(api: FakeApi, region: Region) -> None:
    await opened(api)
    api.send("ADDED", sandbox(version=105))
    api.send("BOOKMARK", {"metadata": {"resourceVersion": "150"}})
    api.end_watch()
    assert await opened(api) == "150"
    assert api.lists == 1
    assert region.cache.find("acme", "helper") is not None


async def test_a_version_too_old_means_a_new_list(api: FakeApi, region: Region) -> None:
    api.sandboxes = [sandbox()]
    await opened(api)
    api.sandboxes, api.version = [sandbox("globex", "analyst")], 300
    api.expire()
    assert await opened(api) == "300"
    assert region.cache.find("acme", "helper") is None
    assert region.cache.find("globex", "analyst") is not None


async def test_an_event_that_cannot_be_read_means_a_new_list(api: FakeApi, region: Region) -> None:
    await opened(api)
    api.version = 300
    api.send_raw(b'{"type": "ADDED", "obj' + b"\n")
    assert await opened(api) == "300"


@pytest.mark.parametrize("status", [401, 403, 500, 503])
async def test_an_api_that_refuses_is_asked_again(api: FakeApi, region: Region, status: int) -> None:
    api.failures = [status, status]
    await opened(api)
    assert region.failures == [1, 2]
    assert region.watch.fresh()


async def test_a_watch_that_is_refused_keeps_what_is_known(api: FakeApi, region: Region) -> None:
    api.sandboxes = [sandbox()]
    await opened(api)
    api.failures = [500]
    api.end_watch()
    assert await opened(api) == "100"
    assert api.lists == 1
    assert region.cache.find("acme", "helper") is not None


async def test_a_silent_api_is_believed_only_so_long(api: FakeApi, region: Region) -> None:
    await opened(api)
    region.now += STALE_S - 1
    assert region.watch.fresh()
    region.now += 1
    assert not region.watch.fresh()
    api.send("ADDED", sandbox(version=101))
    await region.cache.until(lambda cache: cache.find("acme", "helper") is not None)
    assert region.watch.fresh()


async def test_an_api_that_is_gone_is_a_source_error() -> None:
    async with serve(FakeApi()) as connection:
        pass
    async with client.ApiClient(connection.configuration) as late:
        with pytest.raises(SourceError) as failed:
            await KubernetesSandboxes(late).list()
    assert not isinstance(failed.value, GoneError)


def test_failures_are_spaced_out_but_not_without_bound() -> None:
    assert watching.backoff(1) < 0.1
    assert 0.5 <= watching.backoff(2) <= 1
    assert all(15 <= watching.backoff(failures) <= 30 for failures in (8, 20, 5000))


def _address(cache: SandboxCache, tenant: str, agent: str) -> str | None:
    pod = cache.find(tenant, agent)
    assert pod is not None
    return pod.address
