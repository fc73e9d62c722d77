"""What the supervisor is told to do: what comes before the children, the children, what is handed over at the end."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Step = Callable[[], Awaitable[None]]


async def _nothing() -> None:
    """No step at all."""


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """Something to do before any child starts; `run` raises AgentError where the agent cannot start at all."""

    name: str
    run: Step


@dataclass(frozen=True, kw_only=True)
class ChildSpec:
    """A program to keep running.

    It gets exactly `environ`, and one mark more by which its processes are told from another child's. Lines of its
    output that are `is_noise` are neither logged nor quoted in a failure: whatever may hold a client's text is noise.

    `before` is done before every start, when nothing of the child's last life is left; `prove` returns once it does its
    work. Each of them gets `prove_s` seconds. `watch` goes on as long as it does its work (returning says that there is
    nothing more to watch). All three raise ServerError where another start may help, and any other AgentError where it
    would end the same. At the end it gets `stop_s` seconds from SIGTERM to SIGKILL.
    """

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    cwd: Path
    is_noise: Callable[[str], bool]
    prove: Step
    watch: Step
    prove_s: float
    stop_s: float = 3
    before: Step = _nothing


@dataclass(frozen=True, kw_only=True)
class HandOver:
    """Something to do once the last request is done and before the children end, within `limit_s` seconds."""

    name: str
    run: Step
    limit_s: float
