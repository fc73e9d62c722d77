"""An empty passphrase is refused, by the commands and by the program, before anything happens."""

import os
from pathlib import Path
from unittest.mock import patch

import pulumi
import pytest
from click.testing import CliRunner

from infra.cli import main
from infra.passphrase import FILE_VARIABLE, VARIABLE, EmptyPassphraseError, require_passphrase
from tests.program.conftest import SECRETS
from tests.program.recording import record
from tests.stack_files import dev_config, engine_config, machine


@pytest.fixture
def blank(tmp_path: Path) -> Path:
    file = tmp_path / "passphrase"
    file.write_text(" \n")
    return file


def test_an_empty_variable_is_refused_even_beside_a_good_file(tmp_path: Path) -> None:
    good = tmp_path / "passphrase"
    good.write_text("correct horse")
    with pytest.raises(EmptyPassphraseError, match="is set, and empty"):
        require_passphrase({VARIABLE: "", FILE_VARIABLE: str(good)})


def test_an_empty_file_is_refused_by_its_path(blank: Path) -> None:
    with pytest.raises(EmptyPassphraseError, match=f"{blank} is empty"):
        require_passphrase({FILE_VARIABLE: str(blank)})


def test_what_the_engine_would_not_take_silently_is_left_to_it(blank: Path) -> None:
    require_passphrase({})
    require_passphrase({FILE_VARIABLE: str(blank.with_name("not-there"))})
    require_passphrase({VARIABLE: "correct horse", FILE_VARIABLE: str(blank)})


@pytest.mark.parametrize("command", ["up", "preview"])
@pytest.mark.parametrize("where", ["variable", "file"])
def test_the_commands_refuse_it_and_begin_nothing(command: str, where: str, tmp_path: Path) -> None:
    state = tmp_path / "state"
    variables: dict[str, str | None] = {VARIABLE: "" if where == "variable" else None, FILE_VARIABLE: None}
    if where == "file":
        state.mkdir()
        (state / "passphrase").write_text("")
    before = sorted(tmp_path.rglob("*"))
    result = CliRunner().invoke(main, [command, "--state", str(state)], env=variables)
    assert result.exit_code == 1
    assert "secrets would be encrypted with nothing" in result.output
    assert sorted(tmp_path.rglob("*")) == before


def test_the_program_refuses_it_before_it_declares_anything(tmp_path: Path) -> None:
    config = engine_config({**dev_config(), "moltghost:machine": machine(tmp_path)})
    with patch.dict(os.environ, {VARIABLE: ""}), pytest.raises(pulumi.RunError, match="is set, and empty"):
        record(config, SECRETS)
