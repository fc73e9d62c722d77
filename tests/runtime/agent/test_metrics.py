"""What the monitoring reads: names by Prometheus' conventions, values that are true, labels nobody outside chooses."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pynvml
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from runtime.agent.metrics import OTHER, OUTCOMES, PATHS, PREFIX, Metrics
from runtime.agent.supervisor.readiness import Usage
from runtime.contract import errors, paths

CHILDREN = ("ollama", "openclaw")
GIB = 1 << 30
PROMTOOL = shutil.which("promtool")


def usage() -> Usage:
    return Usage(bytes=0.5, inodes=0.25)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CHILDREN, usage)


def values(metrics: Metrics) -> dict[str, float]:
    """Every series as the text names it, without the prefix."""
    text = metrics.exposition()[0].decode()
    samples = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name.removeprefix(f"{PREFIX}_"): float(value) for name, value in samples}


def problems(text: str) -> list[str]:
    """What is wrong with an exposition: what its parser says, and the conventions promtool also checks."""
    found = []
    for family in text_string_to_metric_families(text):
        if not re.fullmatch(rf"{PREFIX}_[a-z_]+", family.name):
            found.append(f"{family.name}: a name of ours is {PREFIX}_ and small letters")
        if not family.documentation:
            found.append(f"{family.name}: no help text")
        if family.type == "unknown":
            found.append(f"{family.name}: no type")
        if family.type == "gauge" and family.name.endswith("_total"):
            found.append(f"{family.name}: only counters end in _total")
        if re.search(r"_(ms|milliseconds|kb|mb|mib|gib|percent)(_|$)", family.name):
            found.append(f"{family.name}: not a base unit")
    return found


def used(metrics: Metrics) -> Metrics:
    """With a value in every series."""
    for path in PATHS:
        metrics.request(path, "ok", 0.2, 1.5, 7, 9)
    metrics.child_restart("ollama")
    metrics.model_loaded(3.5)
    metrics.readiness(True)
    return metrics


def test_every_series_is_there_before_anything_has_happened(metrics: Metrics) -> None:
    found = values(metrics)
    assert found["ready"] == 0
    assert {f'child_restarts_total{{child="{child}"}}' for child in CHILDREN} <= set(found)
    assert found['tokens_total{direction="in"}'] == 0
    assert found["process_start_time_seconds"] > 1_700_000_000


def test_what_happened_is_counted(metrics: Metrics) -> None:
    metrics.request(paths.RESPONSES, "ok", 0.2, 1.5, 7, 9)
    metrics.request(paths.RESPONSES, "ok", 0.02, 0.5, 1, 2)
    metrics.request(paths.CHAT_COMPLETIONS, errors.NOT_READY.code, None, 0.01, None, None)
    metrics.child_restart("openclaw")
    metrics.model_loaded(3.5)
    metrics.readiness(True)
    found = values(metrics)
    assert found[f'requests_total{{outcome="ok",path="{paths.RESPONSES}"}}'] == 2
    assert found[f'requests_total{{outcome="agent_not_ready",path="{paths.CHAT_COMPLETIONS}"}}'] == 1
    assert found[f'time_to_first_byte_seconds_bucket{{le="0.05",path="{paths.RESPONSES}"}}'] == 1
    assert found[f'time_to_first_byte_seconds_count{{path="{paths.RESPONSES}"}}'] == 2
    assert f'time_to_first_byte_seconds_count{{path="{paths.CHAT_COMPLETIONS}"}}' not in found
    assert found[f'request_duration_seconds_sum{{path="{paths.RESPONSES}"}}'] == 2
    assert found['tokens_total{direction="in"}'] == 8
    assert found['tokens_total{direction="out"}'] == 11
    assert found['child_restarts_total{child="openclaw"}'] == 1
    assert found["model_load_seconds"] == 3.5
    assert found["ready"] == 1
    metrics.readiness(False)
    assert values(metrics)["ready"] == 0


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=5))
def test_nothing_a_client_wrote_becomes_a_label(written: list[tuple[str, str]]) -> None:
    metrics = Metrics(CHILDREN, usage)
    for path, outcome in written:
        metrics.request(path, outcome, 0.1, 0.1, 1, 1)
    for family in text_string_to_metric_families(metrics.exposition()[0].decode()):
        for sample in family.samples:
            assert sample.labels.get("path", OTHER) in (*PATHS, OTHER)
            assert sample.labels.get("outcome", OTHER) in (*OUTCOMES, OTHER)


def test_every_error_of_the_contract_is_an_outcome_of_its_own() -> None:
    assert {kind.code for kind in errors.KINDS} <= set(OUTCOMES)


def test_two_registries_do_not_know_of_each_other(metrics: Metrics) -> None:
    used(metrics)
    assert values(Metrics(CHILDREN, usage))["model_load_seconds"] == 0


def test_the_volume_is_asked_each_time() -> None:
    told = iter([Usage(0.5, 0.25), Usage(0.96, 0.3)])
    metrics = Metrics(CHILDREN, lambda: next(told))
    for expected in (0.5, 0.96):
        assert values(metrics)['volume_used_ratio{resource="bytes"}'] == expected


def test_a_volume_that_fails_costs_only_its_own_series() -> None:
    def fail() -> Usage:
        raise OSError(5, "Input/output error")

    found = values(Metrics(CHILDREN, fail))
    assert "ready" in found
    assert not [name for name in found if name.startswith("volume")]


class FakeNvml:
    """A driver with GPUs of so much memory, some of it used; each call counts."""

    def __init__(self, patch: pytest.MonkeyPatch, gpus: list[tuple[int, int]]) -> None:
        self.gpus = gpus
        self.open = 0
        patch.setattr(pynvml, "nvmlInit", self.init)
        patch.setattr(pynvml, "nvmlShutdown", self.shutdown)
        patch.setattr(pynvml, "nvmlDeviceGetCount", lambda: len(self.gpus))
        patch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda number: number)
        patch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", self.memory)

    def init(self) -> None:
        self.open += 1

    def shutdown(self) -> None:
        self.open -= 1

    def memory(self, number: int) -> SimpleNamespace:
        assert self.open
        used, total = self.gpus[number]
        return SimpleNamespace(used=used, total=total, free=total - used)


def gpu_series(metrics: Metrics) -> dict[str, float]:
    return {name: value for name, value in values(metrics).items() if name.startswith("gpu_")}


def test_each_gpu_tells_its_memory(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = FakeNvml(monkeypatch, [(10 * GIB, 80 * GIB), (0, 24 * GIB)])
    assert gpu_series(metrics) == {
        'gpu_memory_bytes{gpu="0",kind="used"}': 10 * GIB,
        'gpu_memory_bytes{gpu="0",kind="total"}': 80 * GIB,
        'gpu_memory_bytes{gpu="1",kind="used"}': 0,
        'gpu_memory_bytes{gpu="1",kind="total"}': 24 * GIB,
    }
    assert nvml.open == 0


def _raise(code: int) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise pynvml.NVMLError(code)

    return fail


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("nvmlInit", pynvml.NVML_ERROR_LIBRARY_NOT_FOUND),
        ("nvmlInit", pynvml.NVML_ERROR_DRIVER_NOT_LOADED),
        ("nvmlDeviceGetHandleByIndex", pynvml.NVML_ERROR_GPU_IS_LOST),
        ("nvmlDeviceGetMemoryInfo", pynvml.NVML_ERROR_FUNCTION_NOT_FOUND),
    ],
)
def test_without_a_gpu_to_ask_there_is_no_series(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    FakeNvml(monkeypatch, [(1, 2)])
    monkeypatch.setattr(pynvml, call, _raise(code))
    assert gpu_series(metrics) == {}
    assert "ready" in values(metrics)


def test_a_driver_without_a_gpu_has_no_series(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    FakeNvml(monkeypatch, [])
    assert gpu_series(metrics) == {}


def bad_expositions() -> Iterator[tuple[str, str]]:
    """Expositions that break a convention, each by another."""
    registry = CollectorRegistry()
    Gauge("requests_total", "Help.", namespace=PREFIX, registry=registry)
    yield "gauge named like a counter", generate_latest(registry).decode()
    registry = CollectorRegistry()
    Counter("load_milliseconds", "Help.", namespace=PREFIX, registry=registry)
    yield "not a base unit", generate_latest(registry).decode()
    yield "no help", f"# TYPE {PREFIX}_ready gauge\n{PREFIX}_ready 1\n"


def promtool(text: str) -> subprocess.CompletedProcess[str]:
    assert PROMTOOL
    return subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, check=False)


def test_the_exposition_keeps_to_the_conventions(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    FakeNvml(monkeypatch, [(1, 2)])
    body, content_type = used(metrics).exposition()
    assert content_type.startswith("text/plain")
    assert problems(body.decode()) == []


@pytest.mark.parametrize(("what", "text"), list(bad_expositions()))
def test_an_exposition_that_does_not_is_seen(what: str, text: str) -> None:
    assert problems(text), what


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not on PATH")
def test_promtool_finds_nothing_and_sees_what_is_wrong(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    FakeNvml(monkeypatch, [(1, 2)])
    checked = promtool(used(metrics).exposition()[0].decode())
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    for what, text in bad_expositions():
        assert promtool(text).returncode != 0, what
