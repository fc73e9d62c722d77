"""Every setting as a table for people, made from the models, so that none goes undocumented."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from infra.settings.fields import Section, Setting
from infra.settings.loading import SECRETS
from infra.settings.models import Settings

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
    """Every setting of a stack, in the order of the models."""
    return list(_fields(Settings, "moltghost:"))


def render_reference() -> str:
    """The page `docs/settings.md`."""
    parts, section = [_INTRODUCTION], ""
    for one in documented_settings():
        top = one.path.removeprefix("moltghost:").split(".")[0].split("[")[0]
        if top != section:
            section = top
            parts.append(f"\n## {top}\n\n| setting | default | what it takes |\n|---|---|---|\n")
        parts.append(f"| `{one.path}` | {one.default} | {one.takes} |\n")
    parts.append(_SECRETS)
    parts += [f"| `moltghost:{name}` | {meaning} |\n" for name, meaning in SECRETS.items()]
    return "".join(parts)


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
