"""Where the time goes from a pod's creation to its being ready, by the API server's word and the agent's own log."""

import json
import statistics
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

STARTS = 3
_DEADLINE = "--timeout=600s"


@dataclass(frozen=True)
class Moment:
    """When one part of a start was done. The API server's moments are whole seconds, the log's milliseconds."""

    part: str
    at: datetime


@dataclass(frozen=True)
class Part:
    """Seconds one part of a start took, after the one before it."""

    name: str
    seconds: float


class Starts:
    """Starts the pod of one agent again and again."""

    def __init__(self, kubectl: Path, kubeconfig: Path, namespace: str, pod: str) -> None:
        self._kubectl = [str(kubectl), f"--kubeconfig={kubeconfig}", "-n", namespace]
        self._pod = pod

    def last(self) -> list[Part]:
        """The parts of the start of the pod that is there."""
        pod = json.loads(self._run("get", "pod", self._pod, "-o", "json"))
        return parts(moments(pod, self._run("logs", self._pod).splitlines()))

    def again(self) -> list[Part]:
        """End the pod, wait until its successor is ready, and tell that one's parts."""
        self._run("delete", "pod", self._pod, "--wait", _DEADLINE)
        for condition in ("create", "condition=Ready"):
            self._run("wait", f"pod/{self._pod}", f"--for={condition}", _DEADLINE)
        return self.last()

    def _run(self, *arguments: str) -> str:
        return subprocess.check_output([*self._kubectl, *arguments], text=True)


def moments(pod: Mapping[str, Any], log: Iterable[str]) -> list[Moment]:
    """What happened from a pod's creation until it was ready, in order. Raises ValueError for a pod that never was."""
    status = pod["status"]
    ready = [each for each in status["conditions"] if each["type"] == "Ready" and each["status"] == "True"]
    (container,) = status["containerStatuses"]
    if not ready or "running" not in container["state"]:
        raise ValueError(f"the pod {pod['metadata']['name']} is not ready: its start has no end")
    return [
        Moment("created", at(pod["metadata"]["creationTimestamp"])),
        Moment("scheduled, volumes mounted, container begun", at(container["state"]["running"]["startedAt"])),
        *logged(log),
        Moment("seen ready by the kubelet", at(ready[0]["lastTransitionTime"])),
    ]


def logged(log: Iterable[str]) -> Iterator[Moment]:
    """The moments an agent's log tells of its first start, up to its first being ready."""
    first = True
    for line in log:
        entry = read(line)
        if entry is None:
            continue
        if first:
            yield Moment("program loaded", at(entry["time"]))
            first = False
        if entry["event"] == "prepared":
            yield Moment(str(entry["step"]), at(entry["time"]))
        elif entry["event"] == "child ready":
            yield Moment(f"{entry['child']} ready", at(entry["time"]))
        elif entry["event"] == "ready":
            yield Moment("all parts of the probe hold", at(entry["time"]))
            return


def read(line: str) -> dict[str, Any] | None:
    """A line of the log, None where it is none of ours."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and {"time", "event"} <= entry.keys() else None


def at(text: str) -> datetime:
    """A moment as Kubernetes and our log write it, with its time zone."""
    return datetime.fromisoformat(text)


def parts(told: Iterable[Moment]) -> list[Part]:
    """The seconds between each moment and the one before, and those of the whole.

    A moment that seems to lie before the last one, since it was cut to whole seconds, took no time.
    """
    begun, *rest = told
    found, last = [], begun.at
    for moment in rest:
        found.append(Part(moment.part, max(0.0, (moment.at - last).total_seconds())))
        last = max(last, moment.at)
    return [*found, Part("from creation to ready", (last - begun.at).total_seconds())]


def medians(starts: list[list[Part]]) -> list[Part]:
    """Each part's median over several starts, in the order of the first; a part not every start had is left out."""
    by_name = [{part.name: part.seconds for part in start} for start in starts]
    return [
        Part(part.name, statistics.median(start[part.name] for start in by_name))
        for part in starts[0]
        if all(part.name in start for start in by_name)
    ]
