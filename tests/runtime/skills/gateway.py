"""The real OpenClaw beside a mounted bundle, laid out as in a pod below one folder."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from components.agent.openclaw import PROVIDER, render_openclaw
from components.agent.openclaw_spec import OpenClawSpec, SkillUse
from infra.local.node import node_program
from runtime.contract import image, paths
from tests.loopback import free_port
from tests.waiting import eventually

TOKEN = "the-gateway's-own"
_READY_S = 150

# As in a pod: skills are root's and read-only, OpenClaw is not root and has no way to become it.
_AS_IN_A_POD = """
top=$1 node=$2 packages=$3; shift 3
touch "$top/node"; mkdir "$top/node_modules"
mount --bind "$node" "$top/node"
mount --bind "$packages" "$top/node_modules"
mount --bind "$top/skills" "$top/skills"; mount -o remount,bind,ro "$top/skills"
chown -R "$0:$0" "$top/data"
exec setpriv --reuid "$0" --regid "$0" --clear-groups --no-new-privs --inh-caps=-all "$@"
"""


@dataclass
class Gateway:
    """OpenClaw, ready."""

    url: str
    log: Path

    def ask(self, question: str) -> str:
        """The answer to one message."""
        body = {"model": "openclaw/default", "messages": [{"role": "user", "content": question}]}
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(trust_env=False, timeout=120) as client:
            answer = client.post(self.url + paths.CHAT_COMPLETIONS, json=body, headers=headers)
        assert answer.status_code == 200, f"{answer.text}\n{self.log.read_text()}"
        content: str = answer.json()["choices"][0]["message"]["content"]
        return content


@contextlib.contextmanager
def started(top: Path, packages: Path, model_port: int, skill: SkillUse) -> Iterator[Gateway]:
    """OpenClaw with one skill of the bundle mounted in `top`/skills, the platform's configuration, and that model."""
    data, port, log = top / "data", free_port(), top / "log"
    data.mkdir()
    config = data / image.OPENCLAW_CONFIG_FILE
    config.write_text(json.dumps(_config(top, port, model_port, skill)))
    environment = {
        "PATH": os.defpath,
        "HOME": str(data),
        "OPENCLAW_STATE_DIR": str(data / "state"),
        "OPENCLAW_CONFIG_PATH": str(config),
        "OPENCLAW_GATEWAY_TOKEN": TOKEN,
        "OPENCLAW_DISABLE_BONJOUR": "1",
        "OPENCLAW_NO_AUTO_UPDATE": "1",
        "OPENCLAW_OFFLINE": "1",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            _command(top, packages), env=environment, cwd=data, stdout=output, stderr=output, start_new_session=True
        )
    try:
        eventually(lambda: process.poll() is not None or _ready(port), f"OpenClaw is ready: {log}", _READY_S, every=0.3)
        assert process.poll() is None, log.read_text()
        yield Gateway(f"http://127.0.0.1:{port}", log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _command(top: Path, packages: Path) -> list[str]:
    run = [str(top / "node"), str(top / "node_modules" / "openclaw" / "openclaw.mjs"), "gateway", "run"]
    if os.geteuid() == 0 and shutil.which("unshare") and shutil.which("setpriv"):
        prepare = ["unshare", "--mount", "sh", "-ec", _AS_IN_A_POD, str(image.UID), str(top)]
        return [*prepare, str(node_program()), str(packages), *run]
    (top / "node").symlink_to(node_program())
    (top / "node_modules").symlink_to(packages)
    return run


def _config(top: Path, port: int, model_port: int, skill: SkillUse) -> dict[str, Any]:
    """The platform's configuration, with this machine's places and ports."""
    text = render_openclaw(OpenClawSpec(model="tiny", context_tokens=16384, max_tokens=512, skills=(skill,)))
    config: dict[str, Any] = json.loads(text)
    config["gateway"] |= {"port": port, "auth": {"mode": "token"}}
    config["models"]["providers"][PROVIDER]["baseUrl"] = f"http://127.0.0.1:{model_port}"
    config["agents"]["defaults"]["workspace"] = str(top / "data" / "workspace")
    mounted = config["plugins"]["load"]["paths"]
    config["plugins"]["load"]["paths"] = [path.replace(image.SKILLS_DIR, str(top / "skills"), 1) for path in mounted]
    del config["secrets"]
    return config


def _ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}{paths.READY}", trust_env=False, timeout=5).status_code == 200
    except httpx.TransportError:
        return False
