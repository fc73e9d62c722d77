"""The files generated from `runtime/contract`, settings and policies, and the command that writes or checks them."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import click

from infra.settings.reference import render_reference
from policies.reference import render_policies
from runtime.contract import edge, errors, headers, hooks, limits, paths, rates, token

ROOT = Path(__file__).resolve().parent.parent
CONTRACT_TS = Path("workers/edge/src/generated/contract.ts")
SETTINGS_MD = Path("docs/settings.md")
POLICIES_MD = Path("docs/policies.md")

_HEADER = """\
// Written by `moltghost gen` from runtime/contract. Edit that, then run `make gen`.
"""


def render_contract() -> str:
    """The contract as the Worker reads it, in the form its formatter leaves alone."""
    parts = [
        _HEADER,
        _constants("EDGE", edge),
        _constants("HEADERS", headers),
        _constants("HOOKS", hooks),
        _constants("LIMITS", limits),
        _constants("PATHS", paths),
        _constants("RATES", rates),
        _constants("TOKEN", token),
        _errors(),
        _template("audience", token.audience("${tenant}", "${agent}"), "tenant", "agent"),
        _template("hookKey", hooks.hook_key("${hook}"), "hook"),
        _template("hookLabel", hooks.secret_label("${tenant}", "${hook}", "${version}"), "tenant", "hook", "version"),
        _template("outboxLabel", hooks.outbox_label("${tenant}", "${hook}"), "tenant", "hook"),
        _template("originKey", edge.origin_key("${origin}", "${tenant}"), "origin", "tenant"),
        _template("originPrefix", edge.origin_prefix("${origin}"), "origin"),
        _template("regionKey", edge.region_key("${region}"), "region"),
        _template("certificateKey", edge.certificate_key("${authority}", "${name}"), "authority", "name"),
        _template("issuerKey", edge.issuer_key("${issuer}"), "issuer"),
        _template("routeKey", edge.route_key("${tenant}", "${agent}"), "tenant", "agent"),
        _template("shardName", rates.shard_name("${tenant}", "${shard}"), "tenant", "shard"),
    ]
    return "\n".join(parts)


def _constants(name: str, module: ModuleType) -> str:
    """A frozen object of a module's plain constants."""
    values = {key: value for key, value in sorted(vars(module).items()) if key.isupper()}
    lines = [f"  {key}: {_literal(f'{module.__name__}.{key}', value)}," for key, value in values.items()]
    return "\n".join([f"export const {name} = {{", *lines, "} as const;", ""])


def _literal(where: str, value: object) -> str:
    """A value as TypeScript writes it. Raises TypeError for what is neither text nor number nor a tuple of them."""
    if isinstance(value, str) or type(value) is int:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple):
        items = [_literal(where, item) for item in value]
        if any(isinstance(item, tuple) for item in value):
            return "\n".join(["[", *(f"    {item}," for item in items), "  ]"])
        return f"[{', '.join(items)}]"
    raise TypeError(f"{where} is a {type(value).__name__}; the contract's constants are text, whole numbers or tuples")


def _errors() -> str:
    lines = ["export const ERRORS = {"]
    for name, kind in sorted(vars(errors).items()):
        if isinstance(kind, errors.ErrorKind):
            fields = {"status": kind.status, "type": kind.type, "code": kind.code, "message": kind.message}
            lines.append(f"  {name}: {{")
            lines += [f"    {field}: {_literal(name, value)}," for field, value in fields.items()]
            lines.append("  },")
    return "\n".join([*lines, "} as const;", ""])


def _template(name: str, text: str, *parameters: str) -> str:
    """A function whose answer is `text`, in which each parameter stands as `${parameter}`."""
    declared = ", ".join(f"{parameter}: string" for parameter in parameters)
    return f"export const {name} = ({declared}): string => `{text}`;\n"


def generated_files() -> Mapping[Path, str]:
    """What every generated file must hold, by its path in the project."""
    return {CONTRACT_TS: render_contract(), SETTINGS_MD: render_reference(), POLICIES_MD: render_policies()}


def stale_files(root: Path) -> list[Path]:
    """The generated files under `root` that are missing or differ from their source."""
    return [path for path, text in generated_files().items() if _read(root / path) != text]


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail when a file differs from its source.")
def gen(check: bool) -> None:
    """Write the files generated from runtime/contract, the settings and the policies."""
    stale = stale_files(ROOT)
    if check and stale:
        raise click.ClickException(f"{', '.join(map(str, stale))} differ from their source: run `make gen`")
    for path in stale:
        target = ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(generated_files()[path], encoding="utf-8")
        click.echo(f"wrote {path}")
