"""What runs of a local region and where: for people as a table, for programs as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class EdgeStatus:
    """Where customers call."""

    url: str


@dataclass(frozen=True)
class TenantStatus:
    """One customer: the file that holds its API key, its namespace, its agents' names."""

    id: str
    key_file: str
    namespace: str
    agents: list[str]


@dataclass(frozen=True)
class ProgramStatus:
    """One supervised program; `state` is the supervisor's word, `pid` 0 where there is no process."""

    name: str
    state: str
    pid: int
    address: str
    log: str


@dataclass(frozen=True)
class RegionStatus:
    """The region as a whole; programs read its JSON form, so its names stay."""

    state: str
    deployed: bool
    edge: EdgeStatus
    tenants: list[TenantStatus]
    kubeconfig: str
    backend_url: str
    programs: list[ProgramStatus]

    def to_json(self) -> str:
        """The form programs read."""
        return json.dumps(asdict(self), indent=2)


def show(status: RegionStatus, console: Console) -> None:
    """Print the status for a person."""
    if not status.programs:
        console.print(f"Nothing runs in {status.state}. `make up` brings a region up.")
        return
    rows = [(one.name, one.state, str(one.pid or "-"), one.address) for one in status.programs]
    console.print(table("Programs", ("name", "state", "pid", "address"), rows))
    console.print(f"Logs        {Path(status.programs[0].log).parent}/<name>.log")
    if not status.deployed:
        console.print("Nothing is deployed yet. `make up` continues where it stopped.")
        return
    console.print(f"Edge        {status.edge.url}")
    console.print(f"Kubeconfig  {status.kubeconfig}")
    console.print(f"Backend     {status.backend_url}")
    tenants = [(one.id, ", ".join(one.agents), one.namespace, one.key_file) for one in status.tenants]
    console.print(table("Tenants", ("tenant", "agents", "namespace", "key file"), tenants))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A plain table; long values fold rather than vanish, since a person copies them."""
    drawn = Table(title=title, title_justify="left", box=box.SIMPLE)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    return drawn
