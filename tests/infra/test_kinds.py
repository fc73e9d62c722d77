"""Stacks of the global, region and tenant kinds: the committed ones are good, and departures are refused."""

import copy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.plan import CustomerPlan, GlobalPlan, RegionPlan, plan_stack
from infra.plan.build import StackPlan
from infra.settings import ConfigError, Source, draft_settings, read_file
from infra.settings.problems import ancestors
from tests.infra.bad_kinds import BAD_KINDS, OfStack, given
from tests.stack_files import PROJECT

KINDS = {"global": GlobalPlan, "sin": RegionPlan, "jkt": RegionPlan, "use1": RegionPlan, "usw2": RegionPlan}


@cache
def _committed(stack: str) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((PROJECT / f"Pulumi.{stack}.yaml").read_text())["config"]
    return config


def committed(stack: str) -> dict[str, Any]:
    """The config of a committed stack, freely changeable."""
    return copy.deepcopy(_committed(stack))


def plan(config: dict[str, Any], folder: Path) -> StackPlan:
    file = folder / "Pulumi.changed.yaml"
    file.write_text(yaml.safe_dump({"config": config}, sort_keys=False))
    return plan_stack(draft_settings(read_file(file)))


@pytest.mark.parametrize(("stack", "kind"), [*KINDS.items(), ("acme", CustomerPlan)])
def test_the_committed_stacks_are_good(stack: str, kind: type[StackPlan], tmp_path: Path) -> None:
    assert isinstance(plan(committed(stack), tmp_path), kind)


@pytest.mark.parametrize("bad", BAD_KINDS, ids=lambda bad: f"{bad.stack}: {bad.name}")
def test_a_bad_config_is_refused_and_nothing_else_is_blamed(bad: OfStack, tmp_path: Path) -> None:
    config = committed(bad.stack)
    bad.change(config)
    with pytest.raises(ConfigError) as caught:
        plan(config, tmp_path)
    lines = str(caught.value).splitlines()
    about = [line for line in lines if line.startswith((f"  - {bad.path}:", f"  - {bad.path} "))]
    assert about, f"nothing is said of {bad.path}: {caught.value}"
    for part in bad.says:
        assert part in " ".join(about)
    for problem in caught.value.problems:
        assert bad.path in ancestors(problem.path) or problem.path in ancestors(bad.path), problem


def test_there_are_enough_bad_configs() -> None:
    assert len({(bad.stack, bad.name) for bad in BAD_KINDS}) == len(BAD_KINDS) >= 30


def test_a_region_whose_cluster_is_given_says_what_it_has(tmp_path: Path) -> None:
    config = committed("use1")
    given(config)
    found = plan(config, tmp_path)
    assert isinstance(found, RegionPlan)
    assert {name: offered.count for name, offered in found.cell.gpu_classes.items()} == {"l40s": 8}
    assert str(found.cell.network.pods) == "10.26.0.0/15"


def test_what_a_made_cluster_has_follows_from_its_block_and_pools(tmp_path: Path) -> None:
    found = plan(committed("use1"), tmp_path)
    assert isinstance(found, RegionPlan)
    assert {name: offered.count for name, offered in found.cell.gpu_classes.items()} == {
        "a100": 16,
        "h100": 16,
        "l40s": 24,
    }
    network = found.cell.network
    block = found.settings.region.block
    ranges = [network.nodes, network.pods, network.services]
    assert all(each.subnet_of(block) and each in found.never for each in ranges)
    assert not any(one.overlaps(other) for at, one in enumerate(ranges) for other in ranges[at + 1 :])


@pytest.mark.parametrize(
    ("stack", "taken", "needed"),
    [
        ("use1", (), {"tunnelSecret", "meshKeys"}),
        ("use1", ("moltghost:mesh",), {"tunnelSecret"}),
        ("use1", ("moltghost:eks", "moltghost:mesh"), {"tunnelSecret", "kubeconfig"}),
        ("global", (), {"keyPepper", "edgeSigningKey"}),
        ("acme", (), {"agentSecrets"}),
    ],
)
def test_a_kind_needs_its_own_secrets_to_be_deployed(stack: str, taken: tuple[str, ...], needed: set[str]) -> None:
    values = {name.partition(":")[2]: value for name, value in committed(stack).items() if name not in taken}
    values.pop("disable-default-providers", None)
    draft = draft_settings(Source(stack, values, frozenset()), complete=True)
    assert {problem.path.partition(":")[2] for problem in draft.problems if "is missing:" in problem.message} == needed
