"""How two values differ."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.synth.diff.values import value_changes
from policies.record import Secret, Unknown, Value

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
VALUES: st.SearchStrategy[Value] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
)


def paths(before: Value, after: Value) -> dict[str, tuple[str | None, str | None]]:
    return {each.path: (each.before, each.after) for each in value_changes(before, after, "it")}


@given(VALUES)
def test_a_value_does_not_differ_from_itself(value: Value) -> None:
    assert value_changes(value, value) == []


@given(VALUES, VALUES)
def test_values_that_differ_are_said_to(before: Value, after: Value) -> None:
    same = json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)
    if not same and not isinstance(before, str):
        assert value_changes(before, after)


def test_a_list_is_compared_by_its_keys() -> None:
    before: Value = [{"name": "a", "v": 1}, {"name": "b", "v": 2}]
    after: Value = [{"name": "b", "v": 3}, {"name": "c", "v": 4}]
    assert paths(before, after) == {
        "it[a]": ('{"name": "a", "v": 1}', None),
        "it[b].v": ("2", "3"),
        "it[c]": (None, '{"name": "c", "v": 4}'),
    }


def test_a_list_of_plain_values_says_what_came_and_went() -> None:
    assert paths(["a", "b"], ["b", "c"]) == {"it": ('"a"', '"c"')}


@pytest.mark.parametrize("items", [["a", "b"], [{"name": "a"}, {"name": "b"}]])
def test_an_order_that_changes_is_seen(items: list[Value]) -> None:
    assert len(value_changes(items, items[::-1], "it")) == 1


def test_items_without_a_key_are_compared_by_place() -> None:
    assert paths([{"to": [1]}, {"to": [2]}], [{"to": [1]}, {"to": [3]}]) == {"it[1].to": ("2", "3")}


def policy(**statement: object) -> str:
    return json.dumps({"Statement": [{"Sid": "One", "Effect": "Allow", **statement}]})


def test_a_policy_that_says_the_same_in_another_way_is_the_same() -> None:
    before = policy(Action=["s3:GetObject", "s3:PutObject"], Principal={"AWS": "a"})
    after = policy(Principal={"AWS": ["a"]}, Action=["s3:PutObject", "s3:GetObject"])
    assert value_changes(before, after) == []


def test_a_policy_that_says_more_shows_what() -> None:
    assert paths(policy(Action="s3:GetObject"), policy(Action=["s3:GetObject", "s3:*"])) == {
        "it.Statement[One].Action": (None, '"s3:*"')
    }


def test_parts_nobody_knows_yet_hide_nothing_of_a_document() -> None:
    key = "{{urn:pulumi:a::b::c::d#arn}}"
    before = Unknown("urn:pulumi:a::b::c::d#arn", policy(Resource=key, Action="kms:Decrypt"))
    after = Unknown("urn:pulumi:a::b::c::d#arn", policy(Resource="*", Action="kms:Decrypt"))
    assert paths(before, after) == {"it.Statement[One].Resource": (json.dumps(key), '"*"')}


def test_a_text_of_many_lines_shows_those_that_changed() -> None:
    (change,) = value_changes("a\nb\nc\n", "a\nB\nc\n")
    assert change.lines == ("-b", "+B")


def test_true_is_not_one() -> None:
    assert paths(True, 1) == {"it": ("true", "1")}
    assert paths([{"a": True}], [{"a": 1}]) == {"it[0].a": ("true", "1")}


def test_secrets_show_nothing_but_that_they_changed() -> None:
    assert paths(Secret("a"), Secret("b")) == {"it": ("(a secret)", "(another secret)")}
    assert paths(Secret("a"), "plain") == {"it": ("(a secret)", '"plain"')}
