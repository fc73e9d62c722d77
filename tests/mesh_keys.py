"""The keys of the mesh the committed stacks declare: examples that anybody can make anew, and no secret."""

import base64
import hashlib
import json
from functools import cache

from components.network.mesh.keys import is_private, needed_keys
from components.network.mesh.planning import Mesh
from infra.mesh_keys import read_mesh
from tests.stack_files import PROJECT

GLOBAL = PROJECT / "Pulumi.global.yaml"


def example_key(name: str) -> str:
    """The key of a name: what it is called, hashed."""
    return base64.b64encode(hashlib.sha256(f"an example: {name}".encode()).digest()).decode()


@cache
def committed_mesh() -> Mesh:
    """The mesh of the committed global stack."""
    return read_mesh(GLOBAL, ())


def example_keys(site: str | None = None) -> str:
    """All its keys as they are stored, or those of one site's gateways."""
    plans = [plan for plan in committed_mesh().gateways() if site in {None, plan.gateway.site}]
    return json.dumps({name: example_key(name) for plan in plans for name in needed_keys(plan)})


def private_names() -> list[str]:
    """The names of gateways' own keys."""
    return [name for name in json.loads(example_keys()) if is_private(name)]
