"""The images a local region runs, built on this machine: no registry, no daemon, nothing twice."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from infra.local import go_build
from infra.local.base_image import base_key, ensure_base
from infra.local.cache import Progress, digest_of, elapsed, locked
from infra.local.catalogue import CATALOGUE
from infra.local.files import write_whole
from infra.local.image_store import Build, ImageStore
from infra.local.packages import IMAGES, ensure_packages
from infra.local.tools import Tools

REPOSITORY = Path(__file__).parents[2]
PREFIX = "localhost/moltghost"
RECIPE = "1"
"""Raised when the way of building changes."""
KEEP_SECONDS = 14 * 24 * 3600


@dataclass(frozen=True)
class Recipe:
    """What an image is made from."""

    name: str
    dockerfile: str
    """Relative to the repository, like `sources`."""
    tools: tuple[str, ...]
    sources: tuple[str, ...] = ()
    """Files and folders the build may copy; nothing else of the work tree reaches it."""
    on_base: bool = False
    target: str | None = None
    """The stage of the Dockerfile that is the image; None for its last one."""


@dataclass(frozen=True)
class Image:
    """An image in the cache."""

    name: str
    digest: str
    """Of its manifest: `sha256:…`."""
    archive: Path
    """An OCI archive that holds the image under `tag`."""
    tag: str

    @property
    def reference(self) -> str:
        """The image by digest, as a pod names it."""
        return f"{PREFIX}/{self.name}@{self.digest}"


RUNTIME = "runtime/Dockerfile"
RECIPES = (
    Recipe(
        "agent",
        RUNTIME,
        tools=("ollama",),
        sources=(
            *("requirements/node.txt", "requirements/runtime.txt", "runtime/__init__.py", "runtime/openclaw"),
            *("runtime/model/__init__.py", "runtime/model/store.py"),
            *(f"runtime/{part}" for part in ("agent", "contract", "http", "receipts", "skills")),
        ),
        on_base=True,
        target="agent",
    ),
    Recipe(
        "platform",
        RUNTIME,
        tools=(),
        sources=(
            *("requirements/runtime.txt", "runtime/__init__.py"),
            *(f"runtime/{part}" for part in ("contract", "gateway", "http")),
        ),
        on_base=True,
        target="platform",
    ),
    Recipe(
        "model-tiny",
        RUNTIME,
        tools=(),
        sources=("requirements/model.txt", "runtime/__init__.py", "runtime/model"),
        on_base=True,
        target="model",
    ),
    Recipe(
        "agent-sandbox-controller",
        "infra/local/toolchain/agent-sandbox/Dockerfile",
        tools=("agent-sandbox-controller",),
    ),
    Recipe("pause", "infra/local/toolchain/pause/Dockerfile", tools=("pause",)),
)
IMAGE_TOOLS = tuple(tool for recipe in RECIPES for tool in recipe.tools)
"""What the images hold of the catalogue. Asked for together with a job's other tools, they are built beside those."""


class Images:
    """The images of one cache, made from one work tree."""

    def __init__(self, cache: Path, tools: Tools, repository: Path = REPOSITORY) -> None:
        self.folder = cache / "images"
        self.cache = cache
        self.tools = tools
        self.repository = repository

    def ensure(self, progress: Progress, recipes: Iterable[Recipe] = RECIPES) -> dict[str, Image]:
        """Every image by name; those whose inputs changed are built first. ToolError when one cannot be."""
        images = {}
        for recipe in recipes:
            key = self.key(recipe)
            images[recipe.name] = self._kept(recipe, key) or self._build(recipe, key, progress)
        return images

    def planned_references(self) -> dict[str, str]:
        """References for nodes that are simulated and pull nothing: each digest is that of what would be built from."""
        return {one.name: f"{PREFIX}/{one.name}@sha256:{digest_of([self.key(one)])}" for one in RECIPES}

    def key(self, recipe: Recipe) -> str:
        """What the image is made from, in 16 hex digits; computed without making any of it."""
        parts: list[str | bytes] = [RECIPE, recipe.name, (self.repository / recipe.dockerfile).read_bytes()]
        for path in source_files(self.repository, recipe.sources):
            executable = bool(path.stat().st_mode & 0o100)
            parts += [path.relative_to(self.repository).as_posix(), str(executable), path.read_bytes()]
        parts += [go_build.inputs_digest(CATALOGUE[tool]) for tool in recipe.tools]
        return digest_of([*parts, base_key() if recipe.on_base else ""])[:16]

    def _kept(self, recipe: Recipe, key: str) -> Image | None:
        """The image built before from these inputs; its record is written after its archive, so it vouches for it."""
        archive = self.folder / recipe.name / f"{key}.tar"
        try:
            record = json.loads(archive.with_suffix(".json").read_text())
            whole = archive.stat().st_size == record["bytes"]
            os.utime(archive)
        except (OSError, ValueError, KeyError):
            return None
        return Image(recipe.name, record["digest"], archive, tag_of(recipe, key)) if whole else None

    def _build(self, recipe: Recipe, key: str, progress: Progress) -> Image:
        tools = self.tools.ensure(recipe.tools, progress)  # before the lock: a compiler may be at it for minutes
        with locked(self.folder / "lock", progress, "images"):
            if kept := self._kept(recipe, key):
                return kept
            ensure_packages(IMAGES, progress)
            progress(f"building image {recipe.name} from {recipe.dockerfile}")
            started = time.monotonic()
            store = ImageStore(self.folder / "buildah")
            store.tidy()
            base = self._base(store, progress) if recipe.on_base else None
            with tempfile.TemporaryDirectory(prefix=".build-", dir=self.folder) as scratch:
                build = self._stage(recipe, tools, Path(scratch), base)
                tag = tag_of(recipe, key)
                store.build(build, tag)
                image = self._export(store, recipe, key, Path(scratch) / "image.tar")
            progress(f"built image {recipe.name} in {elapsed(started)}")
            return image

    def _base(self, store: ImageStore, progress: Progress) -> str:
        tag = f"{PREFIX}/base:{base_key()}"
        if not store.has(tag):
            store.add_base(ensure_base(self.cache, progress), tag)
        return tag

    def _stage(self, recipe: Recipe, tools: dict[str, Path], scratch: Path, base: str | None) -> Build:
        """Copy what the build may see into a folder of its own: ignored and half-edited files elsewhere stay out."""
        context, beside = scratch / "context", scratch / "tools"
        context.mkdir()
        beside.mkdir()
        for path in source_files(self.repository, recipe.sources):
            copy = context / path.relative_to(self.repository)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
        for name, path in tools.items():
            shutil.copy(path, beside / name)
        return Build(self.repository / recipe.dockerfile, context, beside, base, recipe.target)

    def _export(self, store: ImageStore, recipe: Recipe, key: str, fresh: Path) -> Image:
        tag = tag_of(recipe, key)
        digest = store.export(tag, fresh)
        archive = self.folder / recipe.name / f"{key}.tar"
        archive.parent.mkdir(exist_ok=True)
        size = fresh.stat().st_size
        fresh.replace(archive)
        write_whole(archive.with_suffix(".json"), json.dumps({"digest": digest, "bytes": size}))
        drop_unused(archive.parent)
        return Image(recipe.name, digest, archive, tag)


def tag_of(recipe: Recipe, key: str) -> str:
    """The name an image is imported under; it changes with the image's inputs."""
    return f"{PREFIX}/{recipe.name}:{key}"


def drop_unused(folder: Path) -> None:
    """Delete the archives nobody asked for in the last `KEEP_SECONDS`; other clones may use what this one does not."""
    for archive in folder.glob("*.tar"):
        if archive.stat().st_mtime < time.time() - KEEP_SECONDS:
            archive.with_suffix(".json").unlink(missing_ok=True)
            archive.unlink()


def source_files(repository: Path, sources: Iterable[str]) -> list[Path]:
    """The files under `sources`, sorted, without what Python leaves behind."""
    files: list[Path] = []
    for source in sources:
        path = repository / source
        inside = path.rglob("*") if path.is_dir() else [path]
        files += [file for file in inside if file.is_file() and "__pycache__" not in file.parts]
    return sorted(files)
