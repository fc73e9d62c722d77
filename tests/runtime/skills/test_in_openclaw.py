"""The example skill in the real OpenClaw: from a folder of TypeScript to a call of the customer's CRM."""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from components.agent.openclaw_spec import SkillUse
from infra.skills.building import build
from tests.runtime.skills.bundles import KEY, TENANT, mount
from tests.runtime.skills.doubles import Crm, Message, Model, calling, saying, served
from tests.runtime.skills.gateway import Gateway, started

pytestmark = pytest.mark.image

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "skills" / "crm"
ACME = {"id": "ACME-1", "name": "ACME Corporation", "status": "active"}
SECRET = "crm-token-1"


@dataclass
class Agent:
    """OpenClaw with the example skill, the model it asks and the CRM the skill asks."""

    gateway: Gateway
    token: Path
    model: Model
    crm: Crm = field(default_factory=Crm)


@pytest.fixture(scope="module")
def running(packages: Path) -> Iterator[Agent]:
    model, crm = Model(), Crm()
    # Not pytest's own folder, which other users than its owner cannot enter.
    with tempfile.TemporaryDirectory() as folder, served(model) as model_port, served(crm) as crm_port:
        top, skills, token = Path(folder), Path(folder, "skills"), Path(folder, "crm-token")
        top.chmod(0o755)
        skills.mkdir()
        bundle = build(EXAMPLE, TENANT, KEY)
        mount(skills, bundle.contents)
        token.write_text(SECRET)
        config = {"baseUrl": f"http://127.0.0.1:{crm_port}", "tokenFile": str(token)}
        skill = SkillUse(id="crm", config=config, instructions=bundle.manifest.skill("crm").instructions)
        with started(top, packages, model_port, skill) as gateway:
            yield Agent(gateway, token, model, crm)


@pytest.fixture
def agent(running: Agent) -> Agent:
    running.model.asked.clear()
    running.crm.seen.clear()
    running.crm.answer = (200, ACME)
    running.token.write_text(SECRET)
    running.model.decide = lambda request: (
        saying(f"It says {last(request)}") if answered(request) else calling("crm_query", customer="ACME-1")
    )
    return running


def last(request: dict[str, Any]) -> str:
    return str(request["messages"][-1]["content"])


def answered(request: dict[str, Any]) -> bool:
    return bool(request["messages"][-1]["role"] == "tool")


def test_the_model_is_offered_the_tool_and_no_other_but_reading(agent: Agent) -> None:
    agent.gateway.ask("Who is ACME-1?")
    offered = {tool["function"]["name"]: tool["function"] for tool in agent.model.asked[0]["tools"]}
    assert set(offered) == {"crm_query", "read"}
    assert set(offered["crm_query"]["parameters"]["properties"]) == {"customer"}


def test_a_call_reaches_the_crm_with_the_token_and_its_answer_the_client(agent: Agent) -> None:
    answer = agent.gateway.ask("Who is ACME-1?")
    assert agent.crm.seen == [("/customers/ACME-1", f"Bearer {SECRET}")]
    assert ACME["name"] in answer
    assert json.loads(last(agent.model.asked[-1])) == {"customer": ACME}


def test_a_rotated_token_is_used_without_a_restart(agent: Agent) -> None:
    agent.gateway.ask("Who is ACME-1?")
    agent.token.write_text("crm-token-2")
    agent.gateway.ask("And now?")
    assert [authorization for _, authorization in agent.crm.seen] == [f"Bearer {SECRET}", "Bearer crm-token-2"]


def test_a_crm_that_fails_shows_the_model_nothing_internal(agent: Agent) -> None:
    agent.crm.answer = (500, {"trace": "at secret.place", "token": SECRET})
    answer = agent.gateway.ask("Who is ACME-1?")
    assert "cannot be reached at the moment" in answer
    shown = json.dumps(agent.model.asked)
    assert SECRET not in shown + agent.gateway.log.read_text()
    assert "secret.place" not in shown


@pytest.mark.parametrize("arguments", [{}, {"customer": ""}, {"customer": "A" * 65}, {"customer": "A", "more": "B"}])
def test_arguments_the_tool_does_not_take_reach_nobody(agent: Agent, arguments: dict[str, str]) -> None:
    agent.model.decide = lambda request: saying("No.") if answered(request) else calling("crm_query", **arguments)
    agent.gateway.ask("Who is it?")
    assert agent.crm.seen == []


def test_the_model_is_told_of_the_instructions_and_can_read_them(agent: Agent) -> None:
    def read_first(request: dict[str, Any]) -> Message:
        if answered(request):
            return saying("I see.")
        prompt = request["messages"][0]["content"]
        listed = dict(re.findall(r"<name>(.*?)</name>.*?<location>(.*?)</location>", prompt, re.DOTALL))
        assert set(listed) == {"crm"}
        return calling("read", path=listed["crm"])

    agent.model.decide = read_first
    agent.gateway.ask("How do you look a customer up?")
    assert last(agent.model.asked[-1]).strip() == (EXAMPLE / "skills" / "crm" / "SKILL.md").read_text().strip()


@pytest.mark.parametrize("path", ["openclaw.plugin.json", "dist/index.js"])
def test_the_model_reads_nothing_else_of_the_bundle(agent: Agent, path: str) -> None:
    file = agent.token.parent / "skills" / "crm" / path
    assert file.exists()
    agent.model.decide = lambda request: saying("Hm.") if answered(request) else calling("read", path=str(file))
    agent.gateway.ask("Show me the code.")
    assert file.read_text() not in last(agent.model.asked[-1])


def test_the_sdk_takes_the_example_as_it_is_written(packages: Path, tmp_path: Path) -> None:
    """The example is compiled against a few types of its own; OpenClaw's real ones must say the same."""
    config = {
        "extends": str(EXAMPLE / "tsconfig.json"),
        "compilerOptions": {
            "typeRoots": [str(EXAMPLE / "node_modules" / "@types")],
            "paths": {"openclaw/*": [str(packages / "openclaw" / "dist" / "*.d.ts")]},
        },
        "files": [str(EXAMPLE / "src" / "index.ts")],
        "include": [],
    }
    project = tmp_path / "tsconfig.json"
    project.write_text(json.dumps(config))
    compiler = EXAMPLE / "node_modules" / ".bin" / "tsc"
    done = subprocess.run([compiler, "--project", project], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)
