"""What a person sees while a long command works: each step as it starts, its details, its time at the end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Steps:
    """Prints each step as it starts and ends."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=False, highlight=False, soft_wrap=True)

    @contextmanager
    def step(self, title: str) -> Iterator["Step"]:
        """Time the block; its details go through the `Step` it is given."""
        step = Step(self.console, title)
        step.start()
        try:
            yield step
        except BaseException:
            step.end("[red]✗[/red]")
            raise
        step.end("[green]✓[/green]")


class Step:
    """One step under way. Call it with a line of detail."""

    def __init__(self, console: Console, title: str) -> None:
        self.console = console
        self.title = title
        self.started = time.monotonic()

    def __call__(self, detail: str) -> None:
        """Show one line of what is going on inside the step."""
        self.console.print(f"    {detail}", style="dim", markup=False)

    def start(self) -> None:
        """Announce the step."""
        self.console.print(f"[bold]→[/bold] {self.title}")

    def end(self, mark: str) -> None:
        """Close the step with its mark and its time in seconds."""
        took = time.monotonic() - self.started
        self.console.print(f"{mark} {self.title} [dim]({took:.1f} s)[/dim]")
