"""`moltghost mesh keys`: keys made once each, shown never."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from components.network.mesh.keys import gateway_keys, is_private, needed_keys, private_key_name
from components.network.mesh.planning import GatewayId, MeshError
from infra.cli import main
from infra.mesh_keys import public_key, read_mesh
from tests.infra.test_mesh_settings import good


@pytest.fixture
def stack_file(tmp_path: Path) -> Path:
    """A stack whose gateways have no key yet."""
    config = good()
    for site in config["sites"]:
        for each in site["gateways"]:
            del each["keys"]
    path = tmp_path / "Pulumi.global.yaml"
    path.write_text(yaml.safe_dump({"config": {f"moltghost:{key}": value for key, value in config.items()}}))
    return path


def made(stack_file: Path, *options: str, given: str = "") -> Result:
    return CliRunner().invoke(main, ["mesh", "keys", str(stack_file), *options], input=given)


def test_every_gateway_gets_what_it_needs(stack_file: Path) -> None:
    result = made(stack_file)
    assert result.exit_code == 0
    mesh = read_mesh(stack_file, ())
    for plan in mesh.gateways():
        keys = gateway_keys(result.stdout, plan)
        assert {"private-1", "private-2"} < set(keys)
        assert len(keys) == len(needed_keys(plan))
    stored = json.loads(result.stdout)
    assert len(set(stored.values())) == len(stored), "one key twice"
    assert not any("jkt" in name and "dc1" in name for name in stored), "a key for a pair that isn't joined"


def test_public_halves_are_shown_and_nothing_else(stack_file: Path) -> None:
    result = made(stack_file)
    stored = json.loads(result.stdout)
    assert public_key(stored[private_key_name(GatewayId("sin", "a"), 1)]) in result.stderr
    assert not [name for name, key in stored.items() if key in result.stderr]


def test_what_is_printed_is_what_wireguard_derives(stack_file: Path) -> None:
    """`wg pubkey` is the judge, where it is installed."""
    private = json.loads(made(stack_file).stdout)[private_key_name(GatewayId("sin", "a"), 1)]
    try:
        said = subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("wireguard-tools are not installed")
    assert public_key(private) == said.strip()


def test_keys_are_made_once(stack_file: Path) -> None:
    first = made(stack_file, "--generation", "1").stdout
    second = made(stack_file, given=first).stdout
    assert json.loads(first).items() < json.loads(second).items()
    assert made(stack_file, given=second).stdout == second


def test_a_site_is_given_its_own_keys_and_no_other_sites_private_ones(stack_file: Path) -> None:
    every = made(stack_file).stdout
    own = json.loads(made(stack_file, "--site", "jkt", given=every).stdout)
    assert own.items() < json.loads(every).items()
    mesh = read_mesh(stack_file, ())
    plans = [plan for plan in mesh.gateways() if plan.gateway.site == "jkt"]
    assert set(own) == set().union(*map(needed_keys, plans))
    assert {name.partition("/")[0] for name in own if is_private(name)} == {"jkt-a", "jkt-b"}


@pytest.mark.parametrize(("site", "given", "says"), [("mars", "", "is no site"), ("jkt", "", "make them first")])
def test_a_site_is_not_given_what_is_not_there(stack_file: Path, site: str, given: str, says: str) -> None:
    result = made(stack_file, "--site", site, given=given)
    assert result.exit_code != 0
    assert says in result.output


def test_pruning_leaves_what_is_in_use(stack_file: Path) -> None:
    both = made(stack_file).stdout
    left = json.loads(made(stack_file, "--generation", "2", "--prune", given=both).stdout)
    assert left
    assert left.items() < json.loads(both).items()
    assert not any(name.endswith(("-1", "_1")) for name in left)


@pytest.mark.parametrize("given", ["no json", "[]", '{"sin-a/private-1": 1}'])
def test_what_cannot_be_read_is_no_fresh_start(stack_file: Path, given: str) -> None:
    result = made(stack_file, given=given)
    assert result.exit_code != 0
    assert "nothing was made" in result.output
    assert given not in result.output


def test_a_terminal_is_shown_no_private_key(stack_file: Path) -> None:
    program = "import sys; sys.stdout.isatty = lambda: True; from infra.cli import main; main()"
    command = [sys.executable, "-c", program, "mesh", "keys", str(stack_file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode != 0
    assert "pipe it" in done.stderr
    assert not done.stdout


def test_a_site_that_is_not_usable_is_named(stack_file: Path) -> None:
    config = yaml.safe_load(stack_file.read_text())
    config["config"]["moltghost:sites"][2]["neighbours"] = ["nowhere"]
    stack_file.write_text(yaml.safe_dump(config))
    assert "nowhere is no other site" in made(stack_file).output
    config["config"]["moltghost:sites"][2]["number"] = -1
    stack_file.write_text(yaml.safe_dump(config))
    assert "number" in made(stack_file).output


@pytest.mark.parametrize("spoilt", ["missing", "empty", "other"])
def test_a_gateway_without_its_keys_is_not_delivered(stack_file: Path, spoilt: str) -> None:
    plan = next(read_mesh(stack_file, ()).gateways())
    stored = json.loads(made(stack_file).stdout)
    name = min(needed_keys(plan))
    if spoilt == "missing":
        secret = stored.pop(name)
    else:
        secret, stored[name] = stored[name], "" if spoilt == "empty" else "x" * 44
    with pytest.raises(MeshError, match="meshKeys lacks") as raised:
        gateway_keys(json.dumps(stored), plan)
    assert name in str(raised.value)
    assert secret not in str(raised.value)
    with pytest.raises(MeshError, match="not what"):
        gateway_keys("nonsense", plan)
