"""Text stays text, whoever reads a stack file."""

import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from infra.local.cache import cache_root
from infra.local.tools import Tools
from infra.stack_yaml import dump

NUMBERS = ["30876e92", "05952598", "1e5", "+1E3", "1.", ".5", "0o17", "-1e-3", "12", "1.5", "0x1f", "1_000"]
TEXTS = [*NUMBERS, "1e5x", "e5", "1.2.3", "true", "no", "null", "~", "2026-11-26", ".inf", "", " x", "a: b"]
scalars = st.text() | st.sampled_from(TEXTS) | st.integers() | st.booleans() | st.floats(allow_nan=False)


@pytest.mark.parametrize("text", NUMBERS)
def test_a_text_that_looks_like_a_number_is_quoted(text: str) -> None:
    assert dump({"kid": text}) == f"kid: '{text}'\n"


@given(st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8))
def test_what_is_written_is_read_as_it_was(document: object) -> None:
    assert yaml.safe_load(dump(document)) == document


def test_the_engine_reads_each_text_as_text(tmp_path: Path) -> None:
    pulumi = Tools(cache_root()).ensure(["pulumi"], lambda _line: None)["pulumi"]
    (tmp_path / "Pulumi.yaml").write_text("name: texts\nruntime: python\n")
    file = tmp_path / "Pulumi.one.yaml"
    file.write_text(dump({"config": {"texts:all": {"kids": TEXTS, "number": 5, "share": 0.5}}}))
    environment = {"PULUMI_CONFIG_PASSPHRASE": "x", "PULUMI_BACKEND_URL": f"file://{tmp_path}", "HOME": str(tmp_path)}
    environment |= {"PULUMI_SKIP_UPDATE_CHECK": "true", "PATH": "/usr/bin:/bin"}

    def engine(*arguments: str) -> str:
        done = subprocess.run(
            [str(pulumi), *arguments, "--non-interactive"],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    engine("stack", "init", "one")
    assert yaml.safe_load(engine("config", "get", "texts:all", "--stack", "one")) == {
        "kids": TEXTS,
        "number": 5,
        "share": 0.5,
    }
