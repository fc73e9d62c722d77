"""The node's network namespace, the world's, and the links between them.

    host ── mg0-link ⇄ link ── node ── world ⇄ node ── world
    .1                  .2   pods behind it            169.254.169.254, 203.0.113.10 …

Neither namespace has a default route: what is not listed here is unreachable, and no packet leaves the machine.
"""

from collections.abc import Sequence
from pathlib import Path

from infra.local.cluster.addresses import WORLD_ADDRESSES, Addresses
from infra.local.cluster.shell import run

NETNS_FOLDER = Path("/run/netns")

NODE_SYSCTLS = {
    "net/ipv4/ip_forward": "1",
    # Policies are enforced for IPv4 alone, so there is no IPv6 a pod could reach the node by.
    "net/ipv6/conf/all/disable_ipv6": "1",
    "net/ipv6/conf/default/disable_ipv6": "1",
}


def host_commands(addresses: Addresses) -> list[list[str]]:
    """The host's end: its address and the way to the pods. Each command may be repeated."""
    link = _host_link(addresses)
    return [
        ["address", "replace", f"{addresses.host}/{addresses.node_network.prefixlen}", "dev", link],
        ["link", "set", "dev", link, "up"],
        ["route", "replace", str(addresses.pods), "via", str(addresses.node), "dev", link],
    ]


def node_commands(addresses: Addresses) -> list[list[str]]:
    """The node: its address, and one route for each address of the world."""
    return [
        ["link", "set", "dev", "lo", "up"],
        ["address", "replace", f"{addresses.node}/{addresses.node_network.prefixlen}", "dev", "link"],
        ["link", "set", "dev", "link", "up"],
        ["link", "set", "dev", "world", "up"],
        *(["route", "replace", f"{address}/32", "dev", "world"] for address in WORLD_ADDRESSES),
    ]


def world_commands(addresses: Addresses) -> list[list[str]]:
    """The world: its addresses, and the way back to node and pods."""
    return [
        ["link", "set", "dev", "lo", "up"],
        ["link", "set", "dev", "node", "up"],
        *(["address", "replace", f"{address}/32", "dev", "lo"] for address in WORLD_ADDRESSES),
        ["route", "replace", f"{addresses.node}/32", "dev", "node"],
        ["route", "replace", str(addresses.pods), "via", str(addresses.node), "dev", "node", "onlink"],
    ]


def ensure_networks(addresses: Addresses) -> None:
    """Make what is missing; safe to repeat, also after it was interrupted."""
    node, world = addresses.node_netns, addresses.world_netns
    for name in (node, world):
        if not (NETNS_FOLDER / name).exists():
            run(["ip", "netns", "add", name])
    if not _has_link([], _host_link(addresses)):
        run(["ip", "link", "add", _host_link(addresses), "type", "veth", "peer", "name", "link", "netns", node])
    if not _has_link(["-n", node], "world"):
        run(["ip", "-n", node, "link", "add", "world", "type", "veth", "peer", "name", "node", "netns", world])
    for name, value in NODE_SYSCTLS.items():
        run(enter(node, ["sh", "-c", f"echo {value} > /proc/sys/{name}"]))
    _batch([], host_commands(addresses))
    _batch(["-n", node], node_commands(addresses))
    _batch(["-n", world], world_commands(addresses))


def remove_networks(addresses: Addresses) -> None:
    """Delete both namespaces; their links go with them. Nothing may live in them any more."""
    if _has_link([], _host_link(addresses)):
        run(["ip", "link", "delete", _host_link(addresses)])
    for name in (addresses.node_netns, addresses.world_netns):
        if (NETNS_FOLDER / name).exists():
            run(["ip", "netns", "delete", name])


def enter(netns: str, argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` in a network namespace.

    Not `ip netns exec`: that mounts a fresh /sys, in which the control groups are missing.
    """
    return ["nsenter", f"--net={NETNS_FOLDER / netns}", *argv]


def _batch(options: Sequence[str], commands: Sequence[Sequence[str]]) -> None:
    run(["ip", *options, "-batch", "-"], stdin="".join(f"{' '.join(command)}\n" for command in commands))


def _has_link(options: Sequence[str], name: str) -> bool:
    links = run(["ip", *options, "-oneline", "link", "show"])
    return any(line.split(": ")[1].partition("@")[0] == name for line in links.splitlines())


def _host_link(addresses: Addresses) -> str:
    return f"mg{addresses.slot}-link"
