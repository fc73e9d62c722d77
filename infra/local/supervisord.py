"""supervisord as this project uses it: its configuration file, its socket, its XML-RPC calls."""

import hashlib
import os
import shlex
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

DIGEST_ENV = "MOLTGHOST_FILES_DIGEST"
SOCKET_PATH_MAX = 90
"""A unix socket's path may have 107 bytes; supervisord appends its pid while it makes one."""


@dataclass(frozen=True)
class Program:
    """One program to keep alive.

    `files` are what it reads at its start: when one changes, the program is started anew. `ready` says whether it
    serves; an exception counts as no. `stop_s` is what it gets between SIGTERM and SIGKILL. `address` is what
    `make status` shows.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Sequence[Path] = ()
    ready: Callable[[], bool] = lambda: True
    deadline_s: float = 30
    stop_s: int = 5
    address: str = ""


def socket_folder(state: Path) -> Path:
    """Folder for a state folder's unix sockets: inside it, or under the temporary folder when its path is too long."""
    inside = state / "supervisor"
    if len(os.fsencode(inside / "supervisor.sock")) <= SOCKET_PATH_MAX:
        return inside
    return (
        Path(tempfile.gettempdir()) / f"moltghost-{os.getuid()}-{hashlib.sha256(os.fsencode(state)).hexdigest()[:12]}"
    )


def render_supervisor(folder: Path, logs: Path, socket: Path) -> str:
    """supervisord's own configuration; it starts nothing by itself."""
    user = "user=root\n" if os.geteuid() == 0 else ""
    return f"""\
[supervisord]
logfile={_value(str(logs / "supervisord.log"))}
logfile_maxbytes=5MB
logfile_backups=1
pidfile={_value(str(folder / "supervisord.pid"))}
childlogdir={_value(str(logs))}
directory=/
umask=022
{user}
[unix_http_server]
file={_value(str(socket))}
chmod=0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[include]
files={_value(str(folder / "programs"))}/*.conf
"""


def render_program(program: Program, log: Path) -> str:
    """A program's section. Raises ValueError for an argument that supervisord's file cannot hold."""
    env = {**program.env, DIGEST_ENV: _digest(program.files)}
    environment = ",".join(f'{key}="{_value(value, quoted=True)}"' for key, value in sorted(env.items()))
    return f"""\
; {program.address}
[program:{program.name}]
command={_value(shlex.join(program.argv))}
environment={environment}
autostart=false
autorestart=true
startsecs=1
startretries=1000
stopasgroup=true
killasgroup=true
stopwaitsecs={program.stop_s}
redirect_stderr=true
stdout_logfile={_value(str(log))}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""


def _value(text: str, *, quoted: bool = False) -> str:
    bad = ("\n", " ;", " #", *('"' if quoted else ()))
    if any(part in text for part in bad):
        raise ValueError(f"{text!r} cannot be written to supervisord's file: it holds one of {bad!r}")
    return text.replace("%", "%%")


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


class Rpc:
    """A connection to the supervisor's `supervisor` namespace, closed at the end of the block."""

    def __init__(self, socket: Path) -> None:
        self.transport = SupervisorTransport(None, None, f"unix://{socket}")

    def __enter__(self) -> Any:
        return ServerProxy("http://127.0.0.1", transport=self.transport).supervisor

    def __exit__(self, *_: object) -> None:
        self.transport.close()


class ignored:  # noqa: N801  # reads like contextlib.suppress
    """Suppress some of supervisord's faults, by their codes."""

    def __init__(self, *codes: int) -> None:
        self.codes = codes

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> bool:
        return isinstance(error, Fault) and error.faultCode in self.codes
