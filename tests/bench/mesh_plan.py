"""What a mesh costs to judge and compute, and what a site that is added changes: `python -m tests.bench.mesh_plan`."""

import base64
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from rich.console import Console

from components.network.mesh.planning import GatewayPlan, Mesh
from components.network.mesh.rendering import render_gateway
from components.network.mesh.spec import HostSpec
from infra.local.status import table
from infra.plan.mesh import mesh_problems, mesh_spec
from infra.settings.mesh import MeshSettings, Site

SIZES = (10, 100, 1000)
FULL = 100
"""Up to so many sites each is joined to each; beyond, most are joined to two hubs."""
HUBS = 30
TUNNELS: Any = "172.16.0.0/15"
"""As a stack's file has it."""
HOST = HostSpec(underlay="eth0", lan="eth1", address=IPv4Address("10.0.0.4"))


def public_key(name: str) -> str:
    """32 bytes that look like a key, other ones for each name."""
    return base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()


def sites(count: int) -> list[Site]:
    """So many sites with two gateways each."""
    return [_site(at, None if count <= FULL or at < HUBS else _hubs(at)) for at in range(count)]


def _hubs(at: int) -> list[str]:
    return [f"s{at % HUBS}", f"s{(at + 1) % HUBS}"]


def _site(at: int, neighbours: list[str] | None) -> Site:
    def gateway(plane: str, number: int) -> dict[str, Any]:
        keys = [{"generation": 1, "key": public_key(f"{at}{plane}")}]
        return {"plane": plane, "endpoint": str(IPv4Address(0xC6120000 + 2 * at + number)), "keys": keys}

    ranges = [str(IPv4Network((0x0A000000 + (at << 8), 24)))]
    gateways = [gateway(plane, number) for number, plane in enumerate("ab")]
    told = {} if neighbours is None else {"neighbours": neighbours}
    return Site(name=f"s{at}", kind="region", number=at, ranges=ranges, gateways=gateways, **told)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Measured:
    """Of one mesh: its size, the seconds each step took, and whom a further site concerns."""

    sites: int
    tunnels: int
    judging_s: float
    planning_s: float
    rendering_s: float
    changed: int
    neighbours: int


def measured(count: int) -> Measured:
    """The figures of a mesh of so many sites."""
    settings = MeshSettings(tunnel_range=TUNNELS, generations=[1])
    listed = sites(count)
    found, judging = _timed(lambda: list(mesh_problems(settings, listed)))
    assert not found, found[0]
    plans, planning = _timed(lambda: _plans(settings, listed))
    _, rendering = _timed(lambda: [render_gateway(plan, HOST) for plan in plans.values()])
    more = [*listed, _site(count, ["s0", "s1"])]
    after = _plans(settings, more)
    changed = {name.partition("-")[0] for name, plan in plans.items() if after[name] != plan}
    peers = {peer.gateway.site for plan in after.values() if plan.gateway.site == f"s{count}" for peer in _peers(plan)}
    tunnels = sum(len(list(_peers(plan))) for plan in plans.values()) // 2
    return Measured(count, tunnels, judging, planning, rendering, len(changed), len(peers))


def _plans(settings: MeshSettings, listed: list[Site]) -> dict[str, GatewayPlan]:
    return {str(plan.gateway): plan for plan in Mesh(mesh_spec(settings, listed)).gateways()}


def _peers(plan: GatewayPlan) -> list[Any]:
    return [peer for interface in plan.interfaces for peer in interface.peers]


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.perf_counter()
    made = work()
    return made, time.perf_counter() - begun


def mesh_plan(console: Console) -> None:
    """Print the figures of each size."""
    rows = []
    for count in SIZES:
        one = measured(count)
        took = (f"{seconds:.2f}" for seconds in (one.judging_s, one.planning_s, one.rendering_s))
        rows.append((str(one.sites), str(one.tunnels), *took, f"{one.changed} of {one.neighbours}"))
    columns = ("sites", "tunnels", "judged, s", "planned, s", "rendered, s", "sites changed by one more, of neighbours")
    console.print(table("The mesh", columns, rows))


if __name__ == "__main__":
    mesh_plan(Console())
