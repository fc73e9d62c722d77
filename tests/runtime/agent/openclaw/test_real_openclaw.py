"""The real OpenClaw with the platform's configuration: what it takes, what it offers, and what it leaves behind."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from components.agent.openclaw import render_openclaw
from components.agent.openclaw_spec import OpenClawSpec
from infra.local.node import node_program
from runtime.agent.openclaw.config import OpenClawFiles, write_config
from runtime.agent.openclaw.console import Console
from runtime.agent.openclaw.ownership import merge
from runtime.agent.openclaw.probe import judge
from runtime.agent.openclaw.process import START_S, Installed, command, environment, validate_command
from runtime.agent.openclaw.token import mint_token
from runtime.agent.openclaw.turns import end_interrupted
from runtime.agent.settings import AgentSettings, Places, Ports
from runtime.contract import image, paths
from tests.loopback import free_port
from tests.runtime.agent.openclaw.test_ownership import GOOD, with_value
from tests.runtime.skills.doubles import Message, Model, calling, saying, served
from tests.waiting import eventually

pytestmark = pytest.mark.image

SECRET = "my mother's maiden name is Zweig"
PROMPT_BYTES = 12_000
"""What OpenClaw may put before a question, tools included: as it comes, it is eleven times that."""
FILE_TOOLS = ("apply_patch", "edit", "ls", "read", "write")
SPEC = OpenClawSpec(model="tiny", context_tokens=16384, max_tokens=512, tools_allow=FILE_TOOLS)


@pytest.fixture(scope="session")
def installed(openclaw: Path) -> Installed:
    return Installed(node_program(), openclaw / "node_modules" / "openclaw" / "openclaw.mjs")


@dataclass
class Agent:
    """An agent's OpenClaw, started and ended as the supervisor does it, in a folder of the test's own."""

    settings: AgentSettings
    installed: Installed
    scratch: Path
    token: str = ""
    lives: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def make(cls, folder: Path, installed: Installed, model_port: int) -> "Agent":
        places = Places(data=folder / "data", run=folder / "run", config=folder / "config", skills=folder / "skills")
        places.config.mkdir()
        (places.config / image.OPENCLAW_CONFIG_FILE).write_text(render_openclaw(SPEC))
        ports = Ports(openclaw=free_port(), ollama=model_port)
        (folder / "scratch").mkdir()
        settings = AgentSettings("acme", "helper", "tiny", "sha256:0", 16384, 512, places=places, ports=ports)
        return cls(settings, installed, folder / "scratch")

    @property
    def folder(self) -> Path:
        return OpenClawFiles.of(self.settings.places).folder

    @property
    def log(self) -> Path:
        return self.scratch / f"log-{self.lives}"

    @property
    def environ(self) -> dict[str, str]:
        return dict(environment(self.settings.places, self.scratch, os.defpath))

    def start(self) -> None:
        self.token = self.token or mint_token(self.settings.places)
        write_config(self.settings)
        end_interrupted(self.folder)
        self.lives += 1
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                command(self.installed),
                env=self.environ,
                cwd=self.folder,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        eventually(self.is_ready_or_gone, f"OpenClaw is ready: {self.log}", START_S, every=0.3)
        assert self.process.poll() is None, self.log.read_text()

    def is_ready_or_gone(self) -> bool:
        assert self.process is not None
        try:
            answer = self.get(paths.READY)
        except httpx.TransportError:
            return self.process.poll() is not None
        return judge(answer.status_code, answer.content) == []

    def end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(number)
        self.process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    @property
    def group(self) -> int:
        assert self.process is not None
        return self.process.pid

    def get(self, path: str) -> httpx.Response:
        with self.client(None) as client:
            return client.get(path)

    def client(self, token: str | None) -> httpx.Client:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        url = f"http://127.0.0.1:{self.settings.ports.openclaw}"
        return httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=120)

    def ask(self, question: str, user: str = "bob") -> httpx.Response:
        messages = [{"role": "user", "content": question}]
        with self.client(self.token) as client:
            return client.post(
                paths.CHAT_COMPLETIONS, json={"model": "openclaw/default", "messages": messages, "user": user}
            )


@pytest.fixture(scope="module")
def served_model() -> Iterator[tuple[Model, int]]:
    model = Model()
    with served(model) as port:
        yield model, port


@pytest.fixture
def model(served_model: tuple[Model, int]) -> Model:
    served_model[0].asked.clear()
    served_model[0].decide = lambda _: saying("Hello.")
    return served_model[0]


@pytest.fixture(scope="module")
def agent(
    installed: Installed, served_model: tuple[Model, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Agent]:
    one = Agent.make(tmp_path_factory.mktemp("agent"), installed, served_model[1])
    try:
        one.start()
        yield one
    finally:
        one.end(signal.SIGTERM)


def validated(agent: Agent, config: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """OpenClaw's own verdict on a configuration."""
    file = agent.scratch / "judged.json"
    file.write_text(json.dumps(config))
    environ = {**agent.environ, "OPENCLAW_CONFIG_PATH": str(file)}
    return subprocess.run(
        validate_command(agent.installed), env=environ, cwd=agent.scratch, capture_output=True, text=True, check=False
    )


@pytest.fixture
def unstarted(tmp_path: Path, installed: Installed) -> Agent:
    one = Agent.make(tmp_path, installed, free_port())
    mint_token(one.settings.places)
    write_config(one.settings)
    return one


def config_of(agent: Agent) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(OpenClawFiles.of(agent.settings.places).live.read_text())
    return found


def test_its_own_validator_takes_the_configuration_with_all_an_agent_may_change(unstarted: Agent) -> None:
    platform = live = config_of(unstarted)
    for path, value in GOOD.items():
        live = with_value(live, path, value)
    merged, notes = merge(platform, live, platform)
    assert (merged, notes) == (live, [])
    verdict = validated(unstarted, merged)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("gateway", "bind"), "everywhere"),
        (("gateway", "auth", "token"), {"source": "nowhere", "provider": "own", "id": "value"}),
        (("tools", "alsoAllow"), ["exec"]),
        (("plugins", "load", "paths"), "one"),
        (("a_key_of_nobodys",), True),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else "",
)
def test_its_own_validator_refuses_what_is_wrong(unstarted: Agent, path: tuple[str, ...], value: Any) -> None:
    verdict = validated(unstarted, with_value(config_of(unstarted), path, value))
    assert verdict.returncode != 0
    assert path[0] in verdict.stdout + verdict.stderr


def test_it_answers_chats_and_responses_to_who_has_the_token(agent: Agent, model: Model) -> None:
    answer = agent.ask("Hello?")
    assert (answer.status_code, answer.json()["choices"][0]["message"]["content"]) == (200, "Hello.")
    with agent.client(agent.token) as client:
        response = client.post(paths.RESPONSES, json={"model": "openclaw/default", "input": "Hello?"})
    assert response.status_code == 200
    assert "Hello." in response.text


@pytest.mark.parametrize("token", [None, "wrong"])
@pytest.mark.parametrize("path", [paths.CHAT_COMPLETIONS, paths.RESPONSES])
def test_it_answers_nobody_else(agent: Agent, model: Model, path: str, token: str | None) -> None:
    with agent.client(token) as client:
        answer = client.post(path, json={"model": "openclaw/default", "messages": [], "input": ""})
    assert answer.status_code == 401
    assert model.asked == []


@pytest.mark.parametrize(
    "path", ["/", "/index.html", "/chat", "/ui/", "/settings", "/__openclaw__/canvas/", "/hooks/wake"]
)
def test_there_is_no_page_of_its_own(agent: Agent, path: str) -> None:
    answer = agent.get(path)
    assert answer.status_code == 404
    assert "<html" not in answer.text.lower()


def test_it_listens_on_loopback_alone(agent: Agent) -> None:
    family = [psutil.Process(agent.group), *psutil.Process(agent.group).children(recursive=True)]
    listening = {
        (one.laddr.ip, one.laddr.port)
        for process in family
        for one in process.net_connections("all")
        if one.laddr and (one.status == psutil.CONN_LISTEN or one.type == socket.SOCK_DGRAM)
    }
    assert {address for address, _ in listening} <= {"127.0.0.1", "::1"}
    assert {port for _, port in listening} == {agent.settings.ports.openclaw}


def test_it_is_the_process_that_was_started(agent: Agent) -> None:
    listening = {one.laddr.port for one in psutil.Process(agent.group).net_connections("tcp") if one.laddr}
    assert agent.settings.ports.openclaw in listening


def test_the_token_is_in_its_file_and_nowhere_else(agent: Agent, model: Model) -> None:
    agent.ask("Hello?")
    process = psutil.Process(agent.group)
    told = [*process.cmdline(), *process.environ().values(), agent.log.read_text()]
    kept = [file for folder in (agent.folder, agent.scratch) for file in folder.rglob("*") if file.is_file()]
    assert not [file for file in kept if agent.token.encode() in file.read_bytes()]
    assert agent.token not in "\n".join(told)


def test_what_it_puts_before_a_question_stays_small(agent: Agent, model: Model) -> None:
    agent.ask("Hello?", user="size")
    (request,) = model.asked
    assert len(json.dumps([request["messages"], request["tools"]])) < PROMPT_BYTES
    assert {tool["function"]["name"] for tool in request["tools"]} == set(FILE_TOOLS)
    assert "<available_skills>" not in request["messages"][0]["content"]


@pytest.mark.parametrize(
    "command_text", ["/status", "/config show", "!id", "/exec host=gateway security=full", "/restart"]
)
def test_a_clients_text_is_never_a_command(agent: Agent, model: Model, command_text: str) -> None:
    assert agent.ask(command_text, user="commands").json()["choices"][0]["message"]["content"] == "Hello."
    assert command_text in json.dumps(model.asked[-1]["messages"][-1], ensure_ascii=False)


@pytest.mark.parametrize("tool", ["exec", "process", "gateway", "sessions_list", "web_search"])
def test_a_tool_it_has_not_cannot_be_called(agent: Agent, model: Model, tool: str) -> None:
    model.decide = lambda request: saying("No.") if answered(request) else calling(tool, command="id", action="list")
    assert agent.ask("Try it.", user=tool).status_code == 200
    assert f"Tool {tool} not found" in last(model)


@pytest.mark.parametrize("path", ["/etc/passwd", "../openclaw.json", "../../../run/openclaw-token"])
def test_tools_see_the_workspace_alone(agent: Agent, model: Model, path: str) -> None:
    model.decide = lambda request: saying("No.") if answered(request) else calling("read", path=path)
    agent.ask("Try it.", user="escape")
    assert "Path escapes" in last(model)
    assert agent.token not in last(model)


def test_two_users_have_two_histories(agent: Agent, model: Model) -> None:
    agent.ask(SECRET, user="one")
    agent.ask("What did I say?", user="one")
    assert SECRET in json.dumps(model.asked[-1], ensure_ascii=False)
    agent.ask("What did I say?", user="other")
    assert SECRET not in json.dumps(model.asked[-1], ensure_ascii=False)


def test_no_line_that_is_logged_holds_what_a_client_or_the_model_said(agent: Agent, model: Model) -> None:
    model.decide = lambda request: saying(SECRET) if answered(request) else calling("read", path=f"../{SECRET}")
    agent.ask(SECRET, user="log")
    said = eventually(
        lambda: [line for line in agent.log.read_text().splitlines() if SECRET in line], "OpenClaw writes answers down"
    )
    console = Console()
    assert all(console.is_noise(line) for line in said)
    files = [file for file in agent.scratch.rglob("*") if file.is_file() and file != agent.log]
    assert not [file for file in files if SECRET.encode() in file.read_bytes()]


def test_it_leaves_its_configuration_as_it_was_written(agent: Agent, model: Model) -> None:
    agent.ask("Hello?")
    before = config_of(agent)
    write_config(agent.settings)
    assert config_of(agent) == before


def last(model: Model) -> str:
    return str(model.asked[-1]["messages"][-1]["content"])


def answered(request: dict[str, Any]) -> bool:
    return bool(request["messages"][-1]["role"] == "tool")


@pytest.mark.timeout(600)  # two starts
def test_killed_in_the_middle_of_an_answer_it_starts_again_and_answers_for_nobody(
    tmp_path: Path, installed: Installed, served_model: tuple[Model, int], model: Model
) -> None:
    asked, hold = threading.Event(), threading.Event()

    def slowly(_: dict[str, Any]) -> Message:
        asked.set()
        assert hold.wait(60)
        return saying("Too late.")

    agent = Agent.make(tmp_path, installed, served_model[1])
    try:
        agent.start()
        agent.ask("Remember the number 7.")
        model.decide = slowly
        client = threading.Thread(target=lambda: cut(agent, "And now?"))
        client.start()
        assert asked.wait(60)
        agent.end(signal.SIGKILL)
        hold.set()
        client.join()
        model.decide = lambda _: saying("Hello.")
        model.asked.clear()
        agent.start()
        answer = agent.ask("Which number?")
        assert answer.status_code == 200, agent.log.read_text()
        assert "for restart recovery" not in agent.log.read_text()
        (request,) = model.asked
        assert "Remember the number 7." in json.dumps(request)
    finally:
        hold.set()
        agent.end(signal.SIGKILL)


def cut(agent: Agent, question: str) -> None:
    with pytest.raises(httpx.TransportError):
        agent.ask(question)
