"""The engine's wrapper: its environment, its secrets, what it mends after a kill."""

import json
import os
import socket
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from infra.local.engine import Engine, EngineError
from infra.local.engine_state import (
    checkpoint,
    clear_dead_locks,
    has_pending_operations,
    without_pending_operations,
)
from infra.passphrase import EmptyPassphraseError
from tests.infra.local.providers.control_plane import tool

PROGRAM = """
import pulumi
config = pulumi.Config()
pulumi.export("public", config.require("public"))
pulumi.export("hidden", config.require_secret("hidden"))
print("the program speaks")
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    pulumi = tool("pulumi")
    project = tmp_path / "project"
    project.mkdir()
    (project / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "tiny", "runtime": "python"}))
    (project / "__main__.py").write_text(PROGRAM)
    settings = tmp_path / "settings.yaml"
    settings.write_text(yaml.safe_dump({"config": {"tiny:public": "open"}}))
    made = Engine(tmp_path / "state", settings, project, pulumi)
    made.prepare()
    return made


def test_a_stack_from_nothing_to_outputs(engine: Engine, tmp_path: Path) -> None:
    assert stat.S_IMODE(engine.passphrase.stat().st_mode) == 0o600
    passphrase = engine.passphrase.read_text()
    engine.prepare()
    assert engine.passphrase.read_text() == passphrase
    assert sorted(path.name for path in (tmp_path / "project").iterdir()) == ["Pulumi.yaml", "__main__.py"]

    engine.set_secret("tiny:hidden", "correct-horse")
    assert "correct-horse" not in engine.config_file.read_text()
    lines: list[str] = []
    engine.up(on_line=lines.append)

    assert any("the program speaks" in line for line in lines)
    assert not any("$PATH" in line for line in lines)
    assert engine.stack_output() == {"public": "open", "hidden": "[secret]"}
    assert engine.stack_output(show_secrets=True)["hidden"] == "correct-horse"
    assert "correct-horse" not in checkpoint(engine.backend, "tiny", "dev").read_text()


def test_nothing_is_run_with_an_empty_passphrase(engine: Engine) -> None:
    engine.passphrase.write_text("")
    before = checkpoint(engine.backend, "tiny", "dev").read_bytes()
    with pytest.raises(EmptyPassphraseError, match="is empty"):
        engine.up()
    assert checkpoint(engine.backend, "tiny", "dev").read_bytes() == before


def test_an_error_carries_what_the_program_said(engine: Engine) -> None:
    with pytest.raises(EngineError, match="tiny:hidden"):
        engine.preview_json()


def test_nothing_of_the_users_accounts_reaches_the_engine(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "KUBECONFIG", "CLOUDFLARE_API_TOKEN", "PULUMI_ACCESS_TOKEN"):
        monkeypatch.setenv(name, "mine")
    environment = engine.environment()
    assert "mine" not in environment.values()
    assert environment["PULUMI_BACKEND_URL"].startswith(f"file://{engine.backend}?")


def write_lock(backend: Path, pid: int, host: str = "") -> Path:
    folder = backend / ".pulumi" / "locks" / "organization" / "tiny" / "dev"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{pid}.json"
    lock = {"pid": pid, "hostname": host or socket.gethostname(), "timestamp": datetime.now(UTC).isoformat()}
    file.write_text(json.dumps(lock))
    return file


def test_only_a_dead_engines_lock_is_cleared(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead, alive = write_lock(tmp_path, ended.pid), write_lock(tmp_path, os.getpid())
    elsewhere = write_lock(tmp_path, ended.pid + 100000, "another-host")
    assert clear_dead_locks(tmp_path, "tiny", "dev") == [ended.pid]
    assert (dead.exists(), alive.exists(), elsewhere.exists()) == (False, True, True)


def test_a_process_younger_than_the_lock_is_not_its_holder(tmp_path: Path) -> None:
    file = write_lock(tmp_path, os.getpid())
    lock = json.loads(file.read_text()) | {"timestamp": "2020-01-01T00:00:00.123456789Z"}
    file.write_text(json.dumps(lock))
    assert clear_dead_locks(tmp_path, "tiny", "dev") == [os.getpid()]


def test_pending_operations_are_seen_and_dropped(tmp_path: Path) -> None:
    file = tmp_path / "dev.json"
    assert not has_pending_operations(file)
    file.write_text(json.dumps({"checkpoint": {"latest": {"pending_operations": [{}], "resources": [1]}}}))
    assert has_pending_operations(file)
    exported = json.dumps({"deployment": {"pending_operations": [{}], "resources": [1]}})
    assert json.loads(without_pending_operations(exported)) == {"deployment": {"resources": [1]}}


def test_nothing_beside_the_state_is_written_in_place(engine: Engine) -> None:
    """Metadata would be, and state whose metadata was cut short cannot be read: the last line shows it."""
    (state,) = engine.backend.rglob("dev.json")
    assert not list(engine.backend.rglob("*.attrs"))
    assert engine.stack_output() == {}
    state.with_name(f"{state.name}.attrs").write_text("")
    with pytest.raises(EngineError, match="EOF"):
        engine.stack_output()


def test_the_engine_keeps_no_log_of_its_own(engine: Engine) -> None:
    """It would where it can: the second part shows it."""
    logs = engine.home / "logs"
    engine.stack_output()
    assert logs.is_file()
    assert logs.read_bytes() == b""

    logs.unlink()
    engine.stack_output()
    assert list(logs.iterdir())
    engine.prepare()
    assert logs.is_file()
