"""Diffs name the deepest paths that differ."""

from infra.local.providers.diff import Change, Diff, diff_properties


def test_paths_are_the_deepest_ones() -> None:
    old = {"a": {"b": [1, {"c": 2}]}, "gone": 1, "same": None}
    new = {"a": {"b": [1, {"c": 3}, 4]}, "new": 2}
    assert diff_properties(old, new).changes == {
        ("a", "b", 1, "c"): Change.UPDATE,
        ("a", "b", 2): Change.ADD,
        ("gone",): Change.DELETE,
        ("new",): Change.ADD,
    }


def test_replacement_covers_the_path_and_what_is_below_it_only() -> None:
    diff = diff_properties(
        {"spec": {"sel": {"a": 1}, "selector": 1}}, {"spec": {"sel": {"a": 2}, "selector": 2}}, ["spec.sel"]
    )
    assert diff.replaces == {("spec", "sel", "a")}
    assert not diff.delete_first


def test_equal_values_make_no_diff() -> None:
    assert not diff_properties({"a": [1], "b": None}, {"a": [1]})
    assert diff_properties({}, {}) == Diff()
