"""The catalogue against AWS's recorded answers, and what it refuses."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import moto
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.cluster.catalogue import GPU_CLASSES, INSTANCE_TYPES, InstanceType, mismatches, nodes_for, offered_in

ANSWERS = Path(moto.__file__).parent / "ec2" / "resources"
NAMES = sorted(INSTANCE_TYPES)


@cache
def answered(*parts: str) -> Any:
    return json.loads(gzip.decompress(ANSWERS.joinpath(*parts).read_bytes()))


def recorded_regions(name: str) -> set[str]:
    folder = ANSWERS / "instance_type_offerings" / "region"
    return {
        file.name.removesuffix(".json.gz")
        for file in folder.glob("*.json.gz")
        if any(offer["InstanceType"] == name for offer in answered(*file.relative_to(ANSWERS).parts))
    }


def stated_gbps(performance: str) -> float:
    """`Up to 12.5 Gigabit`, `4x 100 Gigabit`."""
    words = performance.removeprefix("Up to ").split()
    cards = int(words[0].removesuffix("x")) if words[0].endswith("x") else 1
    return cards * float(words[-2])


@pytest.mark.parametrize("name", NAMES)
def test_every_number_is_the_one_aws_gives(name: str) -> None:
    ours, theirs = INSTANCE_TYPES[name], answered("instance_types.json.gz")[name]
    gpus = theirs.get("GpuInfo", {}).get("Gpus", [])
    storage = theirs.get("InstanceStorageInfo", {})
    assert ours.gpus == sum(each["Count"] for each in gpus)
    assert ours.gpu_class == (gpus[0]["Name"].lower() if gpus else None)
    assert ours.gpu_memory_gib == (gpus[0]["MemoryInfo"]["SizeInMiB"] / 1024 if gpus else 0)
    assert ours.vcpus == theirs["VCpuInfo"]["DefaultVCpus"]
    assert ours.memory_gib * 1024 == theirs["MemoryInfo"]["SizeInMiB"]
    assert ours.nvme_gb == storage.get("TotalSizeInGB", 0)
    assert ours.nvme_disks == sum(disk["Count"] for disk in storage.get("Disks", []))
    assert ours.network_gbps == stated_gbps(theirs["NetworkInfo"]["NetworkPerformance"])
    assert ours.epyc == (theirs["ProcessorInfo"]["Manufacturer"] == "AMD")
    assert ours.capacity_blocks == ("capacity-block" in theirs["SupportedUsageClasses"])
    assert set(ours.aws_regions) == recorded_regions(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_local_disk_is_encrypted_by_the_hardware(name: str) -> None:
    if INSTANCE_TYPES[name].nvme_disks:
        assert answered("instance_types.json.gz")[name]["InstanceStorageInfo"]["EncryptionSupport"] == "required"


def test_every_class_has_a_type_somewhere_and_every_type_a_region() -> None:
    assert {each.gpu_class for each in INSTANCE_TYPES.values()} == {*GPU_CLASSES, None}
    assert all(each.aws_regions for each in INSTANCE_TYPES.values())


def test_a_region_is_told_what_it_offers_smallest_first() -> None:
    assert offered_in("us-east-1", "h100") == ("p5.4xlarge", "p5.48xlarge")
    assert offered_in("ap-southeast-1", "h100") == ()


@pytest.mark.parametrize(
    ("instance_type", "region", "gpu_class", "block", "local", "field", "words"),
    [
        ("p9.huge", "us-east-1", "h100", False, False, "instance_type", "not in the catalogue"),
        ("p5.48xlarge", "ap-southeast-1", "h100", False, False, "instance_type", "not offered in ap-southeast-1"),
        ("p5.48xlarge", "us-east-1", "a100", False, False, "gpu_class", "class h100"),
        ("m7i.xlarge", "us-east-1", "l40s", False, False, "gpu_class", "no GPU"),
        ("g6e.xlarge", "us-east-1", "l40s", True, False, "capacity", "not sold in Capacity Blocks"),
        ("g6e.48xlarge", "us-east-1", "l40s", False, True, "storage", "4 local disks for 8 GPUs"),
        ("m7i.xlarge", "us-east-1", None, False, True, "storage", "0 local disks"),
    ],
)
def test_a_pool_the_catalogue_refuses(
    instance_type: str, region: str, gpu_class: Any, block: bool, local: bool, field: str, words: str
) -> None:
    (found,) = mismatches(instance_type, region, gpu_class, block=block, local=local)
    assert found.field == field
    assert words in found.message
    assert found.remedy


def test_all_that_is_wrong_is_said_at_once() -> None:
    found = mismatches("g6e.48xlarge", "ap-southeast-1", "h100", block=True, local=True)
    assert [each.field for each in found] == ["instance_type", "gpu_class", "capacity", "storage"]


def test_a_good_pool_is_let_through() -> None:
    assert mismatches("p5.48xlarge", "ap-southeast-3", "h100", block=True, local=True) == []
    assert mismatches("m7i.xlarge", "ap-southeast-3", None, block=False, local=False) == []


@given(st.sampled_from(list(INSTANCE_TYPES.values())), st.integers(-8, 200))
def test_gpus_are_held_by_whole_nodes_or_refused(each: InstanceType, gpus: int) -> None:
    if each.gpus and gpus >= 0 and gpus % each.gpus == 0:
        assert nodes_for(gpus, each.name) * each.gpus == gpus
    else:
        with pytest.raises(ValueError, match="no whole number"):
            nodes_for(gpus, each.name)
