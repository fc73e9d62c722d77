"""The scripted model asked by the real OpenClaw, which adds words of its own to its users'."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from components.agent.openclaw_spec import SkillUse
from infra.local.cache import cache_root
from infra.local.openclaw import ensure_openclaw
from infra.skills.building import build
from runtime.agent.ollama import store_folder
from runtime.agent.settings import AgentSettings, Places, Ports
from runtime.contract import paths
from runtime.model.artifact import NAME, write_artifact
from runtime.model.script import ANSWER_WORDS, ASK_COLOUR, ASK_TOOL, FOUND_WORDS, TOOL_ARGUMENT, tell_colour
from tests.loopback import free_port
from tests.runtime.model.server import serving
from tests.runtime.skills.bundles import KEY, TENANT, mount
from tests.runtime.skills.doubles import Crm, served
from tests.runtime.skills.gateway import TOKEN, Gateway, started

pytestmark = pytest.mark.image

CONTEXT = 16_384
EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "skills" / "crm"


@dataclass
class Agent:
    """OpenClaw with the scripted model and the example skill, and the CRM that one asks."""

    gateway: Gateway
    crm: Crm

    def ask(self, content: str, user: str) -> str:
        """What it answers to this user's message."""
        body = {"model": "openclaw/default", "messages": [{"role": "user", "content": content}], "user": user}
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(trust_env=False, timeout=120) as client:
            answer = client.post(self.gateway.url + paths.CHAT_COMPLETIONS, json=body, headers=headers)
        assert answer.status_code == 200, f"{answer.text}\n{self.gateway.log.read_text()}"
        return str(answer.json()["choices"][0]["message"]["content"])


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    crm = Crm((200, {"name": "Acme"}))
    # Not pytest's own folder, which other users than its owner cannot enter.
    with tempfile.TemporaryDirectory() as folder, served(crm) as crm_port:
        top, model = Path(folder), Path(folder, "model")
        top.chmod(0o755)
        for part in (top / "skills", model):
            part.mkdir()
        bundle = build(EXAMPLE, TENANT, KEY)
        mount(top / "skills", bundle.contents)
        token = top / "crm-token"
        token.write_text("token")
        config = {"baseUrl": f"http://127.0.0.1:{crm_port}", "tokenFile": str(token)}
        skill = SkillUse(id="crm", config=config, instructions=bundle.manifest.skill("crm").instructions)
        settings = AgentSettings(
            "acme",
            "helper",
            NAME,
            "",
            CONTEXT,
            CONTEXT // 2,
            places=Places(data=model),
            ports=Ports(ollama=free_port()),
        )
        write_artifact(store_folder(settings))
        packages = ensure_openclaw(cache_root(), print) / "node_modules"
        with serving(settings), started(top, packages, settings.ports.ollama, skill) as gateway:
            yield Agent(gateway, crm)


def test_it_calls_the_skill_and_answers_from_its_result(agent: Agent) -> None:
    for _ in range(2):
        assert agent.ask(ASK_TOOL, "ann") == "".join(FOUND_WORDS)
    assert [path for path, _ in agent.crm.seen] == [f"/customers/{TOOL_ARGUMENT}"] * 2


def test_two_users_have_two_histories(agent: Agent) -> None:
    for user, colour in (("bob", "blue"), ("eve", "red")):
        assert agent.ask(f"{tell_colour(colour)}.", user) == "".join(ANSWER_WORDS)
    assert [agent.ask(ASK_COLOUR, user) for user in ("bob", "eve", "joe")] == [
        "You said blue.", "You said red.", "You said nothing.",
    ]  # fmt: skip
