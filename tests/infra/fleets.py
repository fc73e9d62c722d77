"""A folder of stack files as tests need it: the committed fleet, freely changeable."""

import shutil
from collections.abc import Callable
from pathlib import Path

import yaml

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
