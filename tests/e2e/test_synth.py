"""A stack recorded without an engine is what the engine itself would be told: it is compared with a real preview."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.engine import Engine
from infra.local.region import LocalRegion
from infra.settings import DevSettings, load_settings
from infra.synth.fleet import Fleet
from infra.synth.model import Resource, Secret, Stack, Unknown, Value
from tests.e2e.conftest import PROJECT

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

STACK = "dev"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SECRET = "[secret]"
ENGINES_OWN = {"__internal"}
"""What the engine itself puts among a provider's inputs."""


def previewed(region: LocalRegion, folder: Path) -> dict[str, dict[str, Any]]:
    """Each resource as the engine would make it in a state of its own, which is empty."""
    file = folder / region.stack_file.name
    shutil.copy(region.stack_file, file)
    engine = Engine(folder / "state", file, PROJECT, region.engine.pulumi, STACK)
    engine.state.mkdir()
    shutil.copy(region.engine.passphrase, engine.passphrase)
    engine.prepare()
    steps = engine.preview_json()["steps"]
    assert {step["op"] for step in steps} == {"create"}
    return {step["urn"]: step["newState"] for step in steps if step["newState"]["type"] != "pulumi:pulumi:Stack"}


def recorded(region: LocalRegion) -> Stack:
    """The same stack without the engine, given the same secrets."""
    credentials, tenants = region.credentials, load_settings(region.stack_file, DevSettings).tenants
    secrets = {
        "keyPepper": credentials.pepper(),
        "edgeSigningKey": credentials.signing_key(),
        "agentSecrets": region._agent_secrets(tenants),
    }
    return Fleet(key=b"a key", secrets={STACK: secrets}, files={STACK: region.stack_file}).stack(STACK)


def differences(engines: Any, ours: Value, place: str) -> Iterator[str]:
    """Where the two tell of another value, or one knows what the other doesn't."""
    if engines == SECRET:
        if not is_secret(ours):
            yield f"{place}: a secret to the engine alone"
    elif isinstance(ours, Secret):
        yield f"{place}: a secret to us alone"
    elif isinstance(ours, Unknown):
        if engines != UNKNOWN:
            yield f"{place}: known to the engine alone"
    elif isinstance(engines, dict) and isinstance(ours, dict):
        yield from between(engines, ours, place)
    elif isinstance(engines, list) and isinstance(ours, list):
        yield from between(dict(enumerate(engines)), dict(enumerate(ours)), place)
    elif engines != ours or type(engines) is not type(ours):
        yield f"{place}: {engines!r} to the engine, {ours!r} to us"


def between(engines: dict[Any, Any], ours: dict[Any, Value], place: str) -> Iterator[str]:
    """The same of what two mappings hold."""
    for name in (engines.keys() - ENGINES_OWN) | ours.keys():
        if name not in engines or name not in ours:
            yield f"{place}.{name}: there for one of them alone"
        else:
            yield from differences(engines[name], ours[name], f"{place}.{name}")


def is_secret(value: Value) -> bool:
    """Whether all of a value is secret: providers mark a whole mapping where each of its values is one."""
    return isinstance(value, Secret) or (
        isinstance(value, dict) and bool(value) and all(map(is_secret, value.values()))
    )


def relations(state: dict[str, Any]) -> dict[str, Any]:
    """What the engine says a resource has to do with others."""
    root = (state.get("parent") or "").split("::")[2:3] == ["pulumi:pulumi:Stack"]
    return {
        "parent": state.get("parent") if not root else "root",
        "provider": (state.get("provider") or "").rpartition("::")[0] or None,
        "dependencies": sorted(state.get("dependencies") or ()),
        "protect": state.get("protect", False),
        "property_dependencies": {
            name: sorted(urns) for name, urns in (state.get("propertyDependencies") or {}).items() if urns
        },
    }


def our_relations(resource: Resource) -> dict[str, Any]:
    """The same as recorded."""
    root = (resource.parent or "").split("::")[2:3] == ["pulumi:pulumi:Stack"]
    return {
        "parent": "root" if root else resource.parent,
        "provider": resource.provider,
        "dependencies": list(resource.dependencies),
        "protect": resource.protect,
        "property_dependencies": {name: list(urns) for name, urns in resource.property_dependencies.items()},
    }


def test_a_record_is_what_the_engine_is_told(machine: LocalRegion, tmp_path: Path) -> None:
    engines, ours = previewed(machine, tmp_path), {each.urn: each for each in recorded(machine).resources}
    assert engines.keys() == ours.keys()
    assert len(ours) > 100
    found = [
        difference
        for urn, state in engines.items()
        for difference in differences(state.get("inputs", {}), dict(ours[urn].inputs), urn)
    ]
    assert found == []
    assert {urn: relations(state) for urn, state in engines.items()} == {
        urn: our_relations(each) for urn, each in ours.items()
    }


@pytest.mark.parametrize(
    ("engines", "ours"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"a": 1.5}),
        ({"a": 1}, {}),
        ({"a": UNKNOWN}, {"a": "made up"}),
        ({"a": "known"}, {"a": Unknown("somewhere")}),
        ({"a": SECRET}, {"a": "open"}),
        ({"a": "open"}, {"a": Secret("a hash")}),
        ({"a": [1]}, {"a": [1, 2]}),
        ({"a": SECRET}, {"a": {"b": Secret("a hash"), "c": "open"}}),
    ],
)
def test_each_way_to_be_different_counts(engines: dict[str, Any], ours: dict[str, Value]) -> None:
    assert list(differences(engines, ours, ""))
