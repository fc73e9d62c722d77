"""Migrations of a script's Durable Object classes: each is applied once, in the order of their tags."""

from collections.abc import Mapping
from typing import Any, Final

from infra.local.cloudflare.errors import ApiError, invalid
from infra.local.cloudflare.store import Record

FIELDS: Final = ("old_tag", "new_tag", "new_sqlite_classes")


def require_shape(migrations: object) -> None:
    """Refuse what no migration can be. Raises `ApiError`."""
    if not isinstance(migrations, Mapping):
        raise invalid("metadata.migrations: must be an object")
    if unknown := sorted(set(migrations) - set(FIELDS)):
        raise invalid(f"metadata.migrations: {', '.join(unknown)} not supported by the local API")
    if not isinstance(migrations.get("new_tag"), str):
        raise invalid("metadata.migrations.new_tag: must be given, as str")
    classes = migrations.get("new_sqlite_classes", [])
    if not isinstance(classes, list) or not all(isinstance(name, str) and name.isidentifier() for name in classes):
        raise invalid("metadata.migrations.new_sqlite_classes: must be a list of names of classes")


def migrated(before: Record | None, migrations: Mapping[str, Any] | None) -> Record:
    """A script's tag and classes after an upload: as they were, or one migration further.

    Raises `ApiError` where the migration isn't the next one, or makes a class there is already.
    """
    now: Record = {field: (before or {}).get(field, default) for field, default in _NOTHING.items()}
    if migrations is None:
        return now
    old, current = migrations.get("old_tag"), now["migration_tag"]
    if old != current:
        text = f"Actor migration tag precondition failed, got tag {old!r} when expected tag is {current!r}"
        raise ApiError(412, 10079, text)
    new = migrations.get("new_sqlite_classes", [])
    if there := sorted(set(new) & set(now["classes"])):
        raise invalid(f"metadata.migrations.new_sqlite_classes: there is {', '.join(there)} already", 10074)
    return {"migration_tag": migrations["new_tag"], "classes": [*now["classes"], *new]}


_NOTHING: Final[Record] = {"migration_tag": None, "classes": []}
