"""The generated contract: what it holds, and that no copy of it may be stale."""

import json
import re
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

from infra import gen
from infra.gen import CONTRACT_TS, POLICIES_MD, SETTINGS_MD, render_contract, stale_files
from runtime.contract import edge, errors, headers, limits, paths, rates, token

OBJECTS = {"EDGE": edge, "HEADERS": headers, "LIMITS": limits, "PATHS": paths, "RATES": rates, "TOKEN": token}


def members(name: str) -> dict[str, object]:
    """The members of an object in the generated file, by name: but for its keys' quotes and last commas it is JSON."""
    found = re.search(rf"^export const {name} = \{{\n(.*?)^\}} as const;$", render_contract(), re.DOTALL | re.MULTILINE)
    assert found is not None
    quoted = re.sub(r"^  (\w+):", r'"\1":', f"{{\n{found[1]}}}", flags=re.MULTILINE)
    held: dict[str, object] = json.loads(re.sub(r",(\s*[\]}])", r"\1", quoted))
    return held


def test_the_committed_file_is_the_contract() -> None:
    assert stale_files(gen.ROOT) == [], "run `make gen`"


@pytest.mark.parametrize(("name", "module"), OBJECTS.items())
def test_every_constant_is_there(name: str, module: ModuleType) -> None:
    constants = {key: value for key, value in vars(module).items() if key.isupper()}
    expected = json.loads(json.dumps(constants))
    assert expected
    assert members(name) == expected


@pytest.mark.parametrize("kind", errors.KINDS, ids=lambda kind: kind.code)
def test_every_error_is_there(kind: errors.ErrorKind) -> None:
    fields = (
        f'status: {kind.status},\n    type: "{kind.type}",\n    code: "{kind.code}",\n    message: "{kind.message}",\n'
    )
    assert fields in render_contract()


def test_functions_say_what_their_originals_say() -> None:
    text = render_contract()
    for name, expected in {
        "audience": token.audience("T", "A"),
        "routeKey": edge.route_key("T", "A"),
        "regionKey": edge.region_key("R"),
        "issuerKey": edge.issuer_key("I"),
        "certificateKey": edge.certificate_key("A", "N"),
        "shardName": rates.shard_name("T", "S"),
    }.items():
        found = re.search(rf"export const {name} = \(.*\): string => `(.*)`;", text)
        assert found is not None
        filled = re.sub(r"\$\{(\w)\w*\}", lambda each: each[1].upper(), found[1])
        assert filled == expected


def test_a_constant_typescript_cannot_hold_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RATIO", 0.5, raising=False)
    with pytest.raises(TypeError, match=r"runtime\.contract\.limits\.RATIO is a float"):
        render_contract()


def test_gen_writes_what_check_wants_and_check_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gen, "ROOT", tmp_path)
    run = CliRunner()
    missing = run.invoke(gen.gen, ["--check"])
    assert missing.exit_code == 1
    assert f"{CONTRACT_TS}, {SETTINGS_MD}, {POLICIES_MD} differ from their source: run `make gen`" in missing.output
    assert not (tmp_path / CONTRACT_TS).exists()

    written = run.invoke(gen.gen)
    assert (written.exit_code, written.output) == (
        0,
        f"wrote {CONTRACT_TS}\nwrote {SETTINGS_MD}\nwrote {POLICIES_MD}\n",
    )
    assert run.invoke(gen.gen, ["--check"]).exit_code == 0
    assert run.invoke(gen.gen).output == ""


def test_check_fails_when_the_contract_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gen, "ROOT", tmp_path)
    run = CliRunner()
    run.invoke(gen.gen)
    monkeypatch.setattr(limits, "BODY_BYTES", 1)
    assert run.invoke(gen.gen, ["--check"]).exit_code == 1
