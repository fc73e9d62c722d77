"""The mesh with real WireGuard, nftables and BIRD: who reaches whom, what a loss, a rotation and a scan come to."""

import json
import sys
import time
from collections.abc import Iterator

import pytest

from components.network.mesh.keys import gateway_keys
from components.network.mesh.planning import GatewayId, Mesh
from components.network.mesh.rendering import render_gateway
from components.network.mesh.spec import MeshSpec, SiteSpec
from infra import mesh_keys
from infra.local.cluster.shell import MachineError
from tests.components.network.mesh.lab import Lab, require_lab, running
from tests.components.network.mesh.meshes import mesh, site, with_keys
from tests.components.network.mesh.scanning import Ear, knock, ping, throw
from tests.components.network.mesh.traffic import Beat, Echo, Transfer, reaches

MOVES_WITHIN_S = 10.0
SETTLES_WITHIN_S = 20.0

JOINED = {("s1", "s2"), ("s1", "s3"), ("s1", "s4"), ("s2", "s3"), ("s2", "s4")}
"""What the spec below means, said once more by hand: s4 can only dial out, and is no neighbour of s3."""


def example() -> tuple[MeshSpec, str]:
    return with_keys(mesh(site(1), site(2), site(3), site(4, dials=True, neighbours=("s1", "s2"))), (1, 2))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    require_lab()
    spec, keys = example()
    with running(tmp_path_factory.mktemp("mesh"), spec, keys) as made:
        echoes = [Echo(made, each) for each in spec.sites]
        try:
            settle(made)
            yield made
        finally:
            for echo in echoes:
                echo.close()


def settle(lab: Lab) -> None:
    """Wait until every intended pair talks both ways."""
    for one, other in sorted(JOINED):
        for source, target in ((one, other), (other, one)):
            assert talks(lab, source, target, SETTLES_WITHIN_S), f"{source} does not reach {target}"


def report(line: str) -> None:
    """Show a figure to whoever runs with `-s`, and in the report of a failure."""
    sys.stdout.write(f"{line}\n")


def named(lab: Lab, name: str) -> SiteSpec:
    return next(each for each in lab.spec.sites if each.name == name)


def talks(lab: Lab, source: str, target: str, patience_s: float) -> bool:
    here, there = (lab.client(named(lab, name)) for name in (source, target))
    return reaches(lab, source, here, there, patience_s=patience_s)


def test_the_matrix_is_what_was_meant(lab: Lab) -> None:
    names = [each.name for each in lab.spec.sites]
    found = {}
    for source in names:
        for target in names:
            if source != target:
                intended = (source, target) in JOINED or (target, source) in JOINED
                found[source, target] = talks(lab, source, target, SETTLES_WITHIN_S if intended else 1.0)
    report(
        "\n"
        + "\n".join(f"{source} -> {target}: {'reached' if ok else 'no way'}" for (source, target), ok in found.items())
    )
    assert {pair for pair, ok in found.items() if ok} == JOINED | {(two, one) for one, two in JOINED}


@pytest.mark.parametrize(
    ("what", "source", "target"),
    [
        ("an address that is not the site's", "10.0.77.2", "10.0.2.2"),
        ("an address of another site's", "10.0.3.2", "10.0.2.2"),
        ("a range of no site", "10.0.1.2", "10.0.99.2"),
        ("a gateway of a neighbour's", "10.0.1.2", "10.0.2.4"),
        ("a tunnel address", "10.0.1.2", "10.255.0.17"),
        ("the underlay", "10.0.1.2", "198.18.0.8"),
    ],
)
def test_a_machine_of_a_site_gets_no_further(lab: Lab, what: str, source: str, target: str) -> None:
    """Routed through its own gateway by force: the filter refuses, not the lack of a route."""
    added = source != "10.0.1.2"
    gateway = str(lab.host(GatewayId("s1", "a")).address)
    if added:
        lab.run("s1", "ip", "address", "add", f"{source}/32", "dev", "lo")
    lab.run("s1", "ip", "route", "add", f"{target}/32", "via", gateway, "metric", "1")
    try:
        assert not reaches(lab, "s1", source, target), f"{what} was reached"
    finally:
        lab.run("s1", "ip", "route", "del", f"{target}/32", "via", gateway, "metric", "1")
        if added:
            lab.run("s1", "ip", "address", "del", f"{source}/32", "dev", "lo")


def test_no_site_is_a_way_between_two_others(lab: Lab) -> None:
    """s3 asks s2's gateway for s4 by force: s2's is joined to both, and carries nothing from one to the other."""
    gateway, other = GatewayId("s3", "a"), named(lab, "s4")
    interface, target = f"{lab.host(gateway).prefix}a1", lab.client(other)
    peer = named(lab, "s2").gateways[0].public_keys[1]
    lab.run("s3", "ip", "route", "add", f"{target}/32", "via", str(lab.host(gateway).address))
    lab.run(str(gateway), "wg", "set", interface, "peer", peer, "allowed-ips", "10.255.0.17/32,10.0.2.0/24,10.0.4.0/24")
    lab.run(str(gateway), "ip", "route", "add", f"{target}/32", "dev", interface)
    lab.run(str(gateway), "nft", "add", "element", "inet", "moltghost_mesh", "there", "{ 10.0.4.0/24 }")
    try:
        assert not reaches(lab, "s3", lab.client(named(lab, "s3")), target)
    finally:
        lab.run("s3", "ip", "route", "del", f"{target}/32")
        lab.run(str(gateway), "ip", "route", "del", f"{target}/32")
        lab.apply(lab.spec, lambda each: each == gateway)


@pytest.mark.parametrize("lost", [GatewayId("s2", "a"), GatewayId("s1", "a")], ids=["theirs", "ours"])
def test_traffic_moves_when_a_gateway_is_killed(lab: Lab, lost: GatewayId) -> None:
    settle(lab)
    beat = Beat(lab, named(lab, "s1"), named(lab, "s2"))
    try:
        beat.resumed(MOVES_WITHIN_S)
        lab.kill(lost)
        moved = beat.resumed(MOVES_WITHIN_S)
        report(f"\n{lost} killed: traffic moved within {moved:.1f} s")
    finally:
        missing = beat.end()
        lab.revive(lost)
    settle(lab)
    assert missing, "nothing was lost: what was killed carried nothing"
    assert moved < MOVES_WITHIN_S


def test_keys_are_rotated_under_traffic(lab: Lab) -> None:
    """Both generations, then the new one first, then it alone: no packet of either stream is lost."""
    settle(lab)
    one, two = named(lab, "s1"), named(lab, "s2")
    beat, transfer = Beat(lab, one, two), Transfer(lab, one, two)
    try:
        for generations in ((1, 2), (2, 1), (2,)):
            lab.apply(lab.spec.model_copy(update={"generations": generations}))
            heard_through(lab, 2)
            beat.resumed(MOVES_WITHIN_S)
        used = lab.run("s1-a", "ip", "route", "get", lab.client(two))
    finally:
        missing, whole = beat.end(), transfer.end()
    report(f"\nrotated under {beat.sent} packets, {len(missing)} lost; TCP {transfer.bytes >> 20} MiB, whole: {whole}")
    assert f"{lab.host(GatewayId('s1', 'a')).prefix}a2" in used
    assert not [line for each in lab.gateways() for line in in_force(lab, each)[0] if line.split()[0].endswith("1")]
    assert missing == []
    assert whole
    assert transfer.bytes > 1 << 20
    lab.apply(lab.spec.model_copy(update={"generations": (1,)}))
    settle(lab)


def heard_through(lab: Lab, generation: int) -> None:
    """Wait until BFD hears every neighbour through a generation's interfaces, as the runbook has an operator wait."""
    end = time.monotonic() + SETTLES_WITHIN_S
    for gateway in lab.gateways():
        while set(states := sessions(lab, gateway, generation)) != {"Up"}:
            assert time.monotonic() < end, f"{gateway}: {states}"


def sessions(lab: Lab, gateway: GatewayId, generation: int) -> list[str]:
    """The states of a gateway's BFD sessions over a generation's interfaces."""
    control = str(lab.folder / str(gateway) / "run" / "bird.ctl")
    rows = [
        line.split() for line in lab.run(str(gateway), "birdc", "-s", control, "show", "bfd", "sessions").splitlines()
    ]
    prefix = lab.host(gateway).prefix
    return [row[2] for row in rows if len(row) > 2 and row[1].startswith(prefix) and row[1].endswith(str(generation))]


def test_a_scan_finds_nothing(lab: Lab) -> None:
    gateway = named(lab, "s1").gateways[0]
    address, ports = str(gateway.endpoint), range(gateway.port - 2, gateway.port + 10)
    ear = Ear(lab, address)
    try:
        sent = lab.inside("stranger", lambda: knock(address, range(1, 65536)))
        garbage = [b"", b"garbage", b"\x01\0\0\0" + bytes(144), b"\x04\0\0\0" + bytes(60)]
        lab.inside("stranger", lambda: throw(address, [53, 161, 500, *ports], garbage))
        handshake(lab, address, gateway.port + 4, gateway.public_keys[1])
        lab.inside("stranger", lambda: ping(address))
        heard = ear.heard()
    finally:
        ear.close()
    report(
        f"\n{sent} TCP ports, WireGuard's ports with garbage and a stranger's handshake, a ping: {len(heard)} answers"
    )
    assert sent == 65535
    assert heard == []


def handshake(lab: Lab, address: str, port: int, public_key: str) -> None:
    """A real first message of WireGuard's, right in all but that nobody knows its sender."""
    name = f"{lab.tag}x"
    key = lab.folder / "stranger"
    key.write_text(mesh_keys.new_private_key())
    log = lab.folder / "stranger.log"
    waiting = (
        f"for _ in $(seq 100); do wg show {name} >/dev/null 2>&1 && exit 0; sleep 0.1; done; cat {log} >&2; exit 1"
    )
    lab.run(
        "stranger", "sh", "-c", f"LOG_LEVEL=verbose setsid wireguard-go -f {name} >{log} 2>&1 </dev/null & {waiting}"
    )
    lab.run("stranger", "wg", "set", name, "private-key", str(key), "peer", public_key, "endpoint", f"{address}:{port}",
            "allowed-ips", "10.0.1.0/24", "persistent-keepalive", "1")  # fmt: skip
    lab.run("stranger", "ip", "link", "set", name, "up")
    end = time.monotonic() + 5
    while int(lab.run("stranger", "wg", "show", name, "transfer").split()[2]) < 148:  # one handshake initiation
        assert time.monotonic() < end, "the stranger sent no handshake"
    assert lab.run("stranger", "wg", "show", name, "latest-handshakes").split()[1] == "0"
    lab.run("stranger", "ip", "link", "delete", name)


def test_the_ear_hears_a_gateway_without_its_filter(lab: Lab) -> None:
    """The same knocks at a gateway whose filter is gone are answered: silence above is the filter's doing."""
    gateway = GatewayId("s3", "b")
    address = str(named(lab, "s3").gateways[1].endpoint)
    lab.run(str(gateway), "nft", "delete", "table", "inet", "moltghost_mesh")
    ear = Ear(lab, address)
    try:
        lab.inside("stranger", lambda: knock(address, range(1, 33)))
        assert len(ear.heard()) >= 32
    finally:
        ear.close()
        lab.apply(lab.spec, lambda each: each == gateway)


@pytest.mark.parametrize("broken", ["nftables.nft", "bird.conf", "interfaces", "key"])
def test_what_cannot_be_put_in_force_leaves_what_was(lab: Lab, broken: str) -> None:
    gateway = GatewayId("s3", "a")
    plan = Mesh(lab.spec.model_copy(update={"generations": (1, 2)})).gateway(gateway)
    files, keys = dict(render_gateway(plan, lab.host(gateway))), gateway_keys(lab.keys, plan)
    if broken == "key":
        keys["private-2"] = ""
    elif broken == "interfaces":
        files[broken] = files[broken].replace("1420", "none")
    else:
        files[broken] += "\nno such thing\n"
    before = in_force(lab, gateway)
    with pytest.raises(MachineError, match=r"nothing was changed|in force again") as raised:
        lab.put(gateway, files, keys)
    assert in_force(lab, gateway) == before
    assert not any(key and key in str(raised.value) for key in json.loads(lab.keys).values())
    settle(lab)


def in_force(lab: Lab, gateway: GatewayId) -> tuple[list[str], str]:
    """A gateway's tunnels and filter as they are now. `wg` shows those of the whole machine."""
    tunnels = lab.run(str(gateway), "wg", "show", "all", "allowed-ips").splitlines()
    own = sorted(line for line in tunnels if line.startswith(lab.host(gateway).prefix))
    return own, lab.run(str(gateway), "nft", "list", "table", "inet", "moltghost_mesh")
