"""Names: DNS labels of at most 63 characters, and never one for two owners."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from components.naming import MAX_LENGTH, is_label, resource_name

LABELS = st.from_regex(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
FEW_LETTERS = st.from_regex(r"[ab](-?[ab]){0,4}", fullmatch=True)


@given(LABELS, LABELS, LABELS)
def test_every_name_is_a_dns_label(owner: str, region: str, role: str) -> None:
    assert is_label(resource_name(owner, region, role))


@given(*[st.tuples(FEW_LETTERS, FEW_LETTERS, FEW_LETTERS)] * 2)
def test_different_parts_give_different_names(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assume(one != other)
    assert resource_name(*one) != resource_name(*other)


@given(LABELS, LABELS, LABELS, st.integers(0, 2))
def test_a_long_name_differs_in_what_is_cut_off(owner: str, region: str, role: str, which: int) -> None:
    parts = [owner.ljust(60, "x"), region.ljust(60, "x"), role.ljust(60, "x")]
    changed = list(parts)
    changed[which] += "y"
    assert resource_name(*parts) != resource_name(*changed)


def test_a_plain_name_stays_readable() -> None:
    assert resource_name("acme", "sin", "agents") == "acme-sin-agents"
    assert resource_name("acme", "sin", "default-deny") == "acme-sin-default-deny"


def test_two_readings_of_one_name_are_told_apart() -> None:
    assert resource_name("a-b", "c", "d") != resource_name("a", "b-c", "d")


@pytest.mark.parametrize("part", ["", "Acme", "a_b", "-a", "a-", "a/b", "../a", "a b", "7a", "a\n"])
def test_what_is_no_label_is_refused(part: str) -> None:
    with pytest.raises(ValueError, match="cannot be part of a name"):
        resource_name(part, "sin", "agents")


@pytest.mark.parametrize(("text", "good"), [("a" * MAX_LENGTH, True), ("a" * (MAX_LENGTH + 1), False), ("a-", False)])
def test_the_bound_of_a_label(text: str, good: bool) -> None:
    assert is_label(text) is good
