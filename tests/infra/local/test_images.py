"""Images: built once for their inputs, the same bytes from the same inputs, nothing but what was declared inside."""

import json
import os
import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from infra.local import go_build
from infra.local import images as module
from infra.local.cache import Progress
from infra.local.go_build import ToolError
from infra.local.images import RECIPES, Image, Images, Recipe
from infra.local.tools import Tools
from tests.infra.local.fake_programs import quiet

DOCKERFILE = "FROM scratch\nCOPY --from=tools pause /pause\nCOPY app /app\nUSER 10001:10001\n"
RECIPE = Recipe("sample", "Dockerfile", tools=("pause",), sources=("app",))

needs_buildah = pytest.mark.skipif(
    shutil.which("buildah") is None or os.geteuid() != 0, reason="builds images: needs buildah and root"
)


class FixedTools(Tools):
    """A pause program of the test's own; counts how often it is asked for."""

    def __init__(self, cache: Path) -> None:
        super().__init__(cache)
        self.asked = 0
        self.program = cache / "pause-program"
        self.program.write_text("first")

    def ensure(self, names: Iterable[str], progress: Progress) -> dict[str, Path]:
        assert list(names) == ["pause"]
        self.asked += 1
        return {"pause": self.program}


class Workshop:
    """A repository with one image to build, and a cache."""

    def __init__(self, folder: Path) -> None:
        self.repository = folder / "repository"
        self.app = self.repository / "app"
        self.app.mkdir(parents=True)
        (self.app / "main.py").write_text("print('one')\n")
        (self.repository / "Dockerfile").write_text(DOCKERFILE)
        (self.repository / "secret.txt").write_text("not for the image")
        self.cache = folder / "cache"
        self.cache.mkdir()
        self.tools = FixedTools(self.cache)
        self.images = Images(self.cache, self.tools, self.repository)

    def build(self) -> Image:
        return self.images.ensure(quiet, [RECIPE])["sample"]


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def contents(image: Image) -> set[str]:
    """Every file in the image's layers."""
    names: set[str] = set()
    with tarfile.open(image.archive) as archive:
        manifest = json.loads(_blob(archive, image.digest))
        for layer in manifest["layers"]:
            blob = archive.extractfile(f"blobs/{layer['digest'].replace(':', '/')}")
            assert blob
            with tarfile.open(fileobj=blob) as unpacked:
                names |= {member.name for member in unpacked if member.isfile()}
    return names


def _blob(archive: tarfile.TarFile, digest: str) -> bytes:
    file = archive.extractfile(f"blobs/{digest.replace(':', '/')}")
    assert file
    return file.read()


@needs_buildah
def test_an_image_holds_what_was_declared_and_nothing_beside_it(workshop: Workshop) -> None:
    leftovers = workshop.app / "__pycache__"
    leftovers.mkdir()
    (leftovers / "main.cpython-311.pyc").write_text("stale")
    image = workshop.build()
    assert contents(image) == {"pause", "app/main.py"}
    assert image.reference == f"localhost/moltghost/sample@{image.digest}"


@needs_buildah
def test_the_archive_names_the_image_it_holds(workshop: Workshop) -> None:
    image = workshop.build()
    with tarfile.open(image.archive) as archive:
        index = archive.extractfile("index.json")
        assert index
        (entry,) = json.load(index)["manifests"]
    assert entry["digest"] == image.digest
    assert entry["annotations"]["org.opencontainers.image.ref.name"] == image.tag


@needs_buildah
def test_the_second_time_nothing_is_built_nor_any_tool_asked_for(workshop: Workshop) -> None:
    first = workshop.build()
    assert workshop.build() == first
    assert workshop.tools.asked == 1


@needs_buildah
def test_a_damaged_archive_is_built_again_to_the_same_digest(workshop: Workshop) -> None:
    first = workshop.build()
    first.archive.write_bytes(b"half")
    assert workshop.build() == first
    assert workshop.tools.asked == 2
    assert contents(first) == {"pause", "app/main.py"}


@needs_buildah
def test_the_same_inputs_give_the_same_digest_in_another_cache(workshop: Workshop, tmp_path: Path) -> None:
    other = Workshop(tmp_path / "other")
    assert other.build().digest == workshop.build().digest


@needs_buildah
def test_a_changed_tool_reaches_the_image_past_every_layer_cache(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = workshop.build()
    workshop.tools.program.write_text("other")
    monkeypatch.setattr(go_build, "inputs_digest", lambda _tool: "of other sources")
    second = workshop.build()
    assert second.digest != first.digest
    assert second.tag != first.tag


@needs_buildah
def test_a_build_that_fails_says_why_and_leaves_no_image(workshop: Workshop) -> None:
    (workshop.repository / "Dockerfile").write_text("FROM scratch\nCOPY absent /absent\n")
    with pytest.raises(ToolError, match=r"(?s)buildah build failed \(exit status \d+\).*absent"):
        workshop.build()
    assert not list((workshop.cache / "images").rglob("*.tar"))
    assert str(workshop.cache) not in Path("/proc/mounts").read_text()


@needs_buildah
def test_a_base_that_is_not_here_is_never_pulled(workshop: Workshop) -> None:
    (workshop.repository / "Dockerfile").write_text("FROM localhost/absent:1\n")
    with pytest.raises(ToolError, match="localhost/absent"):
        workshop.build()


def test_the_key_follows_every_input(workshop: Workshop) -> None:
    keys = [workshop.images.key(RECIPE)]
    (workshop.app / "main.py").write_text("print('two')\n")
    keys.append(workshop.images.key(RECIPE))
    (workshop.app / "main.py").chmod(0o755)
    keys.append(workshop.images.key(RECIPE))
    (workshop.app / "main.py").rename(workshop.app / "other.py")
    keys.append(workshop.images.key(RECIPE))
    (workshop.repository / "Dockerfile").write_text(f"{DOCKERFILE}WORKDIR /app\n")
    keys.append(workshop.images.key(RECIPE))
    assert len(set(keys)) == len(keys)


def test_the_key_ignores_what_is_not_declared(workshop: Workshop) -> None:
    before = workshop.images.key(RECIPE)
    (workshop.repository / "secret.txt").write_text("changed")
    (workshop.app / "__pycache__").mkdir()
    (workshop.app / "__pycache__" / "x.pyc").write_text("stale")
    assert workshop.images.key(RECIPE) == before


def test_archives_long_unused_are_dropped_and_the_others_kept(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / f"{name}.tar").write_text(name)
        (tmp_path / f"{name}.json").write_text("{}")
    os.utime(tmp_path / "old.tar", (1, 1))
    module.drop_unused(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.json", "new.tar"]


def test_the_regions_images_are_those_the_stack_names() -> None:
    assert {recipe.name for recipe in RECIPES} == {
        "agent",
        "platform",
        "model-tiny",
        "agent-sandbox-controller",
        "pause",
    }
    for recipe in RECIPES:
        assert (module.REPOSITORY / recipe.dockerfile).is_file()
