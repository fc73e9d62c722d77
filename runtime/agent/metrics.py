"""What the agent's monitoring reads. No label holds anything a client or a tenant wrote."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pynvml
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from runtime.agent.supervisor.readiness import Usage
from runtime.contract import errors, paths
from runtime.http.log import event

PREFIX = "moltghost_agent"
OTHER = "other"
PATHS = (paths.CHAT_COMPLETIONS, paths.RESPONSES, paths.MODELS)
OUTCOMES = ("ok", "client_gone", "upstream_idle", "upstream_broke", *(kind.code for kind in errors.KINDS))
"""How a request can end; what is in neither list counts as `other`."""

_FIRST_BYTE_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_DURATION_BUCKETS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)

# When each series began is of no use here, and half of what is sent.
disable_created_metrics()  # type: ignore[no-untyped-call]

_log = logging.getLogger("metrics")


class Metrics:
    """The agent's instruments, in a registry of their own.

    `children` names the supervised programs, `volume` tells how full the agent's volume is, or raises OSError.
    """

    def __init__(self, children: tuple[str, ...], volume: Callable[[], Usage]) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "requests", "Requests answered.", ["path", "outcome"], namespace=PREFIX, registry=registry
        )
        self._first_byte = Histogram(
            "time_to_first_byte_seconds",
            "Seconds until the first byte of an answer.",
            ["path"],
            namespace=PREFIX,
            registry=registry,
            buckets=_FIRST_BYTE_BUCKETS,
        )
        self._duration = Histogram(
            "request_duration_seconds",
            "Seconds until the end of an answer.",
            ["path"],
            namespace=PREFIX,
            registry=registry,
            buckets=_DURATION_BUCKETS,
        )
        self._tokens = Counter("tokens", "Tokens read and written.", ["direction"], namespace=PREFIX, registry=registry)
        self._model_load = Gauge(
            "model_load_seconds", "Seconds the model's last load took.", namespace=PREFIX, registry=registry
        )
        self._restarts = Counter(
            "child_restarts", "Restarts of a supervised program.", ["child"], namespace=PREFIX, registry=registry
        )
        self._ready = Gauge(
            "ready", "Whether the agent was ready when last asked: 1 or 0.", namespace=PREFIX, registry=registry
        )
        for child in children:
            self._restarts.labels(child)
        for direction in ("in", "out"):
            self._tokens.labels(direction)
        ProcessCollector(namespace=PREFIX, registry=registry)
        registry.register(_Volume(volume))
        registry.register(_GpuMemory())

    def request(
        self,
        path: str,
        outcome: str,
        first_byte_s: float | None,
        duration_s: float,
        tokens_in: int | None,
        tokens_out: int | None,
    ) -> None:
        """A request has ended; None is what it never came to."""
        path = path if path in PATHS else OTHER
        self._requests.labels(path, outcome if outcome in OUTCOMES else OTHER).inc()
        self._duration.labels(path).observe(duration_s)
        if first_byte_s is not None:
            self._first_byte.labels(path).observe(first_byte_s)
        for direction, tokens in (("in", tokens_in), ("out", tokens_out)):
            self._tokens.labels(direction).inc(tokens or 0)

    def child_restart(self, child: str) -> None:
        """A supervised program is started again."""
        self._restarts.labels(child).inc()

    def model_loaded(self, seconds: float) -> None:
        """The model was loaded, in so many seconds."""
        self._model_load.set(seconds)

    def readiness(self, ready: bool) -> None:
        """Somebody asked whether the agent is ready, and it is, or not."""
        self._ready.set(ready)

    def exposition(self) -> tuple[bytes, str]:
        """All series in Prometheus' text format, and its content type; asking the volume and the GPU may block."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST


class _Volume(Collector):
    """How full the agent's volume is; no series where that cannot be told."""

    def __init__(self, usage: Callable[[], Usage]) -> None:
        self._usage = usage

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Ask now."""
        series = GaugeMetricFamily(
            f"{PREFIX}_volume_used_ratio", "How full the agent's volume is, of 1.", labels=["resource"]
        )
        try:
            usage = self._usage()
        except OSError as error:
            event(_log, logging.WARNING, "the volume tells nothing", error=type(error).__name__)
            return
        series.add_metric(["bytes"], usage.bytes)
        series.add_metric(["inodes"], usage.inodes)
        yield series


class _GpuMemory(Collector):
    """The memory of each GPU the pod sees; no series where there is none, or no driver to ask."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Ask now."""
        series = GaugeMetricFamily(
            f"{PREFIX}_gpu_memory_bytes", "Memory of the agent's GPU, in bytes.", labels=["gpu", "kind"]
        )
        try:
            with _nvml():
                for number in range(pynvml.nvmlDeviceGetCount()):
                    memory = pynvml.nvmlDeviceGetMemoryInfo(pynvml.nvmlDeviceGetHandleByIndex(number))
                    series.add_metric([str(number), "used"], memory.used)
                    series.add_metric([str(number), "total"], memory.total)
        except pynvml.NVMLError:
            return
        if series.samples:
            yield series


@contextmanager
def _nvml() -> Iterator[Any]:
    """NVML, held no longer than asked: a GPU that was lost or reset shows at the next question."""
    pynvml.nvmlInit()
    try:
        yield
    finally:
        pynvml.nvmlShutdown()
