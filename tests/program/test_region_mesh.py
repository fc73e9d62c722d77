"""Regions as sites of the mesh: from the global stack that tells sites of each other, to gateways and what they may."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.components.network.mesh.test_delivery import unpacked
from tests.infra.departures import put, take
from tests.mesh_keys import example_keys, private_names
from tests.program.fleet import ORGANIZATION, SECRETS, committed, run, secrets_of, told
from tests.program.recording import Recording, Registered, Secret, record
from tests.stack_files import PROJECT, engine_config

REGION = "use1"
GATEWAYS = "moltghost:network:Gateways"
OTHERS = {"10.16.0.0/16", "10.20.0.0/16", "10.28.0.0/16"}
NEXT = """
import json, sys
from tests.program.test_region_mesh import again

again(json.loads(sys.argv[1]))
"""


def exporting(mesh: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    """What the global stack exports, as far as a region asks for it."""
    return {"edge_keys": {"keys": []}, "mesh": mesh, **more}


def region(
    stacks: dict[str, dict[str, Any]],
    change: Callable[[dict[str, Any]], object] = lambda _: None,
    secrets: dict[str, str] | None = None,
) -> Recording:
    """The region's recording; `stacks` are what other stacks export, by their short names."""
    config = committed(REGION)
    change(config)
    exported = {f"{ORGANIZATION}/{name}": one for name, one in stacks.items()}
    return record(engine_config(config), secrets_of(config) if secrets is None else secrets, exported)


def again(asked: dict[str, Any]) -> None:
    """A region that must fail, in a process of its own: the SDK leaves futures behind that fail."""
    region({"global": asked["exports"], "dev": asked.get("own", {})}, secrets=asked.get("secrets"))


def refused(**asked: Any) -> str:
    """What a region's program says that ends with an error."""
    command = [sys.executable, "-c", NEXT, json.dumps(asked)]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ended.returncode != 0, "the program went through"
    return ended.stderr


@pytest.fixture(scope="module")
def mesh(worker_script: None) -> dict[str, Any]:
    """What the committed global stack tells sites of each other."""
    exported: dict[str, Any] = run(committed("global"), {}).exports["mesh"]
    return exported


@pytest.fixture(scope="module")
def made(mesh: dict[str, Any]) -> Recording:
    return region({"global": exporting(mesh)})


def test_what_sites_are_told_holds_no_secret(mesh: dict[str, Any]) -> None:
    assert [each["name"] for each in mesh["sites"]] == ["sin", "jkt", "use1", "usw2"]
    text = json.dumps(mesh)
    assert not [key for key in json.loads(example_keys()).values() if key in text]


def test_a_region_makes_two_gateways_in_two_zones_at_the_addresses_others_are_told(
    made: Recording, mesh: dict[str, Any]
) -> None:
    instances = made.of("aws:ec2/instance:Instance")
    assert {each.inputs["availabilityZone"] for each in instances} == {"us-east-1a", "us-east-1b"}
    assert {each.inputs["ami"] for each in instances} == {committed(REGION)["moltghost:mesh"]["image"]}
    listed = next(each for each in mesh["sites"] if each["name"] == REGION)
    assert made.exports["mesh_addresses"] == {each["plane"]: each["endpoint"] for each in listed["gateways"]}
    given = {each.inputs["allocationId"] for each in made.of("aws:ec2/eipAssociation:EipAssociation")}
    assert given == {f"eipalloc-platform-{REGION}-mesh-{plane}" for plane in "ab"}


def test_a_gateways_bundle_leads_to_every_other_region_and_holds_its_own_keys(made: Recording) -> None:
    versions = made.of("aws:secretsmanager/secretVersion:SecretVersion")
    bundles = [each.inputs["secretBinary"] for each in versions]
    assert all(isinstance(each, Secret) for each in bundles)
    files = [unpacked(base64.b64decode(each.value)) for each in bundles]
    assert len(files) == 2
    for each in files:
        assert all(network in each["files/nftables.nft"] for network in OTHERS)
        assert "Endpoint = 203.0.113.1:5182" in each["files/wga1.conf"]
    held = {text for each in files for name, text in each.items() if name.startswith("keys/")}
    stored = json.loads(example_keys())
    foreign = {stored[name] for name in private_names() if not name.startswith(REGION)}
    assert not held & foreign


def test_the_vpc_lets_other_sites_to_the_api_and_to_the_ports_it_opens(mesh: dict[str, Any]) -> None:
    made = region({"global": exporting(mesh)}, put([9443], "moltghost:mesh", "ports"))
    rules = made.of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert {each.inputs["cidrIpv4"] for each in rules if "api-from-site" in each.name} == OTHERS
    opened = [each.inputs for each in rules if "mesh-9443-from-site" in each.name]
    assert {each["cidrIpv4"] for each in opened} == OTHERS
    assert {(each["fromPort"], each["toPort"]) for each in opened} == {(9443, 9443)}
    (tunnel,) = [each.inputs for each in rules if "tunnel-from" in each.name]
    assert (tunnel["ipProtocol"], tunnel["fromPort"], tunnel["toPort"]) == ("udp", 51820, 51827)


def test_every_zones_nodes_are_led_to_the_gateways(made: Recording) -> None:
    tables = {each.inputs["routeTableId"] for each in made.of("aws:vpc/routeServerPropagation:RouteServerPropagation")}
    nodes = {f"{each.name}-id" for each in made.of("aws:ec2/routeTable:RouteTable") if "nodes" in each.name}
    assert tables == nodes
    assert len(tables) == 3


def test_gateways_come_after_the_networks_way_out(made: Recording) -> None:
    gateways = made.one(GATEWAYS, f"platform-{REGION}-mesh")
    assert any("internetGateway" in urn for urn in gateways.depends_on)


def test_every_child_is_awaited_and_made_by_the_regions_own_provider(made: Recording) -> None:
    assert {each.urn for each in made.resources} <= made.awaited
    assert all(each.provider for each in made.resources if each.custom and not each.type.startswith("pulumi:"))


def only_addresses(recording: Recording) -> list[Registered]:
    assert not recording.of(GATEWAYS)
    assert not recording.of("aws:ec2/instance:Instance")
    return [each for each in recording.of("aws:ec2/eip:Eip") if "mesh" in each.name]


def test_a_region_that_is_not_joined_yet_has_its_addresses_made_and_says_them() -> None:
    recording = region({"global": exporting(None)}, put(False, "moltghost:mesh", "joined"), SECRETS["region"])
    assert len(only_addresses(recording)) == 2
    assert set(recording.exports["mesh_addresses"]) == {"a", "b"}


def test_a_region_no_site_knows_is_refused_so_that_none_loses_its_gateways_by_a_slip(mesh: dict[str, Any]) -> None:
    others = {**mesh, "sites": [each for each in mesh["sites"] if each["name"] != REGION]}
    for told_of in (None, others):
        assert "organization/moltghost/global knows no site use1" in refused(exports=exporting(told_of))


def test_a_region_without_gateways_has_no_address_of_theirs(mesh: dict[str, Any]) -> None:
    recording = region({"global": exporting(mesh)}, take("moltghost:mesh"))
    assert only_addresses(recording) == []
    assert recording.exports["mesh_addresses"] == {}


def test_a_region_listed_with_other_addresses_than_it_has_is_refused(mesh: dict[str, Any]) -> None:
    moved = json.loads(json.dumps(mesh))
    moved["sites"][2]["gateways"][0]["endpoint"] = "198.51.100.9"
    said = refused(exports=exporting(moved))
    assert "gateway use1-a has 203.0.113.5, and other sites are told 198.51.100.9" in said


def test_a_region_listed_as_what_it_is_not_is_refused_with_every_fault(mesh: dict[str, Any]) -> None:
    wrong = json.loads(json.dumps(mesh))
    wrong["sites"][2] |= {"ranges": ["10.24.0.0/17"], "underlay_mtu": 9001}
    said = refused(exports=exporting(wrong))
    assert "ranges: is not the region's VPC. Write [10.24.0.0/16]" in said
    assert "underlay_mtu: is too large" in said


def test_a_joined_region_needs_its_keys(mesh: dict[str, Any]) -> None:
    said = refused(exports=exporting(mesh), secrets=SECRETS["region"])
    assert "moltghost:meshKeys: is missing" in said


def test_keys_that_are_not_those_others_are_told_of_are_refused_and_not_shown(mesh: dict[str, Any]) -> None:
    keys = json.loads(example_keys(REGION))
    keys["use1-a/private-1"], keys["use1-b/private-1"] = keys["use1-b/private-1"], keys["use1-a/private-1"]
    said = refused(exports=exporting(mesh), secrets={**SECRETS["region"], "moltghost:meshKeys": json.dumps(keys)})
    assert "other keys than others are told of use1-a (generation 1), use1-b (generation 1)" in said
    assert not [key for key in keys.values() if key in said]


def test_where_a_regions_connections_come_from_is_exported(made: Recording) -> None:
    assert len(made.exports["nat_addresses"]) == 3


def test_a_cluster_that_would_skip_a_version_is_refused_by_what_it_runs(mesh: dict[str, Any]) -> None:
    said = refused(exports=exporting(mesh), own={"eks": {"name": "platform-use1-cluster", "version": "1.34"}})
    assert "the cluster runs 1.34; 1.36 skips 1.35: set version to 1.35 first" in said


def test_a_cluster_says_its_version_and_goes_one_step_up(mesh: dict[str, Any], made: Recording) -> None:
    assert made.exports["eks"] == {"name": "platform-use1-cluster", "version": "1.36"}
    stacks = {"global": exporting(mesh), "dev": {"eks": {"name": "platform-use1-cluster", "version": "1.35"}}}
    (cluster,) = region(stacks).of("aws:eks/cluster:Cluster")
    assert cluster.inputs["version"] == "1.36"


def test_agents_of_a_tenant_with_nodes_of_its_own_run_there_and_nowhere_else(
    mesh: dict[str, Any], made: Recording, whole: dict[str, Recording]
) -> None:
    own = region({"global": exporting(mesh)}, put("acme", "moltghost:pools", "l40s", "tenant"))
    assert own.exports["dedicated"] == {"acme": ["l40s"]}
    assert made.exports["dedicated"] == {}
    stacks = {name: told(one) for name, one in whole.items()} | {REGION: told(own)}
    exported = {f"{ORGANIZATION}/{name}": one for name, one in stacks.items()}
    sandboxes = record(engine_config(committed("acme")), SECRETS["tenant"], exported).of(
        "kubernetes:agents.x-k8s.io/v1beta1:Sandbox"
    )
    assert {each.name for each in sandboxes if "use1" in each.name} == {"acme-use1-helper", "acme-use1-analyst"}
    for each in sandboxes:
        pod = each.inputs["spec"]["podTemplate"]["spec"]
        alone = "use1" in each.name
        assert ("moltghost.io/tenant" in pod["nodeSelector"]) is alone
        assert any(one.get("value") == "acme" for one in pod["tolerations"]) is alone


MACHINE = {
    "address": "gw.example.com",
    "host_key": "ssh-ed25519 AAAA",
    "underlay": "eth0",
    "lan": "eth1",
    "lan_address": "172.20.0.4",
}


def test_gateways_outside_the_cloud_are_configured_by_the_global_stack(worker_script: None) -> None:
    config = committed("global")
    site = json.loads(json.dumps(config["moltghost:sites"][3]))
    listed = [own | {"machine": {**MACHINE, "address": f"gw-{own['plane']}.example.com"}} for own in site["gateways"]]
    config["moltghost:sites"][3] = site | {"name": "usw2", "ranges": ["10.28.0.0/16"]}
    outside = {"name": "usw2", "kind": "gpu", "number": 4, "ranges": ["10.28.0.0/16"], "gateways": listed}
    for own in listed:
        own["machine"]["lan_address"] = "10.28.0.4"
    config["moltghost:sites"][3] = outside
    secrets = {**SECRETS["global"], "moltghost:meshKeys": example_keys("usw2"), "moltghost:meshSshKey": "an SSH key"}
    recording = record(engine_config(config), secrets, {})
    commands = recording.of("command:remote:Command")
    assert {each.name for each in commands} == {"platform-global-mesh-usw2-a", "platform-global-mesh-usw2-b"}
    for each in commands:
        assert isinstance(each.inputs["stdin"], Secret)
        assert isinstance(each.inputs["connection"], Secret) or isinstance(
            each.inputs["connection"]["privateKey"], Secret
        )
    clear = json.dumps([each.inputs for each in recording.resources], default=lambda _secret: "(secret)")
    assert not [key for key in json.loads(example_keys()).values() if key in clear]
