"""Which claims get a volume, what it looks like, which volumes are deleted."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from infra.local.cluster.gpus import lacks_gpus
from infra.local.cluster.volumes import (
    CLAIM_MARK,
    PROVISIONER,
    VOLUME_MARK,
    build_volume,
    volume_name,
    wanted_bytes,
    wants_deletion,
    wants_volume,
)

CLAIM: dict[str, Any] = {
    "metadata": {"namespace": "acme", "name": "data", "uid": "u-1", "annotations": {CLAIM_MARK: PROVISIONER}},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "50Gi"}},
    },
}
VOLUME: dict[str, Any] = {
    "metadata": {"name": "pvc-u-1", "annotations": {VOLUME_MARK: PROVISIONER}},
    "spec": {"persistentVolumeReclaimPolicy": "Delete"},
    "status": {"phase": "Released"},
}


def changed(item: dict[str, Any], *path: str, value: Any) -> dict[str, Any]:
    copy = deepcopy(item)
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return copy


def test_a_marked_claim_without_volume_gets_one() -> None:
    assert wants_volume(CLAIM)


@pytest.mark.parametrize(
    "claim",
    [
        changed(CLAIM, "metadata", "annotations", value={CLAIM_MARK: "another.io/provisioner"}),
        changed(CLAIM, "metadata", "annotations", value=None),
        changed(CLAIM, "spec", "volumeName", value="pvc-u-1"),
        changed(CLAIM, "metadata", "deletionTimestamp", value="2026-01-01T00:00:00Z"),
    ],
)
def test_any_other_claim_is_left_alone(claim: dict[str, Any]) -> None:
    assert not wants_volume(claim)


def test_a_volume_is_the_claims_alone_and_on_its_node(tmp_path: Path) -> None:
    volume = build_volume(CLAIM, "Retain", tmp_path, "n1")
    spec = volume["spec"]
    assert spec["claimRef"]["uid"] == "u-1"
    assert (spec["capacity"], spec["accessModes"]) == ({"storage": "50Gi"}, ["ReadWriteOnce"])
    assert spec["persistentVolumeReclaimPolicy"] == "Retain"
    (term,) = spec["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == ["n1"]


def test_a_claims_name_never_reaches_a_path() -> None:
    assert volume_name(changed(CLAIM, "metadata", "name", value="../../etc")) == "pvc-u-1"


def test_a_released_volume_of_ours_is_deleted() -> None:
    assert wants_deletion(VOLUME)


@pytest.mark.parametrize(
    "volume",
    [
        changed(VOLUME, "metadata", "annotations", value={}),
        changed(VOLUME, "status", "phase", value="Bound"),
        changed(VOLUME, "spec", "persistentVolumeReclaimPolicy", value="Retain"),
        changed(VOLUME, "metadata", "deletionTimestamp", value="2026-01-01T00:00:00Z"),
    ],
)
def test_any_other_volume_stays(volume: dict[str, Any]) -> None:
    assert not wants_deletion(volume)


@pytest.mark.parametrize(
    ("size", "wanted"), [("50Gi", 50 << 30), ("1G", 10**9), ("1.5Ki", 1536), ("100m", 1), ("4096", 4096)]
)
def test_a_claim_gets_the_bytes_it_asks_for(size: str, wanted: int) -> None:
    assert wanted_bytes(changed(CLAIM, "spec", "resources", "requests", "storage", value=size)) == wanted


@pytest.mark.parametrize(
    ("status", "lacks"),
    [
        ({}, True),
        ({"capacity": {"nvidia.com/gpu": "8"}, "allocatable": {"nvidia.com/gpu": "0"}}, True),
        ({"capacity": {"nvidia.com/gpu": "8"}, "allocatable": {"nvidia.com/gpu": "8"}}, False),
    ],
)
def test_gpus_are_missed_wherever_they_are_absent(status: dict[str, Any], lacks: bool) -> None:
    assert lacks_gpus({"status": status}) is lacks
