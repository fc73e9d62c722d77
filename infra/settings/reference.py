"""Every setting as a table for people, made from the models, so that none goes undocumented."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from infra.settings.fields import Section, Setting
from infra.settings.kinds import KINDS
from infra.settings.loading import SECRETS

_INTRODUCTION = """\
# Settings

Written by `moltghost gen` from `infra/settings`. A stack's settings stand in `Pulumi.<stack>.yaml`, below `config:`.
`make check STACK=<stack>` says everything that is wrong with them at once, without an engine.

A setting without a default must be given. `[]` stands for each entry of a list, `<name>` for each name of a mapping.
"""
_SECRETS = """
## Secrets

Only ever encrypted; set them with `pulumi config set --secret NAME`. `make up` does it for this machine.

| setting | meaning |
|---|---|
"""


@dataclass(frozen=True)
class Documented:
    """One setting: where it stands in a stack file, its default as YAML, and what it takes."""

    path: str
    default: str
    takes: str


def documented_settings() -> list[Documented]:
    """Every setting of every kind of stack, in the order of the models."""
    return [one for kind in KINDS for one in settings_of(kind)]


def settings_of(kind: str) -> list[Documented]:
    """Every setting of a kind of stack."""
    return list(_fields(KINDS[kind], "moltghost:"))


def render_reference() -> str:
    """The page `docs/settings.md`: what is the same in two kinds of stack stands there once."""
    parts = [_INTRODUCTION]
    known: dict[str, str] = {}
    for kind in KINDS:
        parts.append(f"\n# Kind `{kind}`\n")
        for top, rows in groupby(settings_of(kind), _top):
            parts.append(_section(kind, top, list(rows), known))
    parts.append(_SECRETS)
    parts += [f"| `moltghost:{name}` | {meaning} |\n" for name, meaning in SECRETS.items()]
    return "".join(parts)


def _top(one: Documented) -> str:
    return one.path.removeprefix("moltghost:").split(".")[0].split("[")[0]


def _section(kind: str, top: str, rows: list[Documented], known: dict[str, str]) -> str:
    """One table, or where it stands already."""
    table = "".join(f"| `{one.path}` | {one.default} | {one.takes} |\n" for one in rows)
    title = f"\n## {top}\n\n" if not known.get(top) else f"\n## {top} of `{kind}`\n\n"
    if table in known:
        return f"{title}As in a stack of kind `{known[table]}`.\n"
    known[table], known[top] = kind, kind
    return f"{title}| setting | default | what it takes |\n|---|---|---|\n{table}"


def _fields(model: type[Section], prefix: str) -> Iterator[Documented]:
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        setting = next((item for item in field.metadata if isinstance(item, Setting)), None)
        inner = _section_of(field.annotation)
        if setting is not None:
            yield Documented(path, _default(field), setting.remedy.replace("|", "\\|"))
        if inner is not None:
            yield from _fields(inner, f"{path}{_each(field.annotation)}.")


def _section_of(annotation: Any) -> type[Section] | None:
    """The section a field holds: itself, or each entry of its list or mapping."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section_of(part))), None)


def _each(annotation: Any) -> str:
    marks: dict[Any, str] = {list: "[]", dict: ".<name>"}
    return marks.get(get_origin(annotation), "")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return ""
    value = field.get_default(call_default_factory=True)
    return "none" if value is None else f"`{json.dumps(value)}`"
