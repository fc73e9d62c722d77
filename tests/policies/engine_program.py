"""A Pulumi program that declares resources given as data, run by the real engine with providers that echo."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.local.engine import Engine, EngineError
from policies.record import Resource
from tests.infra.local.providers.control_plane import tool
from tests.policies import echo
from tests.policies.resources import Given, Ref
from tests.stack_files import PROJECT

PACK = PROJECT / "policies"
PROGRAM = """
import json
import pathlib
import pulumi

made = {}
providers = {
    package: pulumi.ProviderResource(package, "plain", {"defaultTags": '{"tags": {"moltghost:region": "use1"}}'})
    for package in ("aws", "cloudflare", "command", "kubernetes")
}
bare = pulumi.ProviderResource("aws", "bare", {})


def value(given):
    if isinstance(given, dict):
        if set(given) == {"$ref"}:
            return made[given["$ref"]].id
        if set(given) == {"$later"}:
            return pulumi.Output.all(made[given["$later"][0]].id).apply(lambda _: given["$later"][1])
        return {key: value(each) for key, each in given.items()}
    if isinstance(given, list):
        return [value(each) for each in given]
    return given


for each in json.loads((pathlib.Path(__file__).parent / "resources.json").read_text()):
    inputs = value(each["inputs"])
    package = each["type"].partition(":")[0]
    if package == "pulumi":
        made[each["urn"]] = pulumi.ProviderResource(each["type"].rpartition(":")[2], each["name"], inputs)
        continue
    provider = made.get(each["provider"]) or (bare if package == "aws" else providers[package])
    options = pulumi.ResourceOptions(protect=each["protect"], provider=provider)
    made[each["urn"]] = pulumi.CustomResource(each["type"], each["name"], inputs, options)
"""


@dataclass(frozen=True)
class Later:
    """Stands in an input for a value that becomes known once another resource is made."""

    after: Resource
    value: Any


class EngineProgram:
    """One stack of such a program."""

    def __init__(self, folder: Path, kind: str) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "moltghost", "runtime": "python"}))
        (folder / "__main__.py").write_text(PROGRAM)
        settings = folder / "settings.yaml"
        settings.write_text(yaml.safe_dump({"config": {"moltghost:kind": kind}}))
        self.engine = Engine(folder / "state", settings, folder, tool("pulumi"), stack="test")
        self.engine.prepare()
        echo.install(self.engine.home)

    def declare(self, resources: Iterable[Resource]) -> None:
        """Have the program declare these."""
        data = [
            {
                "urn": each.urn,
                "type": each.type,
                "name": each.name,
                "inputs": _data(each.given if isinstance(each, Given) else each.inputs),
                "protect": each.protect,
                "provider": (each.provider or "").removesuffix("::id"),
            }
            for each in resources
        ]
        (self.folder / "resources.json").write_text(json.dumps(data))

    def preview(self, pack: Path | None = PACK, *options: str) -> "Said":
        """What the engine says, refused or not; without a pack nothing is asked."""
        return self._run(self.engine.preview, pack, *options)

    def up(self, pack: Path = PACK) -> "Said":
        """What the engine says, refused or not."""
        return self._run(self.engine.up, pack)

    def _run(self, operate: Callable[..., object], pack: Path | None, *options: str) -> "Said":
        lines: list[str] = []
        try:
            operate(*(["--policy-pack", str(pack)] if pack else []), *options, on_line=lines.append)
        except EngineError:
            return Said(refused=True, text="\n".join(lines))
        return Said(refused=False, text="\n".join(lines))


@dataclass(frozen=True)
class Said:
    """What the engine printed, and whether it refused."""

    refused: bool
    text: str

    def violations(self, level: str = "mandatory") -> set[tuple[str, str]]:
        """The policies that were broken, each with the name of the resource."""
        pattern = rf"\[{level}\]\s+(\S+)\s+\(\S+: (\S+)\)"
        return set(re.findall(pattern, self.text))


def _data(value: Any) -> Any:
    if isinstance(value, Ref):
        return {"$ref": value.target.urn}
    if isinstance(value, Later):
        return {"$later": [value.after.urn, value.value]}
    if isinstance(value, Mapping):
        return {key: _data(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_data(each) for each in value]
    return value
