"""`moltghost doctor`: which way each tool comes, what is missing, and what that leaves out."""

import json
import os
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from infra.local.cache import cache_root
from infra.local.catalogue import CATALOGUE, Tool
from infra.local.cluster import containerd
from infra.local.cluster.disks import LOOP_CONTROL
from infra.local.go_build import ToolError, require_go
from infra.local.official import DOWNLOADS_VARIABLE
from infra.local.packages import IMAGES, NODE, can_install, missing_packages
from infra.local.tools import How, Tools

ROOTLESS_TOOLS = frozenset({"kwok"})
"""What only a region without root runs."""
ROOT_TOOLS = frozenset({*containerd.TOOLS, "kubelet", "kube-proxy", "kube-router", "ollama", "pause"})
"""What only a region with real pods runs."""
NO_PODS = "no pod really runs: KWOK plays the nodes, nothing answers a chat, NetworkPolicy is not enforced"


class State(StrEnum):
    """How one thing stands."""

    READY = "ready"
    PENDING = "to be made"
    """Not there yet; `moltghost up` gets it."""
    MISSING = "missing"


@dataclass(frozen=True)
class ToolReport:
    """One line of the report: a tool, or something of the machine that tools need."""

    name: str
    state: State
    version: str
    how: str
    """Which way it came, or would come."""
    remedy: str = ""
    leaves_out: str = ""
    """What does not work while it is missing."""


def report(cache: Path | None = None) -> list[ToolReport]:
    """Everything a local region needs, in the order a person would mend it. Changes nothing."""
    root = os.geteuid() == 0
    tools = Tools(cache)
    unneeded = ROOTLESS_TOOLS if root else ROOT_TOOLS
    wanted = [tool for tool in CATALOGUE.values() if tool.name not in unneeded]
    reports = [_tool(tools, tool) for tool in wanted]
    needs_go = any(each.how == How.TO_BUILD for each in reports)
    machine = [_root(root), _control_groups(), *_loop_devices(root), *_packages(root)]
    return [*machine, _go(needs_go), *reports]


def _tool(tools: Tools, tool: Tool) -> ToolReport:
    found = tools.resolve(tool.name)
    state = State.READY if found.path else State.PENDING
    return ToolReport(tool.name, state, found.version, found.how, remedy=found.note)


def _root(root: bool) -> ToolReport:
    if root:
        return ToolReport("root", State.READY, "", "this user")
    return ToolReport("root", State.MISSING, "", "", "run as root, in a virtual machine if need be", NO_PODS)


def _control_groups(at: Path = Path("/sys/fs/cgroup")) -> ToolReport:
    """The kubelet counts and limits pods by control groups, of either version."""
    if (at / "cgroup.controllers").is_file():
        return ToolReport("control groups", State.READY, "v2", "the kernel")
    if (at / "memory").is_dir():
        return ToolReport("control groups", State.READY, "v1", "the kernel")
    return ToolReport("control groups", State.MISSING, "", "", f"mount cgroup2 at {at}", NO_PODS)


def _loop_devices(root: bool) -> list[ToolReport]:
    """Volumes of a fixed size are mounted with them."""
    if not root:
        return []
    if LOOP_CONTROL.exists():
        return [ToolReport("loop devices", State.READY, "", "the kernel")]
    leaves_out = "a volume is a folder, and no claim's size is enforced"
    return [ToolReport("loop devices", State.MISSING, "", "", f"modprobe loop, or give {LOOP_CONTROL}", leaves_out)]


def _packages(root: bool) -> list[ToolReport]:
    if not root:
        return []  # they serve real pods alone
    return [
        _package_group("pods", NODE, NO_PODS),
        _package_group("image builds", IMAGES, "no image can be built"),
        _package_group("Ollama's build", CATALOGUE["ollama"].packages, "the model server cannot be built"),
    ]


def _package_group(purpose: str, names: tuple[str, ...], leaves_out: str) -> ToolReport:
    title = f"packages for {purpose}"
    missing = missing_packages(names)
    if not missing:
        return ToolReport(title, State.READY, "", "Debian")
    if can_install():
        return ToolReport(title, State.PENDING, "", f"apt-get, to be installed: {', '.join(missing)}")
    return ToolReport(title, State.MISSING, "", "", f"install {', '.join(missing)}", leaves_out)


def _go(needed: bool) -> ToolReport:
    try:
        return ToolReport("go", State.READY, require_go("pulumi").removeprefix("go"), How.INSTALLED)
    except ToolError as error:
        if not needed:
            return ToolReport("go", State.READY, "", "not needed: nothing is to be built")
        return ToolReport("go", State.MISSING, "", "", str(error), "what is to be built from source")


def render(reports: list[ToolReport], console: Console) -> None:
    """Print the report as a table, then what is missing, each with its remedy."""
    table = Table(box=None, pad_edge=False)
    for heading in ("", "tool", "version", "how"):
        table.add_column(heading)
    marks = {State.READY: "[green]✓[/green]", State.PENDING: "[yellow]·[/yellow]", State.MISSING: "[red]✗[/red]"}
    for each in reports:
        table.add_row(marks[each.state], each.name, each.version, each.how)
    console.print(table)
    for each in reports:
        if each.state is State.MISSING:
            console.print(f"[red]{each.name} is missing[/red]: {each.remedy}. Without it: {each.leaves_out}.")
        elif each.remedy:
            console.print(f"{each.name}: {each.remedy}", style="dim")
    if any(each.how == How.TO_BUILD and each.name == "pulumi" for each in reports):
        console.print(f"With {DOWNLOADS_VARIABLE}=1 the official Pulumi is downloaded instead of built.", style="dim")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the report for programs.")
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Say which way each tool comes, what is missing, and what that leaves out.

    Exit status 1 when something is missing that `up` cannot get by itself.
    """
    reports = report(cache_root())
    if as_json:
        click.echo(json.dumps([asdict(each) for each in reports], indent=2))
    else:
        render(reports, Console(highlight=False))
    context.exit(1 if any(each.state is State.MISSING for each in reports) else 0)
