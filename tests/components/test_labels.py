"""Labels that steer the platform are the platform's alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.labels import RESERVED_DOMAINS, ReservedLabelError, is_reserved, require_free

WORDS = st.from_regex(r"[a-z]{1,8}", fullmatch=True)


@given(st.sampled_from(RESERVED_DOMAINS), st.lists(WORDS, max_size=2), WORDS, st.booleans())
def test_a_reserved_domain_and_all_below_it_are_refused(domain: str, above: list[str], name: str, loud: bool) -> None:
    key = ".".join([*above, domain]) + f"/{name}"
    with pytest.raises(ReservedLabelError):
        require_free({key.upper() if loud else key: "x"})


@given(WORDS, WORDS)
def test_what_only_ends_alike_is_free(prefix: str, name: str) -> None:
    assert not is_reserved(f"{prefix}moltghost.io/{name}")
    assert not is_reserved(name)
    assert require_free({name: "x"}) == {name: "x"}


def test_the_error_names_the_key() -> None:
    with pytest.raises(ReservedLabelError) as caught:
        require_free({"team": "x", "moltghost.io/tenant": "globex"})
    assert caught.value.key == "moltghost.io/tenant"
