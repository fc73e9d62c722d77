"""The order of upgrades: nothing skipped, nothing too old, agents last."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.cluster.upgrades import (
    MAX_SKEW,
    UpgradeError,
    Wave,
    minor_of,
    plan_waves,
    require_skew,
    require_step,
    wave_order,
)
from tests.components.specs import A100_POOL, H100_POOL, L40S_POOL, MEMORY_POOL, POOLS, SYSTEM_POOL


def test_one_minor_version_is_one_step() -> None:
    assert require_step("1.35", "1.36") == "1.36"
    assert require_step("1.36", "1.36") == "1.36"
    assert require_step(None, "1.36") == "1.36"


@pytest.mark.parametrize(
    ("current", "wanted", "words"),
    [("1.34", "1.36", "skips 1.35"), ("1.36", "1.35", "can't go back"), ("one", "1.36", "no Kubernetes version")],
)
def test_a_step_eks_would_refuse_is_refused_first(current: str, wanted: str, words: str) -> None:
    with pytest.raises(UpgradeError, match=words):
        require_step(current, wanted)


def test_pools_may_lag_but_not_lead_and_not_too_far() -> None:
    def at(version: str) -> list[object]:
        return [SYSTEM_POOL.model_copy(update={"version": version, "release": f"{version}.0-20260728"})]

    require_skew("1.36", at("1.33"))  # type: ignore[arg-type]
    for version, words in (("1.37", "newer"), ("1.32", "4 minor versions behind")):
        with pytest.raises(UpgradeError, match=words):
            require_skew("1.36", at(version))  # type: ignore[arg-type]


def test_every_pool_that_is_wrong_is_named_at_once() -> None:
    wrong = [pool.model_copy(update={"version": "1.37"}) for pool in (SYSTEM_POOL, H100_POOL)]
    with pytest.raises(UpgradeError) as refused:
        require_skew("1.36", wrong)
    assert all(word in str(refused.value) for word in ("pool system", "pool agents-h100", "no AMI of 1.37"))


def test_agents_nodes_come_last_and_a_customers_own_very_last() -> None:
    order = [pool.name for pool in wave_order(POOLS.pools)]
    assert order == [each.name for each in (SYSTEM_POOL, MEMORY_POOL, H100_POOL, L40S_POOL, A100_POOL)]


def test_the_control_plane_goes_first_then_pools_one_by_one() -> None:
    assert plan_waves("1.35", {"gpu": "1.35", "system": "1.35"}, ["system", "gpu"], "1.36") == [
        Wave(None, "1.36"),
        Wave("system", "1.36"),
        Wave("gpu", "1.36"),
    ]


def test_nothing_is_done_where_all_is_well() -> None:
    assert plan_waves("1.36", {"gpu": "1.36"}, ["gpu"], "1.36") == []


def test_there_is_no_plan_back_and_none_from_a_broken_state() -> None:
    with pytest.raises(UpgradeError, match="can't go back"):
        plan_waves("1.36", {}, [], "1.35")
    with pytest.raises(UpgradeError, match="newer"):
        plan_waves("1.35", {"gpu": "1.36"}, ["gpu"], "1.36")


@given(
    st.integers(30, 40),
    st.lists(st.integers(0, MAX_SKEW), max_size=5),
    st.integers(0, 6),
)
def test_every_state_on_the_way_is_allowed_and_the_end_is_reached(cluster: int, lags: list[int], climb: int) -> None:
    nodes = {f"pool-{at}": cluster - lag for at, lag in enumerate(lags)}
    order = sorted(nodes)
    target = cluster + climb
    waves = plan_waves(f"1.{cluster}", {name: f"1.{minor}" for name, minor in nodes.items()}, order, f"1.{target}")
    for wave in waves:
        version = minor_of(wave.version)
        if wave.pool is None:
            assert version == cluster + 1
            cluster = version
        else:
            assert version > nodes[wave.pool]
            nodes[wave.pool] = version
        assert all(cluster - MAX_SKEW <= minor <= cluster for minor in nodes.values())
    assert cluster == target
    assert set(nodes.values()) <= {target}
