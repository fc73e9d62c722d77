"""The builder of rule expressions: one text for one meaning, and no text for what has none."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.edge.rules import (
    Condition,
    RuleError,
    address,
    all_of,
    any_of,
    expression,
    header,
    number,
    text,
    texts,
    truth,
)
from infra.local.cloudflare.rules import parse

HOST, SSL = text("http.host"), truth("ssl")
PRINTABLE = st.text(st.characters(min_codepoint=0x20, exclude_categories=("Cs", "Cc")), max_size=40)


@pytest.mark.parametrize(
    ("condition", "written"),
    [
        (HOST.eq("a"), 'http.host eq "a"'),
        (HOST.is_in("b", "a", "b"), 'http.host in {"a" "b"}'),
        (~HOST.is_in("a"), 'not http.host in {"a"}'),
        (number("http.request.body.size").is_in(10, 9), "http.request.body.size in {9 10}"),
        (address("ip.src").is_in("2001:db8::/32", "192.0.2.0/24"), "ip.src in {192.0.2.0/24 2001:db8::/32}"),
        (HOST.lower().contains("a"), 'lower(http.host) contains "a"'),
        (HOST.contains('a"b'), 'http.host contains r#"a"b"#'),
        (HOST.contains('a"#b'), 'http.host contains r##"a"#b"##'),
        (HOST.contains("a\\b"), 'http.host contains r#"a\\b"#'),
        (header("accept").lower().eq("a").any(), 'any(lower(http.request.headers["accept"][*])[*] eq "a")'),
        (texts("http.request.headers.names").contains("x-").all(), 'all(http.request.headers.names[*] contains "x-")'),
        (SSL & SSL, "ssl"),
        (SSL & HOST.eq("a") & HOST.eq("b"), 'ssl and http.host eq "a" and http.host eq "b"'),
        (SSL & (HOST.eq("a") | HOST.eq("b")), 'ssl and (http.host eq "a" or http.host eq "b")'),
        (~(SSL & HOST.eq("a")), 'not (ssl and http.host eq "a")'),
        (~~SSL, "not not ssl"),
    ],
)
def test_a_condition_has_one_text_that_another_understands(condition: Condition, written: str) -> None:
    assert expression(condition) == written
    assert parse(written)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: text("http.hots"), "no field"),
        (lambda: text("ssl"), "ssl is a truth, not a text"),
        (lambda: number("http.host"), "is a text, not a number"),
        (lambda: header("Accept"), "in lower case"),
        (lambda: HOST.eq(1), "1 is no text"),  # type: ignore[arg-type]
        (lambda: HOST.contains(""), "every text contains the empty one"),
        (lambda: HOST.eq("a\r\n"), "control character"),
        (lambda: HOST.is_in(), "empty set"),
        (lambda: number("http.request.body.size").gt(True), "no whole number"),
        (lambda: address("ip.src").is_in("192.0.2.1/24"), "host bits"),
        (lambda: any_of(), "of no conditions"),
        (lambda: HOST.eq("a") and SSL, "join conditions with &"),
        (lambda: expression(HOST.eq("a" * 4096)), "at most 4096"),
    ],
)
def test_what_the_language_has_no_words_for_is_an_error(wrong: Callable[[], object], says: str) -> None:
    with pytest.raises(RuleError, match=says):
        wrong()


@given(PRINTABLE)
def test_every_text_is_read_back_as_it_was(value: str) -> None:
    assert parse(expression(HOST.eq(value)))["right"] == value


@given(st.lists(PRINTABLE, min_size=1, max_size=6))
def test_the_order_values_are_given_in_makes_no_other_text(values: list[str]) -> None:
    assert HOST.is_in(*values) == HOST.is_in(*reversed(values))


def test_joined_conditions_lie_flat() -> None:
    conditions = [HOST.eq(name) for name in "abc"]
    assert all_of(conditions[0], all_of(*conditions[1:])) == all_of(*conditions)
