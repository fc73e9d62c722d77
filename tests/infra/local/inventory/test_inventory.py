"""What is in an image: every package found, the bill valid and the same each time, and a missing one noticed."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from infra.local.inventory.bill import UNKNOWN, url_of, write_bill, write_licences
from infra.local.inventory.budget import Weight, read_budgets
from infra.local.inventory.command import OWN
from infra.local.inventory.contents import read_contents
from infra.local.inventory.go_binary import GoModule, go_modules
from infra.local.inventory.packages import Kind, Package, find_packages, is_evidence
from infra.local.tools import How, Tools
from tests.infra.local.inventory.archives import go_program, write_image

STATUS = b"""Package: bash
Status: install ok installed
Version: 5.2.15-2+b13
Description: a shell
 with a longer text:
 Version: 9

Package: gone
Status: deinstall ok config-files
Version: 1

Package: libz
Status: install ok installed
Version: 1:1.2
"""
PYJWT = b"Name: PyJWT\nVersion: 2.15\nLicense-Expression: MIT\n\nLicense: no\n"
OLD = b"""Name: old_one
Version: 1
License: A long text
  of several lines
Classifier: License :: OSI Approved :: BSD License
"""
MODULES = ("mod\tmoltghost/ollama\t(devel)", "dep\tgolang.org/x/net\tv0.50.0\th1:x")
FILES: Mapping[str, bytes] = {
    "var/lib/dpkg/status": STATUS,
    "usr/share/doc/bash/copyright": b"Files: *\nLicense: GPL-3+\n text\n\nLicense: GPL-3+\n",
    "usr/share/doc/libz/copyright": b"see /usr/share/common-licenses/GPL-2.\n",
    "opt/x/site-packages/PyJWT-2.15.dist-info/METADATA": PYJWT,
    "opt/x/site-packages/old_one-1.dist-info/METADATA": OLD,
    "node_modules/zod/package.json": b'{"name": "zod", "version": "4.0.0", "license": "MIT"}',
    "node_modules/zod/locales/package.json": b'{"type": "module"}',
    "node_modules/@a/b/package.json": b'{"name": "@a/b", "version": "1.0.0", "licenses": [{"type": "ISC"}]}',
    "node_modules/@a/b/node_modules/zod/package.json": b'{"name": "zod", "version": "3.0.0"}',
    "usr/local/bin/ollama": go_program("path\tmoltghost/ollama", *MODULES),
    "usr/local/bin/node": b"\x7fELF ... node-v24.19.0.tar.gz ...",
    "usr/local/bin/readme.txt": b"not a program",
    "etc/passwd": b"root:x:0:0::/:/bin/sh\n",
}
EXPECTED = {
    Package(Kind.DEB, "bash", "5.2.15-2+b13", ("GPL-3+",)),
    Package(Kind.DEB, "libz", "1:1.2", ("GPL-2",)),
    Package(Kind.PYPI, "pyjwt", "2.15", ("MIT",)),
    Package(Kind.PYPI, "old-one", "1", ("BSD License",)),
    Package(Kind.NPM, "zod", "4.0.0", ("MIT",)),
    Package(Kind.NPM, "zod", "3.0.0"),
    Package(Kind.NPM, "@a/b", "1.0.0", ("ISC",)),
    Package(Kind.GO, "stdlib", "1.26.2", ("BSD-3-Clause",)),
    Package(Kind.GO, "moltghost/ollama", "(devel)"),
    Package(Kind.GO, "golang.org/x/net", "v0.50.0"),
    Package(Kind.GENERIC, "node", "24.19.0", ("MIT",)),
}
PROGRAMS = ("usr/local/bin/ollama", "usr/local/bin/node")


def found_in(folder: Path, *layers: Mapping[str, bytes]) -> list[Package]:
    return find_packages(read_contents(write_image(folder, layers, PROGRAMS), is_evidence).files)


def test_every_package_is_found_whoever_installed_it(tmp_path: Path) -> None:
    found = found_in(tmp_path, FILES)
    assert set(found) == EXPECTED
    assert found == sorted(found)
    assert len(found) == len(EXPECTED)


@pytest.mark.parametrize(
    "gone",
    [
        "node_modules/zod/package.json",
        "opt/x/site-packages/PyJWT-2.15.dist-info/METADATA",
        "usr/local/bin/ollama",
        "var/lib/dpkg/status",
    ],
)
def test_one_that_is_missing_is_noticed(tmp_path: Path, gone: str) -> None:
    found = found_in(tmp_path, {path: content for path, content in FILES.items() if path != gone})
    assert set(found) < EXPECTED


def test_what_a_higher_layer_takes_away_is_not_there(tmp_path: Path) -> None:
    higher = {"node_modules/.wh.zod": b"", "node_modules/@a/b/.wh..wh..opq": b"", "usr/local/bin/.wh.node": b""}
    names = {package.name for package in found_in(tmp_path, FILES, higher)}
    assert names == {package.name for package in EXPECTED} - {"zod", "@a/b", "node"}


def test_what_a_higher_layer_replaces_is_the_newer(tmp_path: Path) -> None:
    newer = {"node_modules/zod/package.json": b'{"name": "zod", "version": "4.1.0"}'}
    versions = {package.version for package in found_in(tmp_path, FILES, newer) if package.name == "zod"}
    assert versions == {"4.1.0", "3.0.0"}


def test_its_size_is_that_of_all_layers(tmp_path: Path) -> None:
    contents = read_contents(write_image(tmp_path, [{"a": b"12345"}, {"b": b"1"}]), is_evidence)
    assert (contents.unpacked, contents.count) == (6, 2)
    assert 0 < contents.compressed < (tmp_path / "image.tar").stat().st_size


def test_the_bill_is_valid_and_names_every_package_once(tmp_path: Path) -> None:
    image = write_image(tmp_path, [FILES], PROGRAMS)
    bill = write_bill(image, EXPECTED)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None
    told = json.loads(bill)
    assert sorted(part["purl"] for part in told["components"]) == sorted(url_of(one).to_string() for one in EXPECTED)
    assert told["metadata"]["component"]["version"] == image.digest


def test_a_bill_that_is_none_is_refused() -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str('{"bomFormat": "CycloneDX", "components": 1}')


def test_the_same_image_has_the_same_bill(tmp_path: Path) -> None:
    image = write_image(tmp_path, [FILES], PROGRAMS)
    assert write_bill(image, sorted(EXPECTED)) == write_bill(image, sorted(EXPECTED, reverse=True))


def test_every_package_has_a_line_of_licences_and_what_nobody_states_is_said() -> None:
    lines = write_licences(sorted(EXPECTED)).splitlines()
    assert len(lines) == len(EXPECTED)
    assert f"golang\tgolang.org/x/net\tv0.50.0\t{UNKNOWN}" in lines
    assert "deb\tbash\t5.2.15-2+b13\tGPL-3+" in lines


def test_a_go_programs_modules_are_those_that_were_built() -> None:
    program = go_program(
        "dep\ta.example/old\tv1.0.0\th1:x", "=>\ta.example/new\tv2.0.0\th1:y", "dep\tb.example/c\tv3.0.0"
    )
    assert go_modules(program) == ("go1.26.2", [GoModule("a.example/new", "v2.0.0"), GoModule("b.example/c", "v3.0.0")])


@pytest.mark.parametrize(
    "program", [b"", b"\x7fELF", b"x\xff Go buildinf:\x08\x02", go_program()[:40].replace(b"\x02", b"\x00")]
)
def test_another_program_has_none(program: bytes) -> None:
    assert go_modules(program) is None


def test_a_real_go_programs_modules_are_as_go_itself_says() -> None:
    tools = Tools()
    if (program := tools.resolve("ollama")).how is not How.CACHED:
        pytest.skip("the model server is not built on this machine")
    assert program.path is not None
    said = subprocess.run(["go", "version", "-m", program.path], capture_output=True, text=True, check=True).stdout
    listed = {
        tuple(line.split("\t")[2:4]) for line in said.splitlines() if line.startswith(("\tdep\t", "\tmod\t", "\t=>\t"))
    }
    built = go_modules(program.path.read_bytes())
    assert built is not None
    assert {(module.name, module.version) for module in built[1]} <= listed
    assert len(built[1]) == sum(line.startswith(("\tdep\t", "\tmod\t")) for line in said.splitlines())


def test_each_image_of_ours_has_a_budget() -> None:
    assert read_budgets().keys() == {recipe.name for recipe in OWN}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"compressed_mb": 11.0}, "11.0 MB compressed, where 10 are allowed"),
        ({"unpacked_mb": 20.1}, "20.1 MB unpacked, where 20 are allowed"),
        ({"files": 31}, "31 files, where 30 are allowed"),
    ],
)
def test_what_outgrows_its_budget_is_told(changes: dict[str, Any], says: str) -> None:
    budget = Weight(10, 20, 30)
    assert budget.over(budget) == []
    assert Weight(**{**vars(budget), **changes}).over(budget) == [says]
