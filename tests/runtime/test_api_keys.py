"""API keys: how they look, how a typo is told, and that the Worker's tests read the same examples."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.contract import edge

VECTORS = json.loads((Path(__file__).resolve().parents[1] / "vectors" / "api_keys.json").read_text())
# JavaScript writes a named group without the P.
PATTERN = re.compile(edge.API_KEY_PATTERN.replace("(?<", "(?P<"))
NAMES = st.from_regex(re.compile(edge.NAME_PATTERN), fullmatch=True)


@pytest.mark.parametrize("good", VECTORS["good"], ids=lambda good: good["key"])
def test_a_good_key_has_its_check_and_its_hash(good: dict[str, str]) -> None:
    assert edge.is_api_key(good["key"])
    assert PATTERN.fullmatch(good["key"])
    assert edge.hash_api_key(VECTORS["pepper"], good["key"]) == good["hash"]


@pytest.mark.parametrize("bad", VECTORS["bad"])
def test_a_wrong_key_has_not(bad: str) -> None:
    assert not edge.is_api_key(bad)


@given(NAMES)
def test_a_new_key_is_its_tenants_and_good(tenant: str) -> None:
    key = edge.new_api_key(tenant)
    found = PATTERN.fullmatch(key)
    assert found is not None
    assert found["tenant"] == tenant
    assert edge.is_api_key(key)
    assert edge.new_api_key(tenant) != key


@given(st.integers(0, 36), st.text(edge.API_KEY_ALPHABET, min_size=1, max_size=4))
def test_any_few_wrong_characters_in_a_row_are_told(at: int, wrong: str) -> None:
    key = VECTORS["good"][2]["key"]
    known = len(key) - edge.API_KEY_CHECK
    changed = (key[:at] + wrong + key[at + len(wrong) :])[:known] + key[known:]
    assert edge.is_api_key(changed) is (changed == key)


def test_a_check_in_another_order_or_case_is_wrong() -> None:
    key = VECTORS["good"][0]["key"]
    check = key[-edge.API_KEY_CHECK :]
    for other in (check[::-1], check.swapcase(), check[1:] + check[0]):
        assert not edge.is_api_key(key.removesuffix(check) + other)
