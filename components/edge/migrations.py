"""The history of the Worker's Durable Object classes.

Cloudflare notes the tag of the last migration with the script, makes none twice, and refuses an upload that brings one
without naming the tag that is there (412, code 10079). An upload that brings none leaves classes and tag as they are.
https://developers.cloudflare.com/durable-objects/reference/durable-objects-migrations/
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.contract import hooks, rates


@dataclass(frozen=True)
class Migration:
    """One step: the tag it leaves behind, and the classes it makes, each with SQLite."""

    tag: str
    makes: tuple[str, ...]


MIGRATIONS = (Migration("objects-1", (rates.LIMITER_CLASS, hooks.LEDGER_CLASS, hooks.OUTBOX_CLASS)),)
"""All there ever were, the oldest first. A new one is added at the end; none is changed or taken out: accounts have
made it, and new accounts make them all in turn."""


def build_migrations(history: Sequence[Migration] = MIGRATIONS) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each step by its tag, as an upload brings it: after the one before, or after none."""
    before: dict[str, Any] = {}
    for step in history:
        yield step.tag, {**before, "new_tag": step.tag, "new_sqlite_classes": list(step.makes)}
        before = {"old_tag": step.tag}
