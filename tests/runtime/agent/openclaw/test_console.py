"""Which of OpenClaw's lines are logged. The lines are what it really wrote."""

import pytest

from runtime.agent.openclaw.console import Console

SECRET = "my mother's maiden name"
OWN = [
    '{"time":"2026-11-21T06:26:12.800+00:00","level":"warn","subsystem":"gateway/skill-workshop","message":"disabled"}',
    '{"elapsedMs":5233,"time":"2026-11-21T06:26:21Z","level":"warn","subsystem":"session-sqlite","message":"slow"}',
    '{"time":"2026-11-21T06:26:12.800+00:00","level":"error","subsystem":"secrets","message":"no token"}',
]
CLIENTS = [
    f'{{"time":"2026-11-21T06:04:37.699+00:00","level":"info","message":"{SECRET}"}}',
    f'{{"level":"error","message":"[tools] read failed: raw_params={{\\"path\\":\\"{SECRET}\\"}}"}}',
    f'{{"level":"warn","subsystem":"agent/embedded","rawErrorPreview":"500 {SECRET}","message":"run ended"}}',
    f'{{"level":"error","subsystem":"openai-compat","message":"chat completion failed: {SECRET}"}}',
    f'{{"level":"error","subsystem":"diagnostic","message":"lane task error: {SECRET}"}}',
    f'{{"level":"info","subsystem":"gateway","message":"{SECRET}"}}',
    f'{{"level":"warn","subsystem":"gatewayish","message":"{SECRET}"}}',
    f'{{"level":"warn","subsystem":["gateway"],"message":"{SECRET}"}}',
    f'"{SECRET}"',
    f'["{SECRET}"]',
    "[" * 100_000,
]


@pytest.mark.parametrize("serving", [False, True])
@pytest.mark.parametrize("line", OWN)
def test_what_it_says_of_itself_is_kept(line: str, serving: bool) -> None:
    console = Console()
    console.serving = serving
    assert not console.is_noise(line)


@pytest.mark.parametrize("serving", [False, True])
@pytest.mark.parametrize("line", CLIENTS[:-1])
def test_what_may_be_a_clients_is_not(line: str, serving: bool) -> None:
    console = Console()
    console.serving = serving
    assert console.is_noise(line)


def test_plain_text_is_kept_only_until_there_are_requests() -> None:
    console = Console()
    text = "Config invalid: gateway.bind: expected one of auto, lan, loopback"
    assert not console.is_noise(text)
    console.serving = True
    assert console.is_noise(text)
    assert console.is_noise(CLIENTS[-1])


@pytest.mark.parametrize("line", ["│", "◇  ──────╮", "   "])
def test_lines_that_only_draw_are_noise(line: str) -> None:
    assert Console().is_noise(line)
