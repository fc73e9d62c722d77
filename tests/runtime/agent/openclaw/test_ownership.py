"""Who owns which key of OpenClaw's configuration: the laws of merging."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.agent.openclaw.ownership import AGENT_KEYS, KEPT, REFUSED, RESET, Note, is_agents, merge

ZONE = ("agents", "defaults", "userTimezone")
NAME = ("agents", "entries", "main", "identity", "name")
PLATFORM: dict[str, Any] = {
    "gateway": {"bind": "loopback", "http": {"endpoints": {}}},
    "agents": {"defaults": {"workspace": "/data/openclaw/workspace", "skills": ["crm"]}},
    "tools": {"deny": ["exec"]},
}

names = st.sampled_from(["agents", "defaults", "entries", "main", "identity", "name", "userTimezone", "skills"]) | (
    st.sampled_from(["crm", "enabled", "gateway", "bind", "thinkingDefault", "$include", "a.b", "verboseDefault"])
)
values = st.none() | st.booleans() | st.integers() | st.sampled_from(["off", "on", "high", "Europe/Berlin", "${HOME}"])
configs = st.dictionaries(
    names,
    st.recursive(values | st.lists(values, max_size=2), lambda inner: st.dictionaries(names, inner, max_size=4)),
    max_size=4,
)


def with_value(config: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    changed = deepcopy(config)
    inside = changed
    for name in path[:-1]:
        inside = inside.setdefault(name, {})
    inside[path[-1]] = value
    return changed


def at(config: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        config = config.get(name) if isinstance(config, dict) else None
    return config


def leaves(config: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    if isinstance(config, dict) and config:
        return {leaf: value for name, one in config.items() for leaf, value in leaves(one, (*path, name)).items()}
    return {path: config}


def platforms_part(config: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    return {path: value for path, value in leaves(config).items() if not is_agents(path) and value != {}}


@given(configs, configs, configs | st.none())
def test_what_is_the_platforms_is_always_as_the_platform_says(
    platform: dict[str, Any], live: dict[str, Any], previous: dict[str, Any] | None
) -> None:
    merged, _ = merge(platform, live, previous)
    assert platforms_part(merged) == platforms_part(platform)


@given(configs, configs, configs | st.none())
def test_merging_again_changes_nothing_and_has_nothing_to_tell(
    platform: dict[str, Any], live: dict[str, Any], previous: dict[str, Any] | None
) -> None:
    merged, _ = merge(platform, live, previous)
    again, notes = merge(platform, merged, platform)
    assert again == merged
    assert notes == []


@given(configs, configs, configs | st.none())
def test_nothing_stands_in_an_agents_key_but_what_it_takes(
    platform: dict[str, Any], live: dict[str, Any], previous: dict[str, Any] | None
) -> None:
    merged, _ = merge(platform, live, previous)
    for path, value in leaves(merged).items():
        takes = [accepts for key, accepts in AGENT_KEYS.items() if len(key) == len(path) and is_agents(path)]
        assert not takes or value == at(platform, path) or any(accepts(value) for accepts in takes)


@given(configs, configs, configs | st.none())
def test_the_inputs_are_left_alone(
    platform: dict[str, Any], live: dict[str, Any], previous: dict[str, Any] | None
) -> None:
    before = deepcopy((platform, live, previous))
    merge(platform, live, previous)
    assert (platform, live, previous) == before


GOOD = {
    ZONE: "Europe/Berlin",
    ("agents", "defaults", "thinkingDefault"): "high",
    ("agents", "defaults", "verboseDefault"): "on",
    NAME: "Ada",
    ("agents", "entries", "main", "identity", "theme"): "a patient librarian",
    ("agents", "entries", "main", "identity", "emoji"): "🦉",
    ("skills", "entries", "crm-query", "enabled"): False,
}


@pytest.mark.parametrize(("path", "value"), GOOD.items(), ids=[".".join(path) for path in GOOD])
def test_what_the_agent_changed_of_its_own_is_kept(path: tuple[str, ...], value: Any) -> None:
    merged, notes = merge(PLATFORM, with_value(PLATFORM, path, value), PLATFORM)
    assert at(merged, path) == value
    assert notes == []


def test_each_key_of_the_agents_has_a_case_here() -> None:
    assert len(GOOD) == len(AGENT_KEYS)


@pytest.mark.parametrize("path", GOOD, ids=[".".join(path) for path in GOOD])
@pytest.mark.parametrize("value", ["${HOME}", "a\nb", "", "x" * 201, 7, None, ["off"], {"source": "env"}])
def test_what_a_key_does_not_take_is_dropped_and_told(path: tuple[str, ...], value: Any) -> None:
    merged, notes = merge(PLATFORM, with_value(PLATFORM, path, value), PLATFORM)
    assert merged == PLATFORM
    assert [note.kind for note in notes] in ([REFUSED], [RESET])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("gateway", "bind"), "lan"),
        (("tools", "deny"), []),
        (("agents", "defaults", "skills"), ["crm", "other"]),
        (("plugins", "load", "paths"), ["/data/openclaw/workspace"]),
        (("agents", "entries", "other", "identity", "name"), "Eve"),
        (("agents", "entries", "main", "tools", "allow"), ["*"]),
        (("skills", "entries", "crm", "env", "PATH"), "/elsewhere"),
        (("$include",), "/etc/passwd"),
        (("gateway",), "gone"),
        (("agents", "defaults"), []),
    ],
    ids=str,
)
def test_what_the_agent_changed_of_the_platforms_is_put_back_and_told(path: tuple[str, ...], value: Any) -> None:
    merged, notes = merge(PLATFORM, with_value(PLATFORM, path, value), PLATFORM)
    assert merged == PLATFORM
    assert RESET in {note.kind for note in notes}


def test_a_change_of_the_platforms_is_no_change_of_the_agents() -> None:
    new = with_value(with_value(PLATFORM, ("gateway", "bind"), "auto"), ("tools", "deny"), ["exec", "read"])
    assert merge(new, PLATFORM, PLATFORM) == (new, [])


def test_of_a_key_both_changed_the_owners_value_stands_and_it_is_told_by_path_alone() -> None:
    old = with_value(PLATFORM, ZONE, "UTC")
    live = with_value(with_value(old, ZONE, "Asia/Jakarta"), ("gateway", "bind"), "lan")
    new = with_value(with_value(old, ZONE, "Asia/Singapore"), ("gateway", "bind"), "tailnet")
    merged, notes = merge(new, live, old)
    assert merged == with_value(new, ZONE, "Asia/Jakarta")
    assert set(notes) == {Note("agents.defaults.userTimezone", KEPT), Note("gateway.bind", RESET)}


def test_a_value_of_the_platforms_that_the_agent_left_alone_moves_with_the_platform() -> None:
    old, new = with_value(PLATFORM, ZONE, "UTC"), with_value(PLATFORM, ZONE, "Asia/Singapore")
    assert merge(new, old, old) == (new, [])


def test_without_a_live_configuration_the_platforms_is_taken() -> None:
    assert merge(PLATFORM, None, None) == (PLATFORM, [])


def test_a_name_that_is_no_name_is_not_repeated() -> None:
    _, notes = merge(PLATFORM, {"my secret is 1234": True}, PLATFORM)
    assert notes == [Note("?", RESET)]
