"""What becomes of a customer's agents when a region is lost: never anything where its data may not be."""

from hypothesis import given
from hypothesis import strategies as st

from infra.plan.placement import placed_in, when_lost
from infra.settings.kinds import Placement

REGIONS = ("sin", "jkt", "use1", "usw2")


@st.composite
def placements(draw: st.DrawFn) -> Placement:
    """Placements that break no rule."""
    residency = draw(st.lists(st.sampled_from(REGIONS), min_size=1, unique=True))
    home = draw(st.sampled_from(residency))
    others = [region for region in residency if region != home]
    failover = draw(st.sampled_from(others) | st.none()) if others else None
    return Placement(home=home, failover=failover, residency=residency)


@given(placements())
def test_agents_are_carried_on_only_where_their_data_may_be_and_are(placement: Placement) -> None:
    losses = when_lost(placement)
    assert tuple(each.region for each in losses) == placed_in(placement)
    for each in losses:
        assert each.carried_on_in != each.region
        assert each.carried_on_in is None or each.carried_on_in in placement.residency
        assert each.carried_on_in is None or each.carried_on_in in placed_in(placement)
        assert each.why


@given(placements())
def test_a_reason_is_given_where_nothing_takes_over(placement: Placement) -> None:
    (home, *_) = when_lost(placement)
    others = [region for region in placement.residency if region != placement.home]
    if placement.failover is not None:
        assert home.carried_on_in == placement.failover
    else:
        assert home.carried_on_in is None
        assert ("residency allows no other" in home.why) is not bool(others)
        assert all(region in home.why for region in others)
