"""The program itself: it comes back with what was deployed, and leaves no process behind."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp
import psutil

from infra.local.cloudflare.store import Store
from tests.infra.local.cloudflare.conftest import Cloudflare
from tests.infra.local.cloudflare.test_scripts import greeting
from tests.loopback import free_port


async def start(folder: Path, api: int, worker: int) -> asyncio.subprocess.Process:
    """The program, once it answers."""
    ports = ["--api-port", str(api), "--worker-port", str(worker)]
    command = [sys.executable, "-m", "infra.local.cloudflare", "--state", str(folder), *ports]
    process = await asyncio.create_subprocess_exec(*command)
    async with aiohttp.ClientSession() as session:
        while process.returncode is None:
            try:
                async with session.get(f"http://127.0.0.1:{api}/healthz") as answer:
                    assert answer.status == 200
                    break
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)
    return process


def descendants(process: asyncio.subprocess.Process) -> list[psutil.Process]:
    """Node and workerd."""
    return psutil.Process(process.pid).children(recursive=True)


def require_gone(processes: list[psutil.Process]) -> None:
    names = {process.pid: process.name() for process in processes if process.is_running()}
    assert len(processes) >= 2
    _, alive = psutil.wait_procs(processes, timeout=10)
    alive = [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
    assert not alive, names


async def test_what_was_deployed_runs_again_after_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "cloudflare"
    first = Cloudflare(folder)
    await first.start()
    namespace = await first.namespace("keys")
    values = f"/accounts/a/storage/kv/namespaces/{namespace}/values"
    await first.call("PUT", f"{values}/k", data=b"kept")
    await first.upload("edge", greeting("one"))
    await first.route("api.example.test/*", "edge")
    await first.close()
    second = Cloudflare(folder)
    await second.start()
    assert await second.visit() == (200, "one")
    assert await second.raw("GET", f"{values}/k") == (200, b"kept")
    await second.close()


async def test_a_stopped_program_leaves_no_process(tmp_path: Path) -> None:
    program = await start(tmp_path / "cloudflare", free_port(), free_port())
    children = descendants(program)
    program.terminate()
    assert await program.wait() == 0
    require_gone(children)


async def test_a_killed_program_leaves_no_process(tmp_path: Path) -> None:
    program = await start(tmp_path / "cloudflare", free_port(), free_port())
    children = descendants(program)
    program.kill()
    await program.wait()
    require_gone(children)


async def test_the_program_ends_when_its_runtime_is_killed(tmp_path: Path) -> None:
    program = await start(tmp_path / "cloudflare", free_port(), free_port())
    children = descendants(program)
    node = next(child for child in children if child.ppid() == program.pid)
    os.kill(node.pid, signal.SIGKILL)
    assert await asyncio.wait_for(program.wait(), 20) == 1
    require_gone(children)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    store = Store(tmp_path / "cloudflare")
    store.save({"scripts/a": {"edge": {"etag": "1"}}})
    store.save({})
    assert store.load() == {}
    assert [file.name for file in store.file.parent.iterdir()] == ["declared.json"]
