"""`moltghost model digest` prints what a stack file names a model by."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from infra.cli import main
from runtime.model.artifact import write_artifact
from tests.stack_files import DEV_STACK


def test_the_dev_stacks_model_is_the_one_made_here(tmp_path: Path) -> None:
    made = write_artifact(tmp_path)
    printed = CliRunner().invoke(main, ["model", "digest", str(tmp_path)], catch_exceptions=False)
    assert printed.output == f"{made}\n"
    models = yaml.safe_load(DEV_STACK.read_text())["config"]["moltghost:models"]
    assert models["tiny"]["digest"] == made, "the scripted model changed: name its new digest in Pulumi.dev.yaml"


@pytest.mark.parametrize("name", [None, "other"])
def test_what_holds_no_such_model_is_said_so(tmp_path: Path, name: str | None) -> None:
    if name:
        write_artifact(tmp_path)
    arguments = ["model", "digest", str(tmp_path), *(["--name", name] if name else [])]
    printed = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert printed.exit_code == 1
    assert printed.output.startswith("Error: ")
