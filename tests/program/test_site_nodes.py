"""Machines of another site as nodes of a region's cluster: what is declared for them, and an agent placed there."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from components.labels import Region
from components.network.mesh.keys import needed_keys
from components.network.mesh.planning import Mesh
from components.network.mesh.spec import MeshSpec
from infra.fleet import judge_folder
from infra.plan import RegionPlan
from infra.settings.models import Backup
from infra.stacks.cell import Cell
from runtime.contract import labels
from tests.infra.fleets import MACHINES, SITE, at_the_site, copy_fleet, with_site
from tests.mesh_keys import example_key
from tests.program.fleet import ORGANIZATION, SECRETS, committed, run, told
from tests.program.recording import Recording, Registered, record
from tests.stack_files import engine_config

RANGE = "10.32.0.0/24"
REGION = "use1"
OVERLAY = {("udp", 8472), ("udp", 51871), ("tcp", 4240)}
INGRESS, EGRESS = (f"aws:vpc/securityGroup{way}Rule:SecurityGroup{way}Rule" for way in ("Ingress", "Egress"))


def region(everywhere: dict[str, Any], nodes_at: list[dict[str, Any]]) -> Recording:
    config = committed(REGION)
    config["moltghost:mesh"]["nodes_at"] = nodes_at
    plans = Mesh(MeshSpec.model_validate_json(json.dumps(everywhere["mesh"]))).gateways()
    keys = {name: example_key(name) for plan in plans if plan.gateway.site == REGION for name in needed_keys(plan)}
    secrets = {**SECRETS["region"], "moltghost:meshKeys": json.dumps(keys)}
    return record(engine_config(config), secrets, {f"{ORGANIZATION}/global": everywhere})


@pytest.fixture(scope="module")
def everywhere(whole: dict[str, Recording]) -> dict[str, Any]:
    """What the global stack exports once it lists the site."""
    exported = told(whole["global"])
    site = {
        "name": SITE["name"],
        "number": SITE["number"],
        "ranges": SITE["ranges"],
        "neighbours": SITE["neighbours"],
        "gateways": [
            {"plane": each["plane"], "public_keys": {"1": each["keys"][0]["key"]}} for each in SITE["gateways"]
        ],
    }
    return {**exported, "mesh": {**exported["mesh"], "sites": [*exported["mesh"]["sites"], site]}}


@pytest.fixture(scope="module")
def made(everywhere: dict[str, Any]) -> Recording:
    return region(everywhere, [dict(MACHINES)])


@pytest.fixture(scope="module")
def plain(everywhere: dict[str, Any]) -> Recording:
    """The same region, joined to the same site, none of whose machines is a node."""
    return region(everywhere, [])


def rules(recording: Recording, type_: str) -> set[tuple[str, str, int, int, str]]:
    """Rules: their group, protocol, ports, and peer."""
    return {
        (
            str(each.inputs["securityGroupId"]),
            each.inputs["ipProtocol"],
            each.inputs["fromPort"],
            each.inputs["toPort"],
            str(each.inputs.get("cidrIpv4") or each.inputs.get("referencedSecurityGroupId")),
        )
        for each in recording.of(type_)
    }


def group(role: str) -> str:
    return f"platform-{REGION}-{role}-id"


def test_the_cluster_is_told_where_else_its_nodes_are_and_of_no_pods_there(made: Recording, plain: Recording) -> None:
    (cluster,) = made.of("aws:eks/cluster:Cluster")
    assert cluster.inputs["remoteNetworkConfig"] == {"remoteNodeNetworks": {"cidrs": [RANGE]}}
    assert "remoteNetworkConfig" not in plain.of("aws:eks/cluster:Cluster")[0].inputs


@pytest.mark.parametrize(("type_", "way"), [(INGRESS, "ingress"), (EGRESS, "egress")])
def test_what_passes_to_the_site_is_the_overlay_its_probes_and_the_kubelet_and_nothing_else(
    type_: str, way: str, made: Recording, plain: Recording
) -> None:
    added = rules(made, type_) - rules(plain, type_)
    overlay = {(group("nodes"), protocol, port, port, RANGE) for protocol, port in OVERLAY}
    passing = {(group("wireguard"), protocol, port, port, group("nodes")) for protocol, port in OVERLAY}
    kubelet = {
        "ingress": (group("wireguard"), "tcp", 10250, 10250, group("cluster")),
        "egress": (group("cluster"), "tcp", 10250, 10250, RANGE),
    }
    assert added == overlay | passing | {kubelet[way]}
    assert rules(plain, type_) <= rules(made, type_)


def test_machines_are_let_in_as_nodes_by_a_role_that_pulls_images_and_says_it_lives(
    made: Recording, plain: Recording
) -> None:
    (entry,) = [each for each in made.of("aws:eks/accessEntry:AccessEntry") if "site-nodes" in each.name]
    assert entry.inputs["type"] == "HYBRID_LINUX"
    assert {"kubernetesGroups", "userName"} & set(entry.inputs) == set()
    (policy,) = [each for each in made.of("aws:iam/rolePolicy:RolePolicy") if "site-nodes" in each.name]
    allowed = {each["Resource"]: each["Action"] for each in json.loads(policy.inputs["policy"])["Statement"]}
    assert allowed == {
        "arn:aws:eks:us-east-1:123456789012:cluster/platform-use1-cluster": ["eks:DescribeCluster"],
        "arn:aws:ssm:us-east-1:123456789012:managed-instance/*": ["ssm:UpdateInstanceInformation"],
    }
    attached = [each for each in made.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment") if "site" in each.name]
    assert [each.inputs["policyArn"].rpartition("/")[2] for each in attached] == ["AmazonEC2ContainerRegistryPullOnly"]
    assert not [each for each in plain.resources if "site-nodes" in each.name]


def test_a_machine_joins_with_its_sites_label_and_taint_and_no_activation_is_in_what_it_is_told(
    made: Recording, plain: Recording
) -> None:
    assert plain.exports["site_nodes"] == {}
    config = yaml.safe_load(made.exports["site_nodes"]["dc1"])["spec"]
    assert config["cluster"] == {"name": "platform-use1-cluster", "region": "us-east-1"}
    assert set(config["hybrid"]["ssm"].values()) == {""}
    joined, tainted = (flag.partition("=")[2].split(",") for flag in config["kubelet"]["flags"])
    assert joined == [f"{labels.PURPOSE}=gpu", f"{labels.GPU_CLASS}=l40s", f"{labels.SITE}=dc1"]
    assert f"{labels.SITE}=dc1:NoSchedule" in tainted
    assert "node.cilium.io/agent-not-ready=true:NoExecute" in tainted


def test_pods_packets_are_small_enough_for_a_tunnel_in_a_tunnel(made: Recording, plain: Recording) -> None:
    def mtu(recording: Recording) -> str | None:
        config = recording.one("kubernetes:core/v1:ConfigMap", f"platform-{REGION}-cilium-config")
        found: str | None = config.inputs["data"].get("mtu")
        return found

    assert mtu(made) == "1420"
    assert mtu(plain) is None


def test_everything_made_for_them_is_by_the_regions_own_provider_and_awaited(made: Recording) -> None:
    own = [each for each in made.resources if "site-nodes" in each.name]
    assert len(own) == 7
    assert all(each.provider for each in own if each.custom)
    assert {each.urn for each in own} <= made.awaited


@pytest.fixture(scope="module")
def sandboxes(made: Recording, whole: dict[str, Recording]) -> dict[str, Registered]:
    """Acme's agents, `helper` at the site."""
    config = committed("acme")
    at_the_site(config)
    recording = run(config, {**whole, REGION: made})
    return {each.name: each for each in recording.of("kubernetes:agents.x-k8s.io/v1beta1:Sandbox")}


def test_an_agent_placed_at_a_site_is_there_and_no_other_is(sandboxes: dict[str, Registered]) -> None:
    def pod(name: str) -> dict[str, Any]:
        found: dict[str, Any] = sandboxes[name].inputs["spec"]["podTemplate"]["spec"]
        return found

    own = {"key": labels.SITE, "operator": "Equal", "value": "dc1", "effect": "NoSchedule"}
    assert pod("acme-use1-helper")["nodeSelector"] == {labels.GPU_CLASS: "l40s", labels.SITE: "dc1"}
    assert own in pod("acme-use1-helper")["tolerations"]
    for elsewhere in ("acme-use1-analyst", "acme-usw2-helper"):
        assert labels.SITE not in json.dumps(pod(elsewhere)), elsewhere


def test_its_volume_is_a_disk_of_the_machine_it_runs_on(sandboxes: dict[str, Registered]) -> None:
    classes = {
        name: each.inputs["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"]
        for name, each in sandboxes.items()
    }
    assert {name for name, each in classes.items() if each == "moltghost-agent-local"} == {"acme-use1-helper"}


def test_a_region_that_is_not_joined_to_the_site_is_refused_before_anything_is_made(
    everywhere: dict[str, Any], tmp_path: Path
) -> None:
    from infra.stacks.region_mesh import place_in  # loads an SDK, which warns unless the program has

    with_site(copy_fleet(tmp_path))
    plan = judge_folder(tmp_path).plans[REGION]
    assert isinstance(plan, RegionPlan)
    place = place_in(everywhere["mesh"], plan)
    assert place is not None
    assert [each.name for each in place.among(["dc1"])] == ["dc1"]
    moved = json.loads(json.dumps(everywhere["mesh"]))
    moved["sites"][-1]["neighbours"] = ["usw2"]
    with pytest.raises(pulumi.RunError, match="joins use1 to no site dc1, whose machines are to be its nodes"):
        place_in(moved, plan)


@pytest.mark.usefixtures("whole")
def test_an_agent_at_a_site_that_has_no_nodes_of_its_regions_is_refused() -> None:
    from infra.stacks.tenant import require_sites  # as above

    def cell(sites: dict[str, str]) -> Cell:
        return Cell(
            region=Region(REGION), aws_region="us-east-1", account_id="1" * 12, backup=Backup(), gateway_namespace="g",
            never=(), agent_image="", edge_keys={}, artifacts={}, sites=sites,
        )  # fmt: skip

    require_sites({"helper": "dc1"}, [cell({}), cell({"helper": "dc1"})])
    with pytest.raises(pulumi.RunError, match="helper at dc1: no such site's machines are nodes of use1"):
        require_sites({"helper": "dc1"}, [cell({})])
