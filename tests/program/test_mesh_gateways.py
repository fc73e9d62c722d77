"""A mesh's gateways as the engine is told of them: what they are made of, and that no key leaves its secret."""

import base64
import json
import warnings
from functools import partial
from typing import Any

import pulumi
import pytest

from components.network.mesh.planning import GatewayId
from tests.components.network.mesh.meshes import EXAMPLE, HOST, with_keys
from tests.components.network.mesh.test_delivery import GATEWAYS, unpacked
from tests.program.recording import Recording, Secret, record_declaring

SPEC, KEYS = with_keys(EXAMPLE, (1, 2))


def declare(routing: str) -> None:
    with warnings.catch_warnings():
        # The SDK warns of its own deprecated classes while it is loaded, used or not.
        warnings.filterwarnings("ignore", ".* has been deprecated in favor of", DeprecationWarning)
        import pulumi_aws as aws
        import pulumi_command as command

        from components.network.mesh.component import (
            GatewayAddresses,
            GatewayAddressesArgs,
            Gateways,
            GatewaysArgs,
        )
        from components.network.mesh.remote import RemoteGateway, RemoteGatewayArgs

    cloud = aws.Provider("aws", region="ap-southeast-1")
    addresses = GatewayAddresses(
        "addresses", GatewayAddressesArgs(region=GATEWAYS.region, planes=("a", "b"), aws=cloud)
    )
    Gateways(
        "gateways",
        GatewaysArgs(
            spec=GATEWAYS.model_copy(update={"routing": routing}),
            mesh=SPEC,
            keys=pulumi.Output.secret(KEYS),
            vpc_id="vpc-1",
            subnets={"a": "subnet-a", "b": "subnet-b"},
            route_tables=["rtb-1", "rtb-2"],
            security_group="sg-1",
            allocations=addresses.allocations,
            aws=cloud,
        ),
    )
    RemoteGateway(
        "dc",
        RemoteGatewayArgs(
            gateway=GatewayId("s3", "a"),
            mesh=SPEC,
            host=HOST,
            keys=pulumi.Output.secret(KEYS),
            address="198.51.100.7",
            user="root",
            private_key=pulumi.Output.secret("a key of SSH's"),
            host_key="ssh-ed25519 AAAA",
            command=command.Provider("command"),
        ),
    )


@pytest.fixture(scope="module")
def made() -> Recording:
    return record_declaring(partial(declare, "route-server"))


def test_every_child_is_awaited(made: Recording) -> None:
    assert {each.urn for each in made.resources} <= made.awaited


def test_an_instance_has_no_way_in_but_the_mesh(made: Recording) -> None:
    instances = [each.inputs for each in made.of("aws:ec2/instance:Instance")]
    assert len({each["availabilityZone"] for each in instances}) == len(instances) == 2
    for each in instances:
        assert each["metadataOptions"]["httpTokens"] == "required"
        assert each["metadataOptions"]["httpPutResponseHopLimit"] == 1
        assert each["rootBlockDevice"]["encrypted"] is True
        assert "keyName" not in each
    assert all(each.inputs["sourceDestCheck"] is False for each in made.of("aws:ec2/networkInterface:NetworkInterface"))


def test_each_gateway_has_its_own_bundle_and_speaks_to_its_own_endpoint(made: Recording) -> None:
    versions = made.of("aws:secretsmanager/secretVersion:SecretVersion")
    assert len(versions) == 2
    bundles = [each.inputs["secretBinary"] for each in versions]
    assert all(isinstance(each, Secret) for each in bundles)
    files = [unpacked(base64.b64decode(each.value)) for each in bundles]
    assert {each["keys/private-1"] for each in files} == {json.loads(KEYS)[f"s1-{plane}/private-1"] for plane in "ab"}
    assert all(each["files/bird.conf"].count("protocol bgp") == 1 for each in files)
    assert len(made.of("aws:vpc/routeServerPeer:RouteServerPeer")) == 2
    assert len(made.of("aws:vpc/routeServerPropagation:RouteServerPropagation")) == 2


def test_no_key_stands_anywhere_in_the_clear(made: Recording) -> None:
    clear = json.dumps([each.inputs for each in made.resources], default=lambda _secret: "(secret)")
    assert not [name for name, key in json.loads(KEYS).items() if key in clear]
    (remote,) = made.of("command:remote:Command")
    assert isinstance(remote.inputs["stdin"], Secret)
    assert "stdin" in remote.secret_outputs


def test_without_a_route_server_the_routes_are_the_first_gateways() -> None:
    found: list[dict[str, Any]] = [
        each.inputs for each in record_declaring(partial(declare, "static")).of("aws:ec2/route:Route")
    ]
    assert {each["destinationCidrBlock"] for each in found} == {"10.0.2.0/24", "10.0.3.0/24"}
    assert len(found) == 4
    assert {each["networkInterfaceId"] for each in found} == {"platform-sin-mesh-a-id"}
