"""`moltghost key new`: a key said once, and what the stack file needs of it."""

import stat
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from infra.cli import main
from infra.settings.access import ApiKey
from runtime.contract.edge import hash_api_key, is_api_key

PEPPER = "p" * 32


@pytest.fixture
def pepper(tmp_path: Path) -> Path:
    path = tmp_path / "pepper"
    path.touch(mode=0o600)
    path.write_text(f"{PEPPER}\n")
    return path


def new(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["key", "new", *map(str, arguments)], input=stdin)


def entry(result: Result) -> dict[str, object]:
    """What a stack file gets."""
    assert result.exit_code == 0, result.output
    (found,) = yaml.safe_load(result.stderr.partition(":\n")[2])
    assert isinstance(found, dict)
    return found


def test_the_key_is_printed_alone_and_the_stack_file_gets_its_hash(pepper: Path) -> None:
    result = new("acme", "--pepper", pepper)
    key = result.stdout.strip()
    assert is_api_key(key)
    assert key.startswith("mg_acme_")
    assert entry(result) == {"id": "default", "hash": hash_api_key(PEPPER, key), "agents": ["*"]}
    assert key not in result.stderr
    assert PEPPER not in result.output


def test_no_key_is_made_twice(pepper: Path) -> None:
    assert new("acme", "--pepper", pepper).stdout != new("acme", "--pepper", pepper).stdout


def test_what_the_key_is_for_is_as_the_stack_file_takes_it(pepper: Path) -> None:
    options = ["--id", "ci", "--agent", "helper", "--agent", "analyst", "--model", "tiny", "--method", "chat"]
    options += ["--expires", "2099-12-31T00:00:00Z", "--cidr", "203.0.113.0/24", "--cidr", "2001:db8::/32"]
    found = entry(new("acme", "--pepper", pepper, *options))
    assert found == {
        "id": "ci",
        "hash": found["hash"],
        "agents": ["helper", "analyst"],
        "models": ["tiny"],
        "methods": ["chat"],
        "expires": "2099-12-31T00:00:00Z",
        "cidrs": ["203.0.113.0/24", "2001:db8::/32"],
    }
    ApiKey.model_validate(found)


def test_the_pepper_can_come_from_a_pipe(pepper: Path) -> None:
    result = new("acme", "--pepper", "-", stdin=f"{PEPPER}\n")
    assert entry(result)["hash"] == hash_api_key(PEPPER, result.stdout.strip())


def test_everything_wrong_is_said_at_once_and_no_key_is_made(pepper: Path) -> None:
    options = ["--agent", "a b", "--method", "tools", "--cidr", "203.0.113.1/24", "--id", "CI"]
    result = new("Acme", "--pepper", pepper, *options)
    assert result.exit_code == 2
    assert result.stdout == ""
    for said in (
        "TENANT: is not a DNS label",
        "--agent: does not",
        "--method: must be",
        "--cidr: has bits",
        "--id: is",
    ):
        assert said in result.stderr


def test_a_key_that_is_over_is_not_made(pepper: Path) -> None:
    result = new("acme", "--pepper", pepper, "--expires", "2020-01-01T00:00:00Z")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--expires: is over" in result.stderr


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ("short-secret", 0o600, "has 12 characters; it has 32 at least"),
        (PEPPER, 0o640, "others than its owner may use"),
        (None, 0, "cannot be read (No such file or directory)"),
    ],
)
def test_a_pepper_that_is_none_is_refused_and_not_quoted(
    tmp_path: Path, text: str | None, mode: int, said: str
) -> None:
    path = tmp_path / "pepper"
    if text is not None:
        path.write_text(text)
        path.chmod(mode)
        assert stat.S_IMODE(path.stat().st_mode) == mode
    result = new("acme", "--pepper", path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert text is None or text not in result.output


def test_a_key_that_was_found_is_known_by_its_hash(pepper: Path, tmp_path: Path) -> None:
    made = new("acme", "--pepper", pepper)
    found = tmp_path / "found.key"
    found.touch(mode=0o600)
    found.write_text(made.stdout)
    result = CliRunner().invoke(main, ["key", "hash", str(found), "--pepper", "-"], input=PEPPER)
    assert (result.exit_code, result.stdout.strip()) == (0, entry(made)["hash"])
    found.write_text(made.stdout.replace("mg_acme", "mg_acne"))
    refused = CliRunner().invoke(main, ["key", "hash", str(found), "--pepper", "-"], input=PEPPER)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "holds no API key, or one with a typo" in refused.stderr
    assert "mg_ac" not in refused.output
