"""Pools: what is refused, and what nodes, EC2 and the autoscaler are told."""

import base64
from email import message_from_string
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components.agent.manifests import build_pod
from components.cluster import pools_manifests as manifests
from components.cluster.pools_spec import Block, PoolSpec, Reservation
from components.quantities import GPU
from runtime.contract import labels
from tests.components.specs import A100_POOL, AGENT, H100_POOL, L40S_POOL, MEMORY_POOL, POOLS, SYSTEM_POOL

GROUPS = {group.role: group for pool in manifests.plan_groups(POOLS) for group in pool}


def template(role: str) -> dict[str, Any]:
    return manifests.build_launch_template(GROUPS[role], "KEY", ["sg-1"])


def node_group(role: str) -> dict[str, Any]:
    return manifests.build_node_group(GROUPS[role])


@pytest.mark.parametrize("pool", POOLS.pools, ids=lambda pool: pool.name)
def test_a_good_pool_is_let_through(pool: PoolSpec) -> None:
    assert manifests.pool_problems(pool, "us-east-1") == []


@pytest.mark.parametrize(
    ("pool", "change", "field", "words"),
    [
        (L40S_POOL, {"gpu_class": None}, "gpu_class", "needs a class"),
        (L40S_POOL, {"gpu_class": "h100"}, "gpu_class", "class l40s"),
        (SYSTEM_POOL, {"gpu_class": "l40s"}, "gpu_class", "no class"),
        (L40S_POOL, {"instance_type": "g5.xlarge"}, "instance_type", "not in the catalogue"),
        (L40S_POOL, {"release": "1.36.2-20250601"}, "release", "known holes"),
        (MEMORY_POOL, {"instance_type": "m7i.xlarge"}, "instance_type", "no EPYC type"),
        (MEMORY_POOL, {"tenant": "acme"}, "tenant", "only nodes that agents run on"),
        (L40S_POOL, {"min_nodes": 8}, "min_nodes", "more than max_nodes"),
        (L40S_POOL, {"max_nodes": 2}, "max_nodes", "without a node"),
        (L40S_POOL, {"zones": ("us-east-1a", "us-east-1a")}, "zones", "twice"),
        (L40S_POOL, {"zones": ("us-west-2a",)}, "zones", "no zone of us-east-1"),
        (L40S_POOL, {"capacity": Reservation(id="cr-00000000")}, "zones", "one zone"),
        (L40S_POOL, {"storage": "local", "min_nodes": 7}, "storage", "2 local disks for 4 GPUs"),
        (A100_POOL, {"min_nodes": 0}, "min_nodes", "no autoscaler can tell"),
        (SYSTEM_POOL, {"min_nodes": 1}, "min_nodes", "no second node"),
    ],
)
def test_a_bad_pool_is_refused_by_the_field_that_is_wrong(
    pool: PoolSpec, change: dict[str, Any], field: str, words: str
) -> None:
    found = manifests.pool_problems(pool.model_copy(update=change), "us-east-1")
    assert any(each.field == field and words in each.message and each.remedy for each in found), found


def test_a_region_without_the_type_refuses_it() -> None:
    found = manifests.pool_problems(H100_POOL, "ap-southeast-1")
    assert any("not offered in ap-southeast-1" in each.message for each in found)


@given(st.integers(0, 500), st.integers(1, 6))
def test_nodes_are_spread_evenly_and_none_is_lost(total: int, zones: int) -> None:
    shares = manifests.spread(total, [f"z{at}" for at in range(zones)])
    assert sum(shares) == total
    assert max(shares) - min(shares) <= 1


@pytest.mark.parametrize("role", GROUPS)
def test_the_metadata_service_is_out_of_a_pods_reach(role: str) -> None:
    options = template(role)["metadata_options"]
    assert (options["http_tokens"], options["http_put_response_hop_limit"]) == ("required", 1)


@pytest.mark.parametrize("role", GROUPS)
def test_a_node_has_no_public_address_and_its_disk_is_encrypted_with_our_key(role: str) -> None:
    (disk,) = template(role)["block_device_mappings"]
    (interface,) = template(role)["network_interfaces"]
    assert (disk["ebs"]["encrypted"], disk["ebs"]["kms_key_id"]) == ("true", "KEY")
    assert interface["associate_public_ip_address"] == "false"


@pytest.mark.parametrize("role", GROUPS)
def test_a_node_joins_with_ciliums_taint_and_its_ami_is_pinned(role: str) -> None:
    built = node_group(role)
    assert built["taints"][0] == {"key": "node.cilium.io/agent-not-ready", "value": "true", "effect": "NO_EXECUTE"}
    assert built["release_version"] == GROUPS[role].pool.release
    assert built["update_config"] == {"max_unavailable": 1}


@pytest.mark.parametrize("role", GROUPS)
def test_a_gpu_node_takes_agents_and_nothing_else(role: str) -> None:
    pool, built = GROUPS[role].pool, node_group(role)
    keys = {taint["key"] for taint in built["taints"]}
    assert (GPU in keys) == (pool.purpose == "gpu")
    assert (labels.GPU_CLASS in built["labels"]) == (pool.purpose == "gpu")
    assert built["ami_type"] == ("AL2023_x86_64_NVIDIA" if pool.purpose == "gpu" else "AL2023_x86_64_STANDARD")


@pytest.mark.parametrize("pool", [L40S_POOL, H100_POOL, A100_POOL], ids=lambda pool: pool.name)
def test_an_agents_pod_finds_its_nodes(pool: PoolSpec) -> None:
    spec = AGENT.model_copy(update={"gpu_class": pool.gpu_class, "dedicated_nodes": pool.tenant is not None})
    pod = build_pod(spec)
    assert pod["nodeSelector"].items() <= manifests.build_labels(pool).items()
    for taint in manifests.build_taints(pool)[1:]:
        assert any(tolerates(each, taint) for each in pod["tolerations"]), taint


def test_another_customers_agent_stays_off_a_dedicated_node() -> None:
    for spec in (
        AGENT.model_copy(update={"gpu_class": "a100"}),
        AGENT.model_copy(update={"gpu_class": "a100", "tenant": "globex", "dedicated_nodes": True}),
    ):
        pod = build_pod(spec)
        kept_off = [
            taint
            for taint in manifests.build_taints(A100_POOL)[1:]
            if not any(tolerates(each, taint) for each in pod["tolerations"])
        ]
        assert [taint.key for taint in kept_off] == [labels.TENANT]


def tolerates(toleration: dict[str, str], taint: manifests.Taint) -> bool:
    return (
        toleration["key"] == taint.key
        and toleration["effect"] == taint.effect
        and (toleration["operator"] == "Exists" or toleration.get("value") == taint.value)
    )


def test_capacity_comes_from_where_it_was_bought() -> None:
    block, reservation, bought = template("agents-h100-a"), template("agents-a100-a"), template("agents-l40s-a")
    assert block["instance_market_options"] == {"market_type": "capacity-block"}
    assert node_group("agents-h100-a")["capacity_type"] == "CAPACITY_BLOCK"
    target = block["capacity_reservation_specification"]["capacity_reservation_target"]
    assert isinstance(H100_POOL.capacity, Block)
    assert target == {"capacity_reservation_id": H100_POOL.capacity.id}
    assert (
        reservation["capacity_reservation_specification"]["capacity_reservation_preference"]
        == "capacity-reservations-only"
    )
    assert "instance_market_options" not in reservation
    assert not {"capacity_reservation_specification", "instance_market_options"} & set(bought)


def test_an_empty_group_tells_the_autoscaler_what_its_nodes_will_be() -> None:
    tags = manifests.build_autoscaler_tags(GROUPS["agents-l40s-b"])
    assert node_group("agents-l40s-b")["scaling_config"]["min_size"] == 0
    start = "k8s.io/cluster-autoscaler/node-template"
    assert tags[f"{start}/resources/{GPU}"] == "4"
    assert tags[f"{start}/label/{labels.GPU_CLASS}"] == "l40s"
    assert tags[f"{start}/taint/{GPU}"] == "present:NoSchedule"
    assert tags[f"{start}/label/topology.kubernetes.io/zone"] == "us-east-1b"
    assert not any("cilium" in tag for tag in tags)


def test_user_data_is_what_nodeadm_and_cloud_init_read() -> None:
    def parts(pool: PoolSpec) -> dict[str, str]:
        whole = message_from_string(base64.b64decode(manifests.build_user_data(pool)).decode())
        return {part.get_content_type(): str(part.get_payload()) for part in whole.walk() if not part.is_multipart()}

    plain, gpus = parts(SYSTEM_POOL), parts(A100_POOL)
    assert set(plain) == {"application/node.eks.aws"}
    config = yaml.safe_load(gpus["application/node.eks.aws"])
    assert config["spec"]["instance"]["localStorage"]["strategy"] == "Mount"
    assert "accept-nvidia-visible-devices-envvar-when-unprivileged=false" in gpus["text/x-shellscript"]
    assert "instance" not in yaml.safe_load(plain["application/node.eks.aws"])["spec"]
