"""What an agent is told by its environment, and what it tells its model server."""

from pathlib import Path

import pytest

from runtime.agent.ollama import HOST, environment
from runtime.agent.settings import AgentSettings, Places, Ports, read_settings
from runtime.contract import env
from runtime.http.environment import SettingsError

DIGEST = "sha256:" + "0" * 64
GOOD = {
    env.TENANT: "acme",
    env.AGENT: "helper",
    env.MODEL: "tiny",
    env.MODEL_DIGEST: DIGEST,
    env.CONTEXT_TOKENS: "4096",
    env.MAX_TOKENS: "512",
    env.KEEP_ALIVE_S: "-1",
}
WRONG = {
    env.MODEL_DIGEST: "sha256:beef",
    env.CONTEXT_TOKENS: "many",
    env.MAX_TOKENS: "few",
    env.KEEP_ALIVE_S: "-2",
    env.SKILLS_KEY: "c2hvcnQ=",
    env.SKILLS_DIGEST: "beef",
}


def test_what_is_told_is_read() -> None:
    settings = read_settings(GOOD, Places(), Ports())
    assert (settings.tenant, settings.agent, settings.model, settings.model_digest) == (
        "acme",
        "helper",
        "tiny",
        DIGEST,
    )
    assert (settings.context_tokens, settings.max_tokens, settings.keep_alive_s) == (4096, 512, -1)
    assert (settings.skills_key, settings.skills_digest) == (None, None)


def test_everything_missing_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({}, Places(), Ports())
    assert [name for name in GOOD if f"{name}: missing" not in str(refused.value)] == []


def test_everything_wrong_is_named_at_once_but_never_quoted() -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({**GOOD, **WRONG}, Places(), Ports())
    said = str(refused.value)
    assert [name for name in WRONG if f"{name}: expected " not in said] == []
    assert [value for value in WRONG.values() if value in said] == []


def test_the_model_server_is_told_to_keep_to_itself() -> None:
    settings = AgentSettings(
        "acme", "helper", "tiny", DIGEST, 4096, 512, keep_alive_s=60, places=Places(data=Path("/d"))
    )
    told = environment(settings, "/bin")
    assert told["OLLAMA_HOST"] == f"{HOST}:{settings.ports.ollama}"
    assert told["OLLAMA_NO_CLOUD"] == "1"
    assert (told["OLLAMA_KEEP_ALIVE"], told["OLLAMA_CONTEXT_LENGTH"]) == ("60", "4096")
    assert all(Path(told[name]).is_relative_to("/d") for name in ("HOME", "OLLAMA_MODELS"))
    assert not [name for name in told if name.startswith("MOLTGHOST")]
