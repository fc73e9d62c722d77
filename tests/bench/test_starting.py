"""Where a start's time went is read off what is there: the pod's status and the agent's log."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.starting import Moment, Part, medians, moments, parts

POD: dict[str, Any] = {
    "metadata": {"name": "helper", "creationTimestamp": "2026-11-21T06:00:00Z"},
    "status": {
        "conditions": [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-11-21T06:00:00Z"},
            {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-21T06:00:19Z"},
        ],
        "containerStatuses": [{"state": {"running": {"startedAt": "2026-11-21T06:00:02Z"}}}],
    },
}


def line(second: float, event: str, **fields: object) -> str:
    time = datetime(2026, 11, 21, 6, tzinfo=UTC) + timedelta(seconds=second)
    return json.dumps({"time": time.isoformat(timespec="milliseconds"), "event": event, **fields})


LOG = [
    "a word of some library's",
    line(2.5, "serving", port=1),
    line(3.5, "prepared", step="model copied"),
    line(3.6, "started", child="ollama", pid=7),
    "[1, 2]",
    line(5.5, "child ready", child="ollama", seconds=1.9),
    line(17.0, "child ready", child="openclaw", seconds=11.5),
    line(18.5, "ready", failing=[]),
    line(60.0, "child ready", child="openclaw", seconds=11.5),
    line(70.0, "ready", failing=[]),
]


def test_each_part_lasts_from_the_one_before_to_its_own_end() -> None:
    assert parts(moments(POD, LOG)) == [
        Part("scheduled, volumes mounted, container begun", 2.0),
        Part("program loaded", 0.5),
        Part("model copied", 1.0),
        Part("ollama ready", 2.0),
        Part("openclaw ready", 11.5),
        Part("all parts of the probe hold", 1.5),
        Part("seen ready by the kubelet", 0.5),
        Part("from creation to ready", 19.0),
    ]


def test_a_moment_cut_to_whole_seconds_takes_no_time_rather_than_less_than_none() -> None:
    log = [line(2.5, "serving"), line(19.4, "ready")]
    *_, seen, whole = parts(moments(POD, log))
    assert (seen.seconds, whole.seconds) == (0.0, 19.4)


@pytest.mark.parametrize("broken", [{"conditions": []}, {"containerStatuses": [{"state": {"waiting": {}}}]}])
def test_a_pod_that_was_never_ready_has_no_figure(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="the pod helper is not ready"):
        moments({**POD, "status": {**POD["status"], **broken}}, LOG)


@given(st.lists(st.integers(0, 10**6), min_size=1))
def test_the_parts_make_up_the_whole_whatever_the_clocks_say(milliseconds: list[int]) -> None:
    begun = datetime(2026, 11, 21, tzinfo=UTC)
    told = [Moment(str(number), begun + timedelta(milliseconds=at)) for number, at in enumerate([0, *milliseconds])]
    *found, whole = parts(told)
    assert all(part.seconds >= 0 for part in found)
    assert sum(part.seconds for part in found) == pytest.approx(whole.seconds)


def test_a_median_is_of_one_part_over_all_starts() -> None:
    starts = [[Part("a", 1), Part("model copied", 9)], [Part("a", 5)], [Part("a", 2)]]
    assert medians(starts) == [Part("a", 2)]
