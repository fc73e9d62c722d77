"""Which secrets a gateway holds. All of the mesh's are one mapping of names to keys; a gateway gets its own alone."""

import json
import re
from collections.abc import Mapping

from components.network.mesh.planning import GatewayId, GatewayPlan, MeshError

_KEY = re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=")


def private_key_name(gateway: GatewayId, generation: int) -> str:
    """What a gateway's private key is called in the mesh's mapping; on the gateway, the part behind the slash."""
    return f"{gateway}/private-{generation}"


def is_private(name: str) -> bool:
    """Whether a key of the mapping is a gateway's own, not one of a pair."""
    return "/" in name


def needed_keys(plan: GatewayPlan) -> frozenset[str]:
    """The names of all a gateway needs: its own key of each generation, and one for each peer."""
    shared = {peer.preshared_key for interface in plan.interfaces for peer in interface.peers}
    return frozenset(shared | {private_key_name(plan.gateway, each.generation) for each in plan.interfaces})


def gateway_keys(stored: str, plan: GatewayPlan) -> dict[str, str]:
    """A gateway's keys by the file each is kept in, out of the mesh's (JSON). Raises MeshError, which quotes none."""
    try:
        keys = json.loads(stored)
    except ValueError:
        keys = None
    if not isinstance(keys, Mapping):
        raise MeshError("moltghost:meshKeys is not what `moltghost mesh keys` writes")
    names = sorted(needed_keys(plan))
    missing = [name for name in names if not isinstance(keys.get(name), str) or not _KEY.fullmatch(keys[name])]
    if missing:
        raise MeshError(f"moltghost:meshKeys lacks {', '.join(missing[:5])}: run `moltghost mesh keys` (docs/mesh.md)")
    return {name.rpartition("/")[2]: keys[name] for name in names}
