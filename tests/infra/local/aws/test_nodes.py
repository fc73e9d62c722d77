"""What an instance joins a cluster as, and what becomes of it as its own programs come up."""

from typing import Any

from components.cluster.cilium_manifests import NOT_READY_TAINT
from infra.local.aws.eks.agents import CILIUM, DEVICE_PLUGIN, runs_on, untainted, with_gpus
from infra.local.aws.eks.ebs import DRIVER, SELECTED_NODE, build_request, build_volume, wants_deletion, wants_volume
from infra.local.aws.eks.nodes import Instance, InstanceKind, build_node, instance_kind
from infra.local.cluster.volumes import CLAIM_MARK

P5 = InstanceKind("p5.48xlarge", 192, 2097152, 8)
M7A = InstanceKind("m7a.2xlarge", 8, 32768, 0)
TAINTS = [
    {"key": NOT_READY_TAINT, "value": "true", "effect": "NO_EXECUTE"},
    {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"},
]


def node(kind: InstanceKind = P5) -> dict[str, Any]:
    instance = Instance("i-1", "ip-10-0-0-1.ec2.internal", "us-east-1a")
    made = build_node("gpu-a", {"pool": "h100"}, TAINTS, kind, "ON_DEMAND", instance)
    made["metadata"]["resourceVersion"] = "7"
    return made


def pod(labels: dict[str, str], ready: str = "True", on: str = "one") -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready}]
    return {
        "metadata": {"labels": {**labels, "more": "x"}},
        "spec": {"nodeName": on},
        "status": {"conditions": conditions},
    }


def test_an_instance_type_is_read_as_ec2_describes_it() -> None:
    gpus = {"Gpus": [{"Count": 8}]}
    about = {"VCpuInfo": {"DefaultVCpus": 192}, "MemoryInfo": {"SizeInMiB": 2097152}, "InstanceType": "p5.48xlarge"}
    assert instance_kind({**about, "GpuInfo": gpus}) == P5
    assert instance_kind(about).gpus == 0


def test_a_node_is_as_big_as_its_type_and_says_where_it_is() -> None:
    made = node()
    assert made["status"]["capacity"]["cpu"] == "192"
    assert made["spec"]["providerID"] == "aws:///us-east-1a/i-1"
    assert made["metadata"]["labels"]["topology.kubernetes.io/region"] == "us-east-1"
    assert [taint["effect"] for taint in made["spec"]["taints"]] == ["NoExecute", "NoSchedule"]


def test_a_program_counts_only_once_it_is_ready_on_the_very_node() -> None:
    assert runs_on({"a": pod(CILIUM)}, "one", CILIUM)
    assert not runs_on({"a": pod(CILIUM, on="two")}, "one", CILIUM)
    assert not runs_on({"a": pod(CILIUM, ready="False")}, "one", CILIUM)
    assert not runs_on({"a": pod(DEVICE_PLUGIN)}, "one", CILIUM)


def test_ciliums_taint_goes_and_no_other() -> None:
    change = untainted(node())
    assert change is not None
    assert [taint["key"] for taint in change["spec"]["taints"]] == ["nvidia.com/gpu"]
    assert change["metadata"] == {"resourceVersion": "7"}
    assert untainted({"metadata": {}, "spec": change["spec"]}) is None


def test_gpus_come_once_and_only_where_the_type_has_them() -> None:
    made = node()
    change = with_gpus(made)
    assert change == {"status": {"capacity": {"nvidia.com/gpu": "8"}, "allocatable": {"nvidia.com/gpu": "8"}}}
    made["status"]["allocatable"]["nvidia.com/gpu"] = "8"
    assert with_gpus(made) is None
    assert with_gpus(node(M7A)) is None


def claim(**annotations: str) -> dict[str, Any]:
    marks = {CLAIM_MARK: DRIVER, SELECTED_NODE: "one"} | annotations
    return {
        "metadata": {"name": "data", "namespace": "acme", "uid": "u", "annotations": marks},
        "spec": {
            "storageClassName": "agents",
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "50G"}},
        },
    }


def test_a_claim_waits_for_its_pods_node() -> None:
    assert wants_volume(claim())
    unplaced = claim()
    del unplaced["metadata"]["annotations"][SELECTED_NODE]
    assert not wants_volume(unplaced)
    assert not wants_volume(claim(**{CLAIM_MARK: "another.example"}))
    bound = claim()
    bound["spec"]["volumeName"] = "pvc-u"
    assert not wants_volume(bound)


def test_a_volume_is_asked_for_as_its_class_says() -> None:
    asked = build_request(claim(), {"type": "gp3", "encrypted": "true", "kmsKeyId": "arn:key"}, "us-east-1a")
    assert (asked["Size"], asked["Encrypted"], asked["KmsKeyId"], asked["ClientToken"]) == (
        47,
        True,
        "arn:key",
        "pvc-u",
    )
    plain = build_request(claim(), {"kmsKeyId": "arn:key"}, "us-east-1a")
    assert (plain["Encrypted"], "KmsKeyId" in plain) == (False, False)


def test_only_a_released_volume_of_ebs_that_is_not_kept_is_deleted() -> None:
    def volume(reclaim: str, phase: str, driver: str = DRIVER) -> dict[str, Any]:
        made = build_volume(claim(), reclaim, "vol-1", "us-east-1a")
        made["spec"]["csi"]["driver"] = driver
        return {**made, "status": {"phase": phase}}

    assert wants_deletion(volume("Delete", "Released"))
    assert not wants_deletion(volume("Retain", "Released"))
    assert not wants_deletion(volume("Delete", "Bound"))
    assert not wants_deletion(volume("Delete", "Released", "another.example"))
