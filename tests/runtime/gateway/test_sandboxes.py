"""What the cache says about agents, whatever became of their Sandboxes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.gateway.sandboxes import AgentPod, Sandbox, SandboxCache
from tests.runtime.serving import sandbox


def known(*sandboxes: Sandbox) -> SandboxCache:
    cache = SandboxCache()
    cache.replace(sandboxes)
    return cache


def test_an_agent_is_found_by_tenant_and_name_together() -> None:
    cache = known(sandbox("acme", "helper", "198.18.0.2"), sandbox("globex", "helper", "198.18.0.3"))
    assert cache.find("acme", "helper") == AgentPod("198.18.0.2")
    assert cache.find("globex", "helper") == AgentPod("198.18.0.3")
    assert cache.find("acme", "analyst") is None


def test_an_ipv6_address_is_written_as_in_a_url() -> None:
    assert known(sandbox(address="2001:db8::1")).find("acme", "helper") == AgentPod("[2001:db8::1]")


@pytest.mark.parametrize(
    "other",
    [
        sandbox(ready=False),
        sandbox(address=None),
        {**sandbox(), "metadata": {**sandbox()["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}},
        {**sandbox(), "status": {"podIPs": ["198.18.0.2"]}},
        {"metadata": sandbox()["metadata"]},
    ],
)
def test_an_agent_whose_pod_does_not_answer_has_no_address(other: dict[str, Any]) -> None:
    assert known(other).find("acme", "helper") == AgentPod(None)


def test_a_sandbox_without_our_labels_is_no_agent() -> None:
    stranger = sandbox()
    cache = known({**stranger, "metadata": {**stranger["metadata"], "labels": {"app": "x"}}})
    assert cache.find("acme", "helper") is None
    unlabelled = {name: value for name, value in stranger["metadata"].items() if name != "labels"}
    assert known({**stranger, "metadata": unlabelled}).find("acme", "helper") is None


def test_a_sandbox_that_changes_its_labels_is_found_under_the_new_ones_alone() -> None:
    cache, before = known(sandbox()), sandbox()
    changed = {**before, "metadata": {**before["metadata"], "labels": sandbox("globex", "x")["metadata"]["labels"]}}
    cache.put(changed)
    assert cache.find("acme", "helper") is None
    assert cache.find("globex", "x") is not None


def test_of_two_the_one_that_answers_is_found() -> None:
    old = sandbox(ready=False)
    new = {**sandbox(address="198.18.0.7"), "metadata": {**sandbox()["metadata"], "name": "helper-2"}}
    cache = known(old, new)
    assert cache.find("acme", "helper") == AgentPod("198.18.0.7")
    cache.remove(new)
    assert cache.find("acme", "helper") == AgentPod(None)


def test_removing_what_is_not_known_changes_nothing() -> None:
    cache = known(sandbox())
    cache.remove(sandbox("globex", "analyst"))
    assert cache.find("acme", "helper") is not None


NAMES = st.sampled_from(["a", "b"])


@given(st.lists(st.tuples(st.booleans(), NAMES, NAMES, st.booleans()), max_size=30))
def test_after_any_events_the_cache_knows_what_a_list_would(events: list[tuple[bool, str, str, bool]]) -> None:
    followed, alive = SandboxCache(), {}
    for added, tenant, agent, ready in events:
        changed = sandbox(tenant, agent, ready=ready)
        if added:
            followed.put(changed)
            alive[tenant, agent] = changed
        else:
            followed.remove(changed)
            alive.pop((tenant, agent), None)
    listed = known(*alive.values())
    for tenant in "ab":
        for agent in "ab":
            assert followed.find(tenant, agent) == listed.find(tenant, agent)
