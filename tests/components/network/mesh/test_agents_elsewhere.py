"""A gateway's requests to an agent at another site: the real gateway, the real door, and the mesh between them.

s1 is the region, s2 a site with GPUs whose machine is a node of its cluster, s3 a site that is joined to s1 alone.
"""

import asyncio
import http.client
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from threading import Event

import pytest
from aiohttp import web
from yarl import URL

from components.cluster.eks_spec import PODS_OVERHEAD
from components.network.mesh.planning import GatewayId, Mesh
from infra.plan.sites import joined
from runtime.contract import env, headers, limits, paths, ports
from runtime.http.proxy import UNHEARD_S
from tests.components.network.mesh.hosted import hosted, program
from tests.components.network.mesh.lab import Lab, require_lab, running
from tests.components.network.mesh.meshes import mesh, site, with_keys
from tests.components.network.mesh.overlay import Overlay
from tests.components.network.mesh.test_traffic import MOVES_WITHIN_S, SETTLES_WITHIN_S, named, report
from tests.components.network.mesh.traffic import Echo, reaches
from tests.runtime.agent.door.serving import CHAT, Standing, chat_events, say, standing_before
from tests.runtime.gateway.fake_api import FakeApi, serve
from tests.runtime.serving import EDGE, LOOPBACK, sandbox, upstream
from tests.waiting import eventually

REGION, SITE, STRANGER = "s1", "s2", "s3"
MARGIN_S = 5.0
LINKS_MTU = 1500
IP_MTU_DISCOVER, IP_PMTUDISC_DO = 10, 2
"""Linux's own, which Python doesn't name: <linux/in.h>."""
LARGE = 200_000
"""Bytes of the longest answer: far more than the mesh and the overlay say to each other meanwhile."""


@dataclass
class Model:
    """Stands behind the door. It says one word, and the other when it is told to; or one long one."""

    go_on: Event = field(default_factory=Event)
    long: bool = False

    async def speak(self, request: web.Request) -> web.StreamResponse:
        wish = await request.json()
        if not wish["stream"]:
            return await say(request)
        first, *rest = chat_events("x" * LARGE) if self.long else chat_events("Hel", "lo.")
        out = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await out.prepare(request)
        await out.write(first)
        if not self.long:
            await asyncio.to_thread(self.go_on.wait, 30)
        for each in rest:
            await out.write(each)
        return out


@dataclass
class Place:
    """The lab with a gateway in it, and an agent it is to reach."""

    lab: Lab
    overlay: Overlay
    model: Model

    @contextmanager
    def open(self, *, stream: bool = False) -> Iterator[http.client.HTTPResponse]:
        """The gateway's answer to one chat, its head read: asked in the region, with a token of the edge's."""
        connection = http.client.HTTPConnection(LOOPBACK, ports.GATEWAY, timeout=60)
        with closing(connection):
            yield self.lab.inside(REGION, lambda: _ask(connection, stream))

    def answered(self) -> bool:
        """Whether the agent answers a chat."""
        with self.open() as answer:
            return answer.status == 200 and "Hello." in answer.read().decode()

    def carried(self) -> int:
        """Bytes that went through the tunnels of the region's gateways."""
        return sum(
            int(figure)
            for plane in "ab"
            for line in self.lab.run(f"{REGION}-{plane}", "wg", "show", "all", "transfer").splitlines()
            if line.split()[0] in {f"{self.lab.host(GatewayId(REGION, plane)).prefix}{their}1" for their in "ab"}
            for figure in line.split()[2:]
        )


def _ask(connection: http.client.HTTPConnection, stream: bool) -> http.client.HTTPResponse:
    sent = {**EDGE.headers(), "Content-Type": "application/json"}
    connection.request("POST", paths.CHAT_COMPLETIONS, json.dumps({**CHAT, "stream": stream}), sent)
    return connection.getresponse()


@asynccontextmanager
async def _agent(model: Model) -> AsyncIterator[Standing]:
    """The door, on every address of its machine: a pod has but its own, so there is more to keep from a stranger."""
    everywhere = "0.0.0.0"  # noqa: S104  # of a namespace that nothing outside the lab reaches
    async with (
        upstream(model.speak) as port,
        standing_before(URL(f"http://{LOOPBACK}:{port}"), host=everywhere, port=ports.AGENT) as door,
    ):
        yield door


@asynccontextmanager
async def _api(address: str) -> AsyncIterator[str]:
    """An API server that knows the agent's Sandbox."""
    api = FakeApi()
    api.sandboxes = [sandbox(address=address)]
    async with serve(api) as client:
        yield str(client.configuration.host)


def _ready() -> bool:
    with closing(http.client.HTTPConnection(LOOPBACK, ports.GATEWAY, timeout=5)) as connection:
        try:
            connection.request("GET", paths.READY)
            return connection.getresponse().status == 200
        except OSError:
            return False


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    require_lab()
    spec, keys = with_keys(
        mesh(site(1), site(2, dials=True, neighbours=(REGION,)), site(3, neighbours=(REGION,))), (1, 2)
    )
    model = Model()
    with ExitStack() as stack:
        lab = stack.enter_context(running(tmp_path_factory.mktemp("mesh"), spec, keys))
        for each in spec.sites:
            stack.callback(Echo(lab, each).close)
        here = joined(spec, REGION)
        assert here is not None
        mtu = here.mtu_to([SITE])
        assert mtu is not None
        overlay = Overlay(lab, (named(lab, REGION), named(lab, SITE)), mtu)
        stack.enter_context(hosted(lab, SITE, lambda: _agent(model)))
        url = stack.enter_context(hosted(lab, REGION, lambda: _api(overlay.nodes[1].pod)))
        argv = [sys.executable, "-m", "tests.runtime.gateway.program", str(ports.GATEWAY), str(ports.AGENT), url]
        told = {**os.environ, env.REGION: "here", env.EDGE_KEYS: EDGE.jwks}
        stack.enter_context(program(lab, REGION, argv, told))
        eventually(lambda: lab.inside(REGION, _ready), "the gateway is ready")
        made = Place(lab, overlay, model)
        settle(made)
        yield made


def settle(place: Place) -> None:
    """Wait until the agent is reached again."""
    eventually(place.answered, "the agent answers", SETTLES_WITHIN_S)


def test_a_chat_is_answered_over_the_mesh_word_by_word(place: Place) -> None:
    settle(place)
    with place.open(stream=True) as answer:
        assert answer.status == 200
        assert "assistant" in answer.readline().decode()  # and the model waits for what comes next
        place.model.go_on.set()
        rest = answer.read().decode()
    assert "Hel" in rest
    assert rest.rstrip().endswith("[DONE]")


def test_what_it_says_goes_by_wireguard(place: Place) -> None:
    settle(place)
    place.model.long = True
    before = place.carried()
    try:
        with place.open(stream=True) as answer:
            said = answer.read()
    finally:
        place.model.long = False
    carried = place.carried() - before
    report(f"\n{len(said)} bytes were said, {carried} went by the tunnels")
    assert LARGE < len(said) < carried


def fragments(place: Place) -> int:
    """Packets that were cut in pieces anywhere on the way."""
    found = 0
    for part in (REGION, SITE, *(f"{name}-{plane}" for name in (REGION, SITE) for plane in "ab")):
        names, figures = (
            line.split() for line in place.lab.run(part, "cat", "/proc/net/snmp").splitlines() if line.startswith("Ip:")
        )
        found += int(figures[names.index("FragCreates")])
    return found


def test_pods_packets_pass_whole_in_a_tunnel_in_a_tunnel(place: Place) -> None:
    """As large as the overlay lets them; with an overlay as large as the nodes' own links they are cut in pieces."""
    settle(place)
    own = Mesh(place.lab.spec).mtu(named(place.lab, REGION))
    before = fragments(place)
    assert arrives(place, own - PODS_OVERHEAD)
    assert fragments(place) == before
    place.overlay.set_mtu(LINKS_MTU)
    try:
        for _ in range(2):  # the first tells the node that its way is narrower than its link
            arrives(place, LINKS_MTU - PODS_OVERHEAD)
        assert fragments(place) > before
    finally:
        place.overlay.set_mtu(own)


def arrives(place: Place, size: int) -> bool:
    """Whether an IP packet of so many bytes, which its sender doesn't cut, comes from one pod to the other."""
    ip_and_udp, port = 28, 7
    here, there = place.overlay.nodes
    with (
        place.lab.socket(SITE, socket.SOCK_DGRAM) as heard,
        place.lab.socket(REGION, socket.SOCK_DGRAM) as sent,
    ):
        heard.bind((there.pod, port))
        heard.settimeout(2)
        sent.bind((here.pod, 0))
        sent.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
        sent.sendto(bytes(size - ip_and_udp), (there.pod, port))
        try:
            return len(heard.recv(1 << 16)) == size - ip_and_udp
        except TimeoutError:
            return False


def answered_again(place: Place) -> float:
    """Seconds until one of several clients, of whom a further one asks twice a second, is answered."""
    begun, asked = time.monotonic(), list[Future[bool]]()
    with ThreadPoolExecutor(int(2 * MOVES_WITHIN_S)) as clients:
        while not any(each.done() and each.result() for each in asked):
            assert time.monotonic() < begun + MOVES_WITHIN_S, "nobody is answered"
            asked.append(clients.submit(place.answered))
            wait(asked[-1:], timeout=0.5)
        return time.monotonic() - begun


@pytest.mark.parametrize("lost", [GatewayId(SITE, "a"), GatewayId(REGION, "a")], ids=["theirs", "ours"])
def test_later_requests_are_answered_when_a_gateway_is_killed(place: Place, lost: GatewayId) -> None:
    settle(place)
    try:
        place.lab.kill(lost)
        took = answered_again(place)
        report(f"\n{lost} killed: answered again within {took:.1f} s")
        assert took < MOVES_WITHIN_S
    finally:
        place.lab.revive(lost)
    settle(place)


def test_a_site_that_is_cut_off_is_told_as_an_agent_that_fails_and_comes_back(place: Place) -> None:
    """The first is sent into a connection that was kept; the second finds no way to make one."""
    settle(place)
    both = [GatewayId(SITE, plane) for plane in "ab"]
    try:
        for gateway in both:
            place.lab.kill(gateway)
        for waits_s in (UNHEARD_S, limits.CONNECT_S):
            begun = time.monotonic()
            with place.open() as answer:
                took, said = time.monotonic() - begun, json.loads(answer.read())
                assert (answer.status, said["error"]["code"]) == (502, "upstream_failed")
                maybe_had_it = answer.headers[headers.NOT_PASSED_ON] is None
            report(f"\ncut off: {said['error']['code']} after {took:.1f} s")
            assert maybe_had_it is (waits_s == UNHEARD_S)
            assert took < 1.5 * waits_s + MARGIN_S
    finally:
        for gateway in both:
            place.lab.revive(gateway)
    settle(place)


def test_a_site_that_is_not_joined_reaches_neither_the_machine_nor_the_pod(place: Place) -> None:
    """By force, through its own gateway and the right port. The region's machine, which is joined, reaches it."""
    settle(place)
    node, pod = place.lab.client(named(place.lab, SITE)), place.overlay.nodes[1].pod
    assert connects(place, REGION, node)
    gateway = str(place.lab.host(GatewayId(STRANGER, "a")).address)
    assert reaches(place.lab, STRANGER, place.lab.client(named(place.lab, STRANGER)), place.lab.client(
        named(place.lab, REGION)))  # fmt: skip
    for target in (node, pod):
        place.lab.run(STRANGER, "ip", "route", "add", f"{target}/32", "via", gateway, "metric", "1")
        try:
            assert not connects(place, STRANGER, target), f"{target} was reached"
        finally:
            place.lab.run(STRANGER, "ip", "route", "del", f"{target}/32", "via", gateway, "metric", "1")


def connects(place: Place, part: str, address: str) -> bool:
    """Whether a connection to the agent's port is made from a namespace within a second."""
    with place.lab.socket(part, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, ports.AGENT)) == 0
