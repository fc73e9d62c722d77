"""A mounted bundle is verified to the last file, as Kubernetes lays it out."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.skills.errors import SkillError
from runtime.skills.limits import MAX_FILES
from runtime.skills.tree import verify_tree
from tests.runtime.skills.bundles import EXPECTED, GENERATION, bundle_of, manifest_of, mount, write_plain

Layout = Callable[[Path, dict[str, bytes]], Path]


@pytest.mark.parametrize("lay_out", [mount, write_plain])
def test_a_bundle_is_found_in_its_folder(tmp_path: Path, lay_out: Layout) -> None:
    assert verify_tree(lay_out(tmp_path, bundle_of().contents), EXPECTED) == manifest_of()


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    return mount(tmp_path, bundle_of().contents)


def test_what_the_kubelet_left_of_an_earlier_attempt_is_passed_over(mounted: Path) -> None:
    write_plain(mounted / "..2026_11_21_05_46_59.1", {"crm/evil.js": b""})
    assert verify_tree(mounted, EXPECTED) == manifest_of()


def change(path: str) -> Callable[[Path], object]:
    return lambda top: (top / GENERATION / path).write_bytes(b"changed")


def remove(path: str) -> Callable[[Path], object]:
    return lambda top: (top / path).unlink()


def relink(name: str, target: str) -> Callable[[Path], object]:
    def act(top: Path) -> None:
        (top / name).unlink(missing_ok=True)
        (top / name).symlink_to(target)

    return act


def fill(top: Path) -> None:
    for number in range(MAX_FILES):
        (top / GENERATION / "crm" / f"x{number}.js").touch()


def big(top: Path) -> None:
    with (top / GENERATION / "crm" / "dist" / "index.js").open("wb") as file:
        file.truncate(2**40)


TAMPERED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file changed": (change("crm/dist/index.js"), "crm/dist/index.js: was changed"),
    "instructions changed": (change("crm/skills/crm/SKILL.md"), "crm/skills/crm/SKILL.md: was changed"),
    "the manifest changed": (change("manifest.json"), "manifest.json: is not signed"),
    "the signature changed": (change("manifest.sig"), "manifest.sig: is no signature"),
    "a file added": (change("crm/dist/evil.js"), "crm/dist/evil.js: is not in the manifest"),
    "a hidden file added": (change("crm/dist/.evil.js"), "crm/dist/.evil.js: is not in the manifest"),
    "a file removed": (remove(f"{GENERATION}/crm/dist/index.js"), "crm/dist/index.js: is missing"),
    "a file turned into a link": (
        lambda top: (
            remove(f"{GENERATION}/crm/dist/index.js")(top),
            relink(f"{GENERATION}/crm/dist/index.js", "/etc/passwd")(top),
        ),
        "crm/dist/index.js: is neither a file nor a folder",
    ),
    "a folder that is a link": (relink(f"{GENERATION}/crm/more", "/etc"), "crm/more: is neither a file nor a folder"),
    "a pipe": (lambda top: os.mkfifo(top / GENERATION / "crm" / "pipe"), "crm/pipe: is neither a file nor a folder"),
    "a file at the top of the volume": (lambda top: (top / "evil.js").touch(), "evil.js: is not in the manifest"),
    "a folder at the top of the volume": (lambda top: (top / "evil").mkdir(), "evil: is not in the manifest"),
    "a folder at the top named like Kubernetes' own": (lambda top: (top / "..evil").mkdir(), "..evil: is not in the"),
    "a link at the top that leads elsewhere": (relink("crm", "/etc"), "crm: is not in the manifest"),
    "a link at the top to another folder": (relink("evil", "..data/crm"), "evil: is not in the manifest"),
    "a link at the top gone": (remove("crm"), "crm: is missing"),
    "the current files elsewhere": (relink("..data", "/etc"), "..data: leads out of the volume"),
    "the current files above": (relink("..data", "../x"), "..data: leads out of the volume"),
    "no current files": (relink("..data", "..2026_11_21_05_47_00.2"), "..data: leads out of the volume"),
    "many files": (fill, f"a bundle holds {MAX_FILES} at most"),
    "a file without end": (big, "bytes; a bundle holds"),
    "no files": (lambda top: (top / GENERATION).rename(top / "..2026_11_21_05_47_00.9"), "leads out of the volume"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_a_volume_is_refused_that_has(case: str, mounted: Path) -> None:
    tamper, reason = TAMPERED[case]
    tamper(mounted)
    with pytest.raises(SkillError) as refused:
        verify_tree(mounted, EXPECTED)
    assert reason in str(refused.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SkillError, match=f"{tmp_path}/none: cannot be read: No such file or directory"):
        verify_tree(tmp_path / "none", EXPECTED)


def test_an_empty_folder_has_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(SkillError, match=r"manifest\.json: is missing; manifest\.sig: is missing"):
        verify_tree(tmp_path, EXPECTED)


def test_a_folder_without_end_is_refused(tmp_path: Path) -> None:
    write_plain(tmp_path, bundle_of().contents)
    (tmp_path / "crm/a/b/c/d/e/f/g/h").mkdir(parents=True)
    with pytest.raises(SkillError, match="crm/a/b/c/d/e/f/g: is neither"):
        verify_tree(tmp_path, EXPECTED)
