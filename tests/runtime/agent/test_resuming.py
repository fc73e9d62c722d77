"""An agent's latest state is brought by a real program before anything else, or the agent does not start."""

import logging
import stat
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from runtime.agent.failures import AgentError
from runtime.agent.resuming import resume
from runtime.agent.settings import AgentSettings, Places, Ports, read_settings
from runtime.contract import env
from runtime.http.environment import SettingsError

SOURCE = "s3://acme-usw2-snapshots/helper/"
ENVIRON = {
    env.TENANT: "acme",
    env.AGENT: "helper",
    env.MODEL: "tiny",
    env.MODEL_DIGEST: f"sha256:{'0' * 64}",
    env.CONTEXT_TOKENS: "1024",
    env.MAX_TOKENS: "64",
    env.KEEP_ALIVE_S: "-1",
}
Program = Callable[[str], Path]


@pytest.fixture
def settings(tmp_path: Path) -> AgentSettings:
    places = Places(data=tmp_path / "data")
    places.data.mkdir()
    return read_settings({**ENVIRON, env.RESUME_FROM: SOURCE}, places, Ports())


@pytest.fixture
def program(tmp_path: Path) -> Program:
    def write(body: str) -> Path:
        file = tmp_path / "resume"
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return file

    return write


async def test_the_state_is_on_the_volume_when_it_returns(settings: AgentSettings, program: Program) -> None:
    told = program(f'echo "${env.RESUME_FROM} ${env.TENANT} ${env.AGENT}" > "${env.RESUME_INTO}/state"')
    await resume(settings, told)
    assert (settings.places.data / "state").read_text() == f"{SOURCE} acme helper\n"


async def test_every_start_asks_again_so_that_a_restart_brings_what_is_newer(
    settings: AgentSettings, program: Program
) -> None:
    again = program(f'echo once >> "${env.RESUME_INTO}/state"')
    await resume(settings, again)
    await resume(settings, again)
    assert (settings.places.data / "state").read_text() == "once\nonce\n"


async def test_an_agent_of_one_region_resumes_nothing(settings: AgentSettings, program: Program) -> None:
    await resume(replace(settings, resume_from=None), program(f'touch "${env.RESUME_INTO}/state"'))
    assert not list(settings.places.data.iterdir())


async def test_the_program_gets_no_secret_of_the_environment(
    settings: AgentSettings, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_TOKEN", "nobody's business")
    await resume(settings, program(f'env > "${env.RESUME_INTO}/state"'))
    assert "A_TOKEN" not in (settings.places.data / "state").read_text()


async def test_a_state_that_cannot_be_had_ends_the_start(settings: AgentSettings, program: Program) -> None:
    with pytest.raises(AgentError, match="cannot be resumed; it ended with status 7"):
        await resume(settings, program("exit 7"))


async def test_a_program_that_cannot_run_ends_the_start(settings: AgentSettings, tmp_path: Path) -> None:
    (tmp_path / "no-program").write_text("")
    with pytest.raises(AgentError, match="cannot be run: Permission denied"):
        await resume(settings, tmp_path / "no-program")


async def test_one_that_takes_too_long_is_ended_with_all_it_started(settings: AgentSettings, program: Program) -> None:
    slow = program(f'sleep 300 & echo $! > "${env.RESUME_INTO}/pid"; wait')
    begun = time.monotonic()
    with pytest.raises(AgentError, match="not there within 1 s"):
        await resume(settings, slow, limit_s=1)
    assert time.monotonic() - begun < 60
    pid = int((settings.places.data / "pid").read_text())
    gone, alive = psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE], gone


async def test_what_it_started_does_not_write_on_once_it_has_ended(settings: AgentSettings, program: Program) -> None:
    await resume(settings, program(f'sleep 300 & echo $! > "${env.RESUME_INTO}/pid"'))
    pid = int((settings.places.data / "pid").read_text())
    _, alive = psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


async def test_an_image_without_the_program_says_so_and_goes_on(
    settings: AgentSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        await resume(settings, tmp_path / "nothing-here")
    assert [record.getMessage() for record in caplog.records] == ["nothing to resume with"]


@pytest.mark.parametrize("source", ["", "s3://bucket", "/data", "s3://bucket/../x/", "s3://bucket/a b/"])
def test_a_place_that_is_none_is_refused(source: str) -> None:
    with pytest.raises(SettingsError, match=env.RESUME_FROM):
        read_settings({**ENVIRON, env.RESUME_FROM: source}, Places(), Ports())
