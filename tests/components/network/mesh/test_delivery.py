"""What a gateway is delivered: one bundle, small enough, the same each time, with nobody else's keys."""

import io
import json
import tarfile
from ipaddress import IPv4Address

import pytest
import yaml

from components.network.mesh import manifests
from components.network.mesh.delivery import MAX_BUNDLE_BYTES, build_bundle, build_user_data
from components.network.mesh.keys import needed_keys
from components.network.mesh.planning import GatewayId, Mesh, MeshError
from components.network.mesh.spec import MAX_NEIGHBOURS, PLANES, CloudGatewaySpec, GatewaysSpec
from tests.components.network.mesh.meshes import EXAMPLE, EXAMPLE_GATEWAY, HOST, mesh, site, with_keys
from tests.components.specs import ACCOUNT, SIN

GATEWAYS = GatewaysSpec(
    site="s1",
    region=SIN,
    aws_region="ap-southeast-1",
    account_id=ACCOUNT,
    image="ami-0123456789abcdef0",
    instance_type="c7gn.large",
    gateways=tuple(
        CloudGatewaySpec(
            plane=plane,
            zone=f"ap-southeast-1{plane}",
            next_hop=IPv4Address(f"10.0.1.{at * 16 + 1}"),
        )
        for at, plane in enumerate(PLANES[:2])
    ),
)


def unpacked(bundle: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(bundle)) as archive:
        return {each.name: (archive.extractfile(each) or io.BytesIO()).read().decode() for each in archive}


def test_a_bundle_holds_a_gateways_own_keys_and_nobody_elses() -> None:
    spec, keys = with_keys(EXAMPLE, (1, 2))
    plan = Mesh(spec).gateway(EXAMPLE_GATEWAY)
    bundle = build_bundle(plan, HOST, keys)
    assert bundle == build_bundle(plan, HOST, keys)
    held = {text for name, text in unpacked(bundle).items() if name.startswith("keys/")}
    stored = json.loads(keys)
    assert held == {stored[name] for name in needed_keys(plan)}
    others = set(stored.values()) - held
    assert others
    assert not any(key in text for key in others for text in unpacked(bundle).values())


def test_the_version_follows_the_files_not_the_secrets() -> None:
    spec, keys = with_keys(EXAMPLE, (1, 2))
    other = with_keys(EXAMPLE, (1, 2))[1]
    plan = Mesh(spec).gateway(EXAMPLE_GATEWAY)
    versions = [unpacked(build_bundle(plan, HOST, each))["version"] for each in (keys, other)]
    changed = unpacked(build_bundle(plan, HOST.model_copy(update={"lan": "eth9"}), keys))["version"]
    assert versions[0] == versions[1] != changed


def test_a_hubs_bundle_fits_a_secret_while_keys_are_rotated() -> None:
    leaves = [site(number, neighbours=("s0",)) for number in range(1, MAX_NEIGHBOURS + 1)]
    spec, keys = with_keys(mesh(site(0), *leaves, generations=(1, 2)), (1, 2))
    size = len(build_bundle(Mesh(spec).gateway(GatewayId("s0", "a")), HOST, keys))
    assert size <= MAX_BUNDLE_BYTES


def test_a_bundle_that_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.network.mesh.delivery.MAX_BUNDLE_BYTES", 1000)
    spec, keys = with_keys(EXAMPLE, (1, 2))
    with pytest.raises(MeshError, match="fewer sites"):
        build_bundle(Mesh(spec).gateway(EXAMPLE_GATEWAY), HOST, keys)


def test_user_data_is_small_and_holds_nothing_of_the_mesh() -> None:
    text = build_user_data("ap-southeast-1", "moltghost/sin/mesh/a")
    assert len(text) < 16384, "EC2 takes no more"
    document = yaml.safe_load(text)
    assert json.loads(document["write_files"][0]["content"]) == {
        "region": "ap-southeast-1",
        "secret": "moltghost/sin/mesh/a",
    }
    assert not any(name in text for name in ("PrivateKey =", "PublicKey =", "10.255."))


def test_a_gateway_may_read_its_own_bundle_and_do_nothing_else() -> None:
    statements = json.loads(manifests.build_role_policy("arn:secret", "arn:key"))["Statement"]
    assert [each["Resource"] for each in statements] == ["arn:secret", "arn:key"]
    assert [each["Action"] for each in statements] == ["secretsmanager:GetSecretValue", "kms:Decrypt"]
    used = json.loads(manifests.build_key_policy(GATEWAYS))["Statement"][1]
    assert used["Condition"]["StringEquals"]["kms:ViaService"] == "secretsmanager.ap-southeast-1.amazonaws.com"


@pytest.mark.parametrize("shared", ["plane", "zone"])
def test_two_gateways_share_nothing_whose_loss_takes_both(shared: str) -> None:
    first, second = GATEWAYS.gateways
    twin = second.model_copy(update={shared: getattr(first, shared)})
    with pytest.raises(ValueError, match="the loss of both"):
        GatewaysSpec(**{**dict(GATEWAYS), "gateways": (first, twin)})
