"""`moltghost hook-secret`."""

import pytest
from click.testing import CliRunner

from infra.cli import main
from runtime.contract.hooks import hook_secret

PEPPER = "5f" * 32


@pytest.mark.parametrize("version", [1, 2])
def test_it_tells_what_the_edge_will_ask_for(version: int) -> None:
    result = CliRunner().invoke(main, ["hook-secret", "acme", "crm", "--version", str(version)], input=f"{PEPPER}\n")
    assert (result.exit_code, result.stdout) == (0, f"{hook_secret(PEPPER, 'acme', 'crm', version)}\n")


@pytest.mark.parametrize(
    ("arguments", "given", "says"),
    [
        (["acme", "crm"], "", "no pepper"),
        (["acme", "crm"], "short-secret", "no pepper"),
        (["Acme", "crm"], PEPPER, "TENANT"),
        (["acme", "c/rm"], PEPPER, "HOOK"),
        (["acme", "crm", "--version", "0"], PEPPER, "--version"),
    ],
)
def test_bad_input_is_named_and_the_pepper_never_quoted(arguments: list[str], given: str, says: str) -> None:
    result = CliRunner().invoke(main, ["hook-secret", *arguments], input=given)
    assert result.exit_code != 0
    assert says in result.output
    assert not given or given not in result.output
