"""What was declared through the API, kept in one file of the state folder.

The file holds the Workers' secret texts in clear, as the runtime needs them; its mode 0600, in a folder of mode 0700,
is what keeps them from others on this machine.
"""

import json
from pathlib import Path
from typing import Any

from infra.local.credentials import write_private

Record = dict[str, Any]
Collections = dict[str, dict[str, Record]]
"""Collection ("namespaces/<account>", "scripts/<account>", "routes/<zone>", "dns/<zone>" …) -> id -> record."""


class Store:
    """Reads and writes the file, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        self.file = folder / "declared.json"

    def load(self) -> Collections:
        """What was saved last; nothing at first."""
        if not self.file.exists():
            return {}
        collections: Collections = json.loads(self.file.read_text())
        return collections

    def save(self, collections: Collections) -> None:
        """Replace what was saved."""
        write_private(self.file, json.dumps(collections, indent=1, sort_keys=True))


def collection(collections: Collections, kind: str, owner: str) -> dict[str, Record]:
    """The records of a kind that belong to an account or zone; an empty dict to fill where there are none yet."""
    return collections.setdefault(f"{kind}/{owner}", {})


def every(collections: Collections, kind: str) -> dict[str, Record]:
    """The records of a kind in all accounts and zones, by id."""
    return {
        key: record
        for name, records in collections.items()
        if name.startswith(f"{kind}/")
        for key, record in records.items()
    }


def owners(collections: Collections, kind: str) -> list[str]:
    """The accounts or zones that have records of a kind."""
    return sorted(
        name.partition("/")[2] for name, records in collections.items() if name.startswith(f"{kind}/") and records
    )
