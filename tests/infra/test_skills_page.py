"""Who follows docs/skills.md to the letter gets a bundle."""

import re
import shutil
from pathlib import Path

from infra.skills.building import build
from runtime.contract import image
from runtime.skills.config_map import MAX_BYTES
from runtime.skills.limits import MAX_DEPTH, MAX_FILES, MAX_PATH
from tests.infra.test_skills import EXAMPLE, PACKAGES
from tests.runtime.skills.bundles import KEY, TENANT

PAGE = Path(__file__).resolve().parents[2] / "docs" / "skills.md"
_FILE = re.compile(r"^```\w+ file=(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_files_on_the_page_are_a_skill(tmp_path: Path) -> None:
    for name, text in _FILE.findall(PAGE.read_text()):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shutil.copy(EXAMPLE / "src" / "openclaw.d.ts", tmp_path / "src")
    # What `npm install` does.
    shutil.copy(EXAMPLE / "package-lock.json", tmp_path)
    (tmp_path / "node_modules").symlink_to(PACKAGES)
    manifest = build(tmp_path, TENANT, KEY).manifest
    assert (manifest.name, manifest.skill("opening-hours").tools) == ("opening-hours", ("opening_hours",))


def test_what_the_page_promises_is_so() -> None:
    page = PAGE.read_text()
    for said in (f"{MAX_BYTES:,} bytes", f"{MAX_FILES} files", f"{MAX_PATH} characters, {MAX_DEPTH} names"):
        assert said in page
    assert f"`{image.SECRETS_DIR}`" in page
