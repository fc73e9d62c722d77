"""A bundle as a Kubernetes ConfigMap carries it to an agent's pod."""

import base64
from collections.abc import Mapping
from typing import NamedTuple

from runtime.skills.bundle import Bundle
from runtime.skills.errors import SkillError

MAX_BYTES = 1024 * 1024
"""What Kubernetes takes in one ConfigMap."""
_LARGEST = 3


class Entry(NamedTuple):
    """A file: its key in the ConfigMap, the path it is mounted at below the volume, its content in base64."""

    key: str
    path: str
    content: str


def config_map_entries(bundle: Bundle) -> tuple[Entry, ...]:
    """Everything of a bundle, for the ConfigMap's `binaryData` (by key) and the volume's `items` (key, path).

    Raises SkillError for a bundle that is too large.
    """
    contents = bundle.contents
    require_fits(contents)
    return tuple(Entry(_key(path), path, base64.b64encode(data).decode()) for path, data in sorted(contents.items()))


def require_fits(contents: Mapping[str, bytes]) -> None:
    """Raises SkillError unless one ConfigMap carries all of it."""
    size = sum(map(len, contents.values()))
    if size > MAX_BYTES:
        largest = sorted(contents, key=lambda path: -len(contents[path]))[:_LARGEST]
        listed = ", ".join(f"{path} ({len(contents[path])})" for path in largest)
        message = (
            f"the bundle has {size} bytes, and what carries it to an agent takes {MAX_BYTES}: leave out what the "
            f"skills can do without, or use smaller packages; the largest files are {listed}"
        )
        raise SkillError([message])


def _key(path: str) -> str:
    # Two dots in a row stand in no path of a bundle, so no two paths have the same key.
    return path.replace("/", "..")
