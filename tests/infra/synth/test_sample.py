"""A sample fleet: right, the same from the same seed, and as large as it is said to be."""

from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.fleet import judge_folder
from infra.settings import read_file
from infra.synth.fleet import Fleet, fleet_stacks
from infra.synth.sample import REGIONS, sample_fleet, write_fleet


def test_every_stack_is_right_by_itself_and_beside_the_others(tmp_path: Path) -> None:
    names = write_fleet(tmp_path)
    assert len(names) == 1 + len(REGIONS) + 100 == len(list(tmp_path.iterdir()))
    assert fleet_stacks(tmp_path) == ["global", *sorted(each.name for each in REGIONS), *names[4:]]
    judged = judge_folder(tmp_path)
    assert judged.problems() == []
    assert len(judged.plans) == len(names)


@given(st.integers(), st.integers(0, 20))
def test_the_same_seed_makes_the_same_fleet(seed: int, tenants: int) -> None:
    assert list(sample_fleet(tenants, seed)) == list(sample_fleet(tenants, seed))


def test_another_seed_makes_another_fleet() -> None:
    one, other = (dict(sample_fleet(20, seed)) for seed in (1, 2))
    assert one.keys() == other.keys()
    assert one != other


def test_customers_are_in_every_region_with_and_without_another_to_fall_back_on() -> None:
    customers = [each for each in dict(sample_fleet(100, 1)).values() if each["kind"] == "tenant"]
    assert {each["placement"]["home"] for each in customers} == {each.name for each in REGIONS}
    assert {"failover" in each["placement"] for each in customers} == {True, False}
    assert {len(each["tenant"]["agents"]) for each in customers} == {1, 2, 3}


def test_a_customer_of_it_can_be_recorded_from_files_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Mock(side_effect=read_file)
    monkeypatch.setattr("infra.synth.fleet.read_file", read)
    write_fleet(tmp_path, tenants=1)
    stack = Fleet(tmp_path).stack("customer0001")
    assert [each for each in stack.resources if each.type.endswith(":Sandbox")]
    files = [call.args[0] for call in read.call_args_list]
    assert len(files) == len(set(files)) > 1
