"""The catalogue and the go.mod files say the same, and name no download host."""

import re
from pathlib import Path

import pytest

from infra.local.catalogue import CATALOGUE, Tool
from infra.local.go_build import TOOLCHAINS, inputs_digest, wanted_go

BUILT_FROM_MODULES = [tool for tool in CATALOGUE.values() if not tool.package.startswith("moltghost/")]


def pinned(tool: Tool) -> str:
    """The version go.mod requires of the module the tool's package is in, a replacement's before the original's."""
    text = (TOOLCHAINS / tool.toolchain / "go.mod").read_text()
    versions = dict(re.findall(r"^(?:require )?\s*(\S+) (v\S+)", text, re.MULTILINE))
    versions |= dict(re.findall(r"^(?:replace )?\s*(\S+) => \S+ (v\S+)", text, re.MULTILINE))
    owners = [module for module in versions if tool.package == module or tool.package.startswith(f"{module}/")]
    return str(versions[max(owners, key=len)])


@pytest.mark.parametrize("tool", BUILT_FROM_MODULES, ids=lambda tool: tool.name)
def test_the_catalogue_and_go_mod_pin_the_same_version(tool: Tool) -> None:
    assert pinned(tool) == tool.version


@pytest.mark.parametrize("tool", BUILT_FROM_MODULES, ids=lambda tool: tool.name)
def test_every_toolchain_has_its_checksums_and_its_tool(tool: Tool) -> None:
    folder = TOOLCHAINS / tool.toolchain
    assert f"{tool.package}\n" in (folder / "go.mod").read_text()
    assert (folder / "go.sum").stat().st_size > 1000
    assert wanted_go(folder).startswith("1.26")


def test_a_tool_is_called_after_its_program_not_its_major_version() -> None:
    assert CATALOGUE["etcd"].binary == "server"
    assert CATALOGUE["kubectl"].binary == "kubectl"


def test_link_time_versions_follow_the_pin() -> None:
    for tool in CATALOGUE.values():
        for name, value in tool.variables:
            if name.lower().endswith("version"):
                assert value.removeprefix("v") == tool.version.removeprefix("v"), tool.name


def test_a_build_is_keyed_by_its_sources_and_its_recipe() -> None:
    digests = {inputs_digest(tool) for tool in CATALOGUE.values()}
    assert len(digests) == len(CATALOGUE)


def test_no_file_names_a_download_host() -> None:
    folder = Path(TOOLCHAINS).parent
    for path in (*folder.glob("*.py"), *TOOLCHAINS.rglob("go.mod"), *TOOLCHAINS.rglob("Dockerfile")):
        assert not re.search(r"https?://(?!127\.|localhost|\{)", path.read_text()), path
