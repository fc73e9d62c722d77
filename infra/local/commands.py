"""The commands that act on the local region."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from infra.local.chat import ChatFailedError, curl_line, sdk_snippet
from infra.local.cluster.shell import MachineError
from infra.local.engine import EngineError
from infra.local.go_build import ToolError
from infra.local.machine import SIMULATED_NODE_TOOLS
from infra.local.openclaw import ensure_pruned
from infra.local.packages import TESTS, can_install, ensure_packages
from infra.local.processes import ProcessError
from infra.local.progress import Steps
from infra.local.region import LocalRegion
from infra.local.status import show
from infra.passphrase import FILE_VARIABLE, EmptyPassphraseError, require_passphrase
from infra.settings import ConfigError

EXPECTED = (ChatFailedError, ConfigError, EmptyPassphraseError, EngineError, MachineError, ProcessError, ToolError)
"""What can go wrong outside our code: shown as one message, without a traceback."""

Command = TypeVar("Command", bound=Callable[..., Any])


def region_options(command: Command) -> Command:
    """The options that say which local region is meant."""
    state = click.option(
        "--state", type=click.Path(path_type=Path), default=Path(".state"), show_default=True, help="The state folder."
    )
    slot = click.option(
        "--slot",
        type=click.IntRange(0, 15),
        default=0,
        show_default=True,
        help="Keeps the ports and addresses of two regions apart.",
    )
    return state(slot(command))


@contextmanager
def expected_errors() -> Iterator[None]:
    """Turn what can go wrong outside our code into one message and exit status 1."""
    try:
        yield
    except EXPECTED as error:
        raise click.ClickException(str(error)) from error


@click.command()
@region_options
def up(state: Path, slot: int) -> None:
    """Bring a region up on this machine and chat with it."""
    with expected_errors():
        refuse_empty_passphrases(state)
        bring_up(LocalRegion(state, slot), Steps())


def refuse_empty_passphrases(state: Path) -> None:
    """Raise EmptyPassphraseError for the user's own variables or the region's file, before anything is begun."""
    require_passphrase(os.environ)
    require_passphrase({FILE_VARIABLE: str(state / "passphrase")})


def bring_up(region: LocalRegion, steps: Steps) -> None:
    """Start the region and deploy; then chat, or say why nobody can."""
    region.start(steps)
    region.deploy(steps)
    if region.machine.runs_pods:
        greet(region, steps)
    else:
        steps.console.print(f"\nDeployed, but {region.machine.limits}. `make doctor` says what is missing.")


def greet(region: LocalRegion, steps: Steps) -> None:
    """Send one chat, show the answer as it streams, and print lines that do the same."""
    tenant = region.tenants()[0]
    agent, key_file = tenant.agents[0], Path(tenant.key_file)
    with steps.step(f"One chat with {tenant.id}'s agent {agent}"):
        steps.console.print("    ", end="")
        for piece in region.chat():
            steps.console.print(piece, end="", markup=False)
        steps.console.print()
    steps.console.print("\nAsk it yourself:\n")
    click.echo(curl_line(region.edge_url, key_file, agent))
    steps.console.print("\nor, with OpenAI's SDK (`.venv/bin/python`):\n")
    click.echo(sdk_snippet(region.edge_url, key_file, agent))


@click.command()
@region_options
def down(state: Path, slot: int) -> None:
    """Stop and remove everything `up` made; the tool cache stays."""
    with expected_errors():
        LocalRegion(state, slot).down(Steps())


@click.command()
@region_options
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(state: Path, slot: int, as_json: bool) -> None:
    """Say what runs and where."""
    with expected_errors():
        found = LocalRegion(state, slot).status()
    if as_json:
        click.echo(found.to_json())
    else:
        show(found, Console())


@click.command()
@region_options
def preview(state: Path, slot: int) -> None:
    """Show what `up` would change."""
    region = LocalRegion(state, slot)
    with expected_errors():
        refuse_empty_passphrases(state)
        region.require_started()
        region.engine.preview("--diff", on_line=click.echo)


@click.command()
@region_options
@click.option("--tests", is_flag=True, help="Also what only the tests need.")
def prepare(state: Path, slot: int, tests: bool) -> None:
    """Get tools, packages and images ready, without starting anything."""
    region, steps = LocalRegion(state, slot), Steps()
    with expected_errors():
        region.prepare(steps)
        if tests:
            with steps.step("Tools of the tests") as step:
                region.tools.ensure([*SIMULATED_NODE_TOOLS, "kubectl", "pod-security"], step)
                ensure_pruned(region.tools.cache, step)
                if can_install():  # elsewhere the tests that need them say so and are left out
                    ensure_packages(TESTS, step)
