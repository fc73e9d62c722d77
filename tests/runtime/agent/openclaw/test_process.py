"""How OpenClaw is started."""

from pathlib import Path

from runtime.agent.openclaw.process import Installed, command, environment, validate_command
from runtime.agent.openclaw.token import mint_token
from runtime.agent.settings import Places


def test_neither_the_command_nor_the_environment_holds_the_token(tmp_path: Path) -> None:
    places = Places(data=tmp_path / "data", run=tmp_path / "run")
    token = mint_token(places)
    told = [*command(Installed()), *validate_command(Installed()), *environment(places, tmp_path, "/bin").values()]
    assert token not in "\n".join(told)


def test_all_it_writes_goes_to_the_volume_or_the_temporary_folder(tmp_path: Path) -> None:
    environ = environment(Places(), Path("/scratch"), "/bin")
    for name in ("HOME", "NODE_COMPILE_CACHE", "OPENCLAW_STATE_DIR", "OPENCLAW_CONFIG_PATH"):
        assert environ[name].startswith("/data/openclaw")
    assert environ["TMPDIR"] == "/scratch"


def test_it_inherits_nothing() -> None:
    assert all(
        name.startswith("OPENCLAW_")
        or name in {"PATH", "HOME", "TMPDIR", "LANG", "TZ", "NODE_COMPILE_CACHE", "NODE_ENV"}
        for name in environment(Places(), Path("/scratch"), "/bin")
    )
