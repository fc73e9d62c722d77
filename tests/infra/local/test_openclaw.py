"""OpenClaw's installation: made once from its lock, whole or not at all."""

import json
import shutil
from pathlib import Path

import pytest

from infra.local import openclaw as module
from infra.local.go_build import ToolError
from infra.local.openclaw import LOCKED, ensure_openclaw, ensure_pruned, openclaw_key, pinned_openclaw
from tests.infra.local.fake_programs import install, quiet

PACKAGE = "node_modules/openclaw/package.json"


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package manager that notes each call and makes one file; it fails while a file `broken` lies beside it."""
    folder = tmp_path / "bin"
    script = f"""#!/bin/sh
echo "$@" >> {folder}/calls
mkdir -p node_modules/openclaw
[ -e {folder}/broken ] && {{ echo "no such package" >&2; exit 1; }}
echo '{{}}' > {PACKAGE}
"""
    program = install(folder, "npm", script)
    monkeypatch.setattr(module, "npm_command", lambda: (str(program),))
    monkeypatch.setattr(module, "node_program", lambda: program)
    return folder


def test_it_is_installed_once_without_running_what_packages_bring(npm: Path, tmp_path: Path) -> None:
    first = ensure_openclaw(tmp_path, quiet)
    assert ensure_openclaw(tmp_path, quiet) == first
    assert (first / PACKAGE).is_file()
    last_step = "node_modules/openclaw/scripts/postinstall-bundled-plugins.mjs"
    assert (npm / "calls").read_text().splitlines() == ["ci --omit=dev", last_step]
    assert "ignore-scripts=true" in (first / ".npmrc").read_text()


def test_an_installation_that_fails_says_why_and_leaves_nothing(npm: Path, tmp_path: Path) -> None:
    (npm / "broken").touch()
    with pytest.raises(ToolError, match=r"(?s)OpenClaw cannot be installed \(exit status 1\).*no such package"):
        ensure_openclaw(tmp_path, quiet)
    assert list((tmp_path / "openclaw").glob("*/")) == []
    (npm / "broken").unlink()
    assert (ensure_openclaw(tmp_path, quiet) / PACKAGE).is_file()


def test_a_version_with_known_holes_is_not_installed(
    npm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old"
    shutil.copytree(LOCKED, old)
    lock = old / "package-lock.json"
    lock.write_text(lock.read_text().replace(f'"version": "{pinned_openclaw()}"', '"version": "2026.5.17"'))
    monkeypatch.setattr(module, "LOCKED", old)
    with pytest.raises(ToolError, match=r"openclaw 2026\.5\.17 has known holes"):
        ensure_openclaw(tmp_path, quiet)
    assert not (npm / "calls").exists()


def test_another_lock_is_another_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = openclaw_key()
    shutil.copytree(LOCKED, tmp_path / "changed")
    with (tmp_path / "changed" / "package-lock.json").open("a") as file:
        file.write("\n")
    monkeypatch.setattr(module, "LOCKED", tmp_path / "changed")
    assert openclaw_key() != before


def test_the_lock_pins_every_package_by_hash_and_names_no_host() -> None:
    packages = json.loads((LOCKED / "package-lock.json").read_text())["packages"]
    root = packages.pop("")
    assert root["dependencies"] == {"openclaw": pinned_openclaw()}
    for name, package in packages.items():
        assert package.get("inBundle") or package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


def test_the_pruned_one_lacks_what_no_pod_loads_and_the_whole_one_stays(npm: Path, tmp_path: Path) -> None:
    whole = ensure_openclaw(tmp_path, quiet)
    package = whole / "node_modules" / "openclaw"
    for name in ("docs/index.md", "dist/control-ui/index.html", "dist/index.d.ts", "dist/index.mjs"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("x")
    pruned = ensure_pruned(tmp_path, quiet)
    kept = {path.relative_to(pruned).as_posix() for path in pruned.rglob("*") if path.is_file()}
    assert kept == {".done", PACKAGE, "node_modules/openclaw/dist/index.mjs"}
    assert (package / "docs" / "index.md").is_file()
    assert ensure_pruned(tmp_path, quiet) == pruned
