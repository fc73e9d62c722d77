"""A region's gateways by the real engine: addresses first, then the gateways; that they stay so, and that they go.

Routes are fixed: moto has no VPC Route Server.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from infra.local.engine import EngineError
from infra.local.providers.aws.session import Session
from tests.components.network.mesh.test_delivery import unpacked
from tests.infra.local.providers.aws.conftest import provider_settings
from tests.infra.local.providers.conftest import Program
from tests.mesh_keys import committed_mesh, example_keys
from tests.stack_files import PROJECT

REGION, AWS_REGION = "use1", "us-east-1"
PROGRAM = """
import json, sys
from pathlib import Path

from components.network.component import Network, NetworkArgs
from infra import providers
from infra.plan import plan_stack
from infra.settings import draft_settings, read_file
from infra.stacks import cluster_specs, region_mesh

plan = plan_stack(draft_settings(read_file(Path({file!r}))))
place = region_mesh.place_in(json.loads(Path({told!r}).read_text()), plan)
aws = providers.aws_provider(plan.region, plan.cell.aws.region, plan.cell.aws.account_id, {endpoint!r})
spec = cluster_specs.network_spec(plan, plan.settings.eks, place)
network = Network("network", NetworkArgs(spec=spec, aws=aws))
ground = region_mesh.MeshGround(network=network, spec=spec, aws=aws)
for plane, address in region_mesh.make_gateways(plan, plan.settings.mesh, place, ground).items():
    pulumi.export(plane, address)
"""


@pytest.fixture(autouse=True)
def aws_own_policies(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account has AWS's own policies, as it has on a machine: gateways are given one of them."""
    monkeypatch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    httpx.post(f"{endpoint}/moto-api/reset", trust_env=False).raise_for_status()


@pytest.fixture
def ec2(endpoint: str) -> Iterator[Any]:
    """A client of the test's own, in the AWS region the gateways are in."""
    session = Session({**provider_settings(endpoint), "region": AWS_REGION})
    yield session.client("ec2")
    session.close()


def write(folder: Path, *, joined: bool, addresses: dict[str, str]) -> None:
    """The region's stack file, and what the global stack tells it."""
    config = yaml.safe_load((PROJECT / f"Pulumi.{REGION}.yaml").read_text())["config"]
    config["moltghost:mesh"] |= {"joined": joined, "routing": "static"}
    config["moltghost:eks"]["delete_with_stack"] = True
    (folder / "Pulumi.use1.yaml").write_text(yaml.safe_dump({"config": config}))
    told = committed_mesh().spec.model_dump(mode="json")
    site = next(each for each in told["sites"] if each["name"] == REGION)
    for own in site["gateways"]:
        own["endpoint"] = addresses.get(own["plane"], own["endpoint"])
        own["public_keys"] = public_keys(own["plane"])
    (folder / "mesh.json").write_text(json.dumps(told))


def public_keys(plane: str) -> dict[str, str]:
    """The public keys the committed global stack tells of a gateway."""
    sites = yaml.safe_load((PROJECT / "Pulumi.global.yaml").read_text())["config"]["moltghost:sites"]
    own = next(each for site in sites if site["name"] == REGION for each in site["gateways"] if each["plane"] == plane)
    return {str(key["generation"]): key["key"] for key in own["keys"]}


@pytest.fixture
def program(make_program: Callable[[str, dict[str, str]], Program], endpoint: str, tmp_path: Path) -> Program:
    made = make_program("aws", provider_settings(endpoint))
    made.head = "import pulumi\n"
    made.engine.set_secret("tiny:meshKeys", example_keys(REGION))
    write(tmp_path, joined=False, addresses={})
    files = {"file": str(tmp_path / "Pulumi.use1.yaml"), "told": str(tmp_path / "mesh.json")}
    made.write(PROGRAM.format(endpoint=endpoint, **files))
    return made


def test_a_region_becomes_a_site_in_two_steps_stays_one_and_goes(
    program: Program, ec2: Any, endpoint: str, tmp_path: Path
) -> None:
    program.up()
    addresses = program.engine.stack_output()
    assert sorted(addresses) == ["a", "b"]
    assert instances(ec2) == []

    write(tmp_path, joined=True, addresses={})
    with pytest.raises(EngineError) as refused:
        program.up()
    for plane, address in addresses.items():
        assert f"gateway use1-{plane} has {address}, and other sites are told 203.0.113." in str(refused.value)
    assert instances(ec2) == []

    write(tmp_path, joined=True, addresses=addresses)
    program.up()
    assert program.plan() == {}
    assert program.engine.stack_output() == addresses
    gateways = instances(ec2)
    assert {each["Placement"]["AvailabilityZone"] for each in gateways} == {"us-east-1a", "us-east-1b"}
    assert {each["PublicIpAddress"] for each in gateways} == set(addresses.values())
    assert all(each["MetadataOptions"]["HttpTokens"] == "required" for each in gateways)
    routed = {
        route["DestinationCidrBlock"]
        for table in ec2.describe_route_tables()["RouteTables"]
        for route in table["Routes"]
        if route.get("NetworkInterfaceId")
    }
    assert routed == {"10.16.0.0/16", "10.20.0.0/16", "10.28.0.0/16"}
    private = {each["PrivateIpAddress"] for each in gateways}
    routing = [files["files/bird.conf"] for files in bundles(endpoint)]
    assert [sum(address in each for address in private) for each in routing] == [1, 1], "each knows its own address"
    assert not [key for key in json.loads(example_keys(REGION)).values() if key in program.state_text()]

    program.engine.destroy()
    assert instances(ec2) == []
    assert ec2.describe_addresses()["Addresses"] == []


def bundles(endpoint: str) -> list[dict[str, str]]:
    """Every gateway's, as it fetches it."""
    session = Session({**provider_settings(endpoint), "region": AWS_REGION})
    secrets = session.client("secretsmanager")
    names = [f"moltghost/{REGION}/mesh/{plane}" for plane in "ab"]
    found = [unpacked(secrets.get_secret_value(SecretId=name)["SecretBinary"]) for name in names]
    session.close()
    return found


def instances(ec2: Any) -> list[dict[str, Any]]:
    """What runs."""
    found = [each for one in ec2.describe_instances()["Reservations"] for each in one["Instances"]]
    return [each for each in found if each["State"]["Name"] == "running"]
