"""The file OpenClaw starts with."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from components.agent.openclaw import render_openclaw
from components.agent.openclaw_spec import OpenClawSpec, SkillUse
from runtime.agent.failures import AgentError
from runtime.agent.openclaw.config import OpenClawFiles, placed, write_config
from runtime.agent.openclaw.token import mint_token
from runtime.agent.settings import AgentSettings, Places, Ports

RENDERED = render_openclaw(
    OpenClawSpec(model="tiny", context_tokens=16384, max_tokens=512, skills=(SkillUse(id="crm"),))
)


@pytest.fixture
def settings(tmp_path: Path) -> AgentSettings:
    places = Places(
        data=tmp_path / "data", run=tmp_path / "run", config=tmp_path / "config", skills=tmp_path / "skills"
    )
    places.config.mkdir()
    (places.config / "openclaw.json").write_text(RENDERED)
    return AgentSettings(
        "acme", "helper", "tiny", "sha256:0", 16384, 512, places=places, ports=Ports(openclaw=1, ollama=2)
    )


def files(settings: AgentSettings) -> OpenClawFiles:
    return OpenClawFiles.of(settings.places)


def live(settings: AgentSettings) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files(settings).live.read_text())
    return found


def test_in_a_pod_the_places_are_those_the_platform_rendered() -> None:
    assert placed(json.loads(RENDERED), Places(), Ports()) == json.loads(RENDERED)


def test_elsewhere_everything_that_names_a_place_is_changed(settings: AgentSettings, tmp_path: Path) -> None:
    write_config(settings)
    found = live(settings)
    assert found["gateway"]["port"] == 1
    assert found["models"]["providers"]["ollama"]["baseUrl"] == "http://127.0.0.1:2"
    assert found["plugins"]["load"]["paths"] == [str(tmp_path / "skills" / "crm")]
    assert found["agents"]["defaults"]["workspace"] == str(tmp_path / "data" / "openclaw" / "workspace")
    assert found["secrets"]["providers"]["own"]["path"] == str(tmp_path / "run" / "openclaw-token")
    for place in ("/data/", "/run/moltghost", "/skills/"):
        assert f'"{place}' not in files(settings).live.read_text()


def test_it_is_written_for_its_owner_alone(settings: AgentSettings) -> None:
    write_config(settings)
    for path in (files(settings).live, files(settings).platform):
        assert path.stat().st_mode & 0o777 == 0o600
    assert files(settings).folder.stat().st_mode & 0o777 == 0o700


def test_what_the_agent_changed_meanwhile_is_kept_over_starts(settings: AgentSettings) -> None:
    write_config(settings)
    changed = live(settings)
    changed["agents"]["defaults"]["userTimezone"] = "Asia/Jakarta"
    changed["gateway"]["bind"] = "lan"
    files(settings).live.write_text(json.dumps(changed))
    for _ in range(2):
        write_config(settings)
        assert live(settings)["agents"]["defaults"]["userTimezone"] == "Asia/Jakarta"
        assert live(settings)["gateway"]["bind"] == "loopback"


def test_a_conflict_is_logged_by_its_path_and_never_by_its_values(
    settings: AgentSettings, caplog: pytest.LogCaptureFixture
) -> None:
    write_config(settings)
    changed = live(settings)
    changed["gateway"]["bind"] = "the agent's secret"
    files(settings).live.write_text(json.dumps(changed))
    with caplog.at_level(logging.WARNING):
        write_config(settings)
    (record,) = caplog.records
    assert vars(record)["fields"]["path"] == "gateway.bind"
    assert "secret" not in str(vars(record))


@pytest.mark.parametrize(
    "text", ["{bind: 'lan'", "[]", "", "\x00", '{"a": NaN}', "[" * 100_000, " " * (1 << 20) + "{}"]
)
def test_a_live_configuration_that_is_broken_is_set_aside(settings: AgentSettings, text: str) -> None:
    write_config(settings)
    whole = live(settings)
    files(settings).live.write_text(text)
    write_config(settings)
    assert live(settings) == whole
    assert files(settings).live.with_name("openclaw.json.broken").read_text() == text


def test_of_a_live_configuration_without_its_other_half_only_the_agents_keys_are_kept(settings: AgentSettings) -> None:
    write_config(settings)
    whole = live(settings)
    whole["agents"]["defaults"]["userTimezone"] = "UTC"
    files(settings).live.write_text(json.dumps({**whole, "gateway": {}}))
    files(settings).platform.write_text("{")
    write_config(settings)
    assert live(settings) == whole


@pytest.mark.parametrize(
    ("text", "says"), [("{", "is no JSON object"), ("[]", "is no JSON object"), ('{"gateway": {}}', "lacks what")]
)
def test_a_platforms_part_that_is_none_is_the_agents_failure(settings: AgentSettings, text: str, says: str) -> None:
    (settings.places.config / "openclaw.json").write_text(text)
    with pytest.raises(AgentError, match=says):
        write_config(settings)


def test_without_a_platforms_part_the_failure_says_which_file_is_missing(settings: AgentSettings) -> None:
    (settings.places.config / "openclaw.json").unlink()
    with pytest.raises(AgentError, match=r"openclaw\.json: No such file"):
        write_config(settings)


def test_the_token_is_new_each_time_and_for_its_owner_to_read_alone(settings: AgentSettings) -> None:
    first, second = mint_token(settings.places), mint_token(settings.places)
    file = settings.places.run / "openclaw-token"
    assert first != second
    assert file.read_text() == second
    assert file.stat().st_mode & 0o777 == 0o400
    assert file.stat().st_nlink == 1


def test_the_token_follows_no_link_somebody_left(settings: AgentSettings, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    settings.places.run.mkdir()
    for name in ("openclaw-token", ".openclaw-token.new"):
        (settings.places.run / name).symlink_to(target)
    mint_token(settings.places)
    assert target.read_text() == "mine"
    assert not (settings.places.run / "openclaw-token").is_symlink()
