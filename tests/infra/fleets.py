"""A folder of stack files as tests need it: the committed fleet, freely changeable."""

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.components.network.mesh.meshes import public_key
from tests.infra.departures import Config
from tests.stack_files import PROJECT

STACKS = ("global", "sin", "jkt", "use1", "usw2", "acme")


def copy_fleet(folder: Path) -> Path:
    """The committed fleet's files in a folder."""
    for stack in STACKS:
        shutil.copy(PROJECT / f"Pulumi.{stack}.yaml", folder)
    return folder


def change_stack(folder: Path, stack: str, change: Callable[[Config], object]) -> None:
    """Change one stack's config in its file."""
    file = folder / f"Pulumi.{stack}.yaml"
    document = yaml.safe_load(file.read_text())
    change(document["config"])
    file.write_text(yaml.safe_dump(document, sort_keys=False))


def clone_stack(folder: Path, stack: str, name: str, change: Callable[[Config], object]) -> None:
    """A further stack like one that is there, but for a change."""
    shutil.copy(folder / f"Pulumi.{stack}.yaml", folder / f"Pulumi.{name}.yaml")
    change_stack(folder, name, change)


SITE: dict[str, Any] = {
    "name": "dc1",
    "kind": "gpu",
    "number": 5,
    "ranges": ["10.32.0.0/24"],
    "neighbours": ["use1"],
    "gateways": [
        {"plane": plane, "keys": [{"generation": 1, "key": public_key(f"dc1{plane}1")}]} for plane in ("a", "b")
    ],
}
"""A site with GPUs that only dials out."""

MACHINES: dict[str, Any] = {"site": "dc1", "gpu_class": "l40s", "machines": 2, "gpus": 4, "cpu": 16, "memory_gib": 128}
"""Its machines, as a region has them for nodes."""


def with_site(folder: Path) -> None:
    """A fleet with a site whose machines are nodes of use1, and acme's agent `helper` on one of them."""
    change_stack(folder, "global", lambda config: config["moltghost:sites"].append(copy.deepcopy(SITE)))
    change_stack(folder, "use1", lambda config: config["moltghost:mesh"].update(nodes_at=[dict(MACHINES)]))
    change_stack(folder, "acme", at_the_site)


def at_the_site(config: Config) -> None:
    """Have acme's agent `helper` at the site, with a model that can be had there."""
    config["moltghost:placement"]["residency"].append("dc1")
    config["moltghost:placement"]["sites"] = {"helper": "dc1"}
    bucket = config["moltghost:models"]["qwen3-32b"]
    image = f"registry.moltghost.example/qwen3@sha256:{'0' * 64}"
    config["moltghost:models"]["qwen3-image"] = {"digest": bucket["digest"], "image": image}
    config["moltghost:tenant"]["agents"][0]["model"] = "qwen3-image"
