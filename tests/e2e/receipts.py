"""A customer's receipts, off the agent's volume and through the real command."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.region import LocalRegion
from tests.e2e.conftest import Cluster, Customer

MOLTGHOST = Path(sys.executable).with_name("moltghost")

READ = """
import json, pathlib
files = sorted(pathlib.Path("/data/receipts").glob("*.jsonl"))
print(json.dumps({file.name: file.read_text() for file in files}))
"""


@dataclass(frozen=True)
class Book:
    """The files of a book, and the public key the stack says it is signed with."""

    files: tuple[Path, ...]
    key: Path

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(file.read_text() for file in self.files)

    @property
    def receipts(self) -> list[dict[str, Any]]:
        """Each receipt's fields."""
        return [json.loads(line) for line in self.text.splitlines()]

    def verify(self, *options: str) -> subprocess.CompletedProcess[str]:
        """What `moltghost receipts verify` makes of it."""
        command = [str(MOLTGHOST), "receipts", "verify", *map(str, self.files), "--key", str(self.key), *options]
        return subprocess.run(command, capture_output=True, text=True, check=False)


def copy_book(region: LocalRegion, cluster: Cluster, customer: Customer, folder: Path) -> Book:
    """The customer's book as it is now, copied into `folder`."""
    key = folder / "key.json"
    key.write_text(json.dumps(public_key(region, customer)))
    files = []
    for name, text in cluster.in_agent(customer, READ).items():
        file = folder / name
        file.write_text(text)
        files.append(file)
    assert files, "there is no book"
    return Book(tuple(files), key)


def public_key(region: LocalRegion, customer: Customer) -> dict[str, str]:
    """The key (JWK) the stack says the customer's agent signs with."""
    (key,) = [
        agent["receipt_key"]
        for tenant in region.engine.stack_output()["tenants"]
        for agent in tenant["agents"]
        if (tenant["id"], agent["name"]) == (customer.tenant, customer.agent)
    ]
    return dict(key)
