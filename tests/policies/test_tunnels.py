"""The bundles that the mesh's own component makes keep every rule about tunnels, as the engine's pack sees them."""

import base64

import pytest

from components.network.mesh.delivery import build_bundle, install_input
from components.network.mesh.planning import Mesh
from policies.field import inputs_of
from policies.registry import RULES
from policies.rule import Rule
from policies.wireguard import interfaces_of
from tests.components.network.mesh.meshes import EXAMPLE, HOST, with_keys
from tests.policies.resources import Given, resource

TUNNELS = [rule for rule in RULES if rule.name.startswith("wireguard-")]


@pytest.fixture(scope="module")
def bundles() -> list[Given]:
    """Every gateway of a mesh while its keys are rotated, as a cloud's secret and as a remote machine's input."""
    spec, keys = with_keys(EXAMPLE, (1, 2))
    made: list[Given] = []
    for plan in Mesh(spec).gateways():
        name, bundle = str(plan.gateway), build_bundle(plan, HOST, keys)
        encoded = {"secretBinary": base64.b64encode(bundle).decode()}
        made.append(resource("aws:secretsmanager/secretVersion:SecretVersion", name, encoded))
        made.append(resource("command:remote:Command", name, {"stdin": install_input(bundle)}))
    return made


def test_every_interface_and_every_peer_is_found(bundles: list[Given]) -> None:
    plans = Mesh(with_keys(EXAMPLE, (1, 2))[0]).gateways()
    wanted = [sorted(len(interface.peers) for interface in plan.interfaces) for plan in plans]
    found = [
        sorted(map(len, interfaces_of(inputs_of(each)["stdin"]))) for each in bundles if each.type.startswith("command")
    ]
    assert found == wanted
    assert sum(map(sum, found)) > 4


@pytest.mark.parametrize("rule", TUNNELS, ids=lambda rule: rule.name)
def test_our_own_tunnels_keep_the_rule(rule: Rule, bundles: list[Given]) -> None:
    assert rule.check is not None
    for each in bundles:
        assert list(rule.check(each)) == []
