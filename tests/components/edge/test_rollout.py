"""A new version beside the one that runs: who answers how many requests, and with whose bindings."""

from typing import Any

import pytest
from pydantic import ValidationError

from components.edge.rollout_spec import RolloutSpec, build_shares, build_version
from runtime.contract import edge
from tests.components.specs import ROLLOUT

CANDIDATE = "00000000-0000-4000-8000-000000000002"


@pytest.mark.parametrize("percent", range(101))
def test_shares_add_up_and_nobody_has_a_share_of_nothing(percent: int) -> None:
    shares = build_shares(ROLLOUT.model_copy(update={"percent": percent}), CANDIDATE)
    assert sum(share["percentage"] for share in shares) == 100
    assert all(share["percentage"] > 0 for share in shares)
    assert {share["version_id"]: share["percentage"] for share in shares}.get(CANDIDATE, 0) == percent


def test_given_up_it_is_the_version_that_ran_alone() -> None:
    assert build_shares(ROLLOUT.model_copy(update={"percent": 0}), CANDIDATE) == [
        {"version_id": ROLLOUT.stable, "percentage": 100}
    ]


def test_the_new_version_inherits_every_binding_and_is_told_no_secret() -> None:
    version = build_version(ROLLOUT, "YQ==")
    assert [binding["name"] for binding in version["bindings"]] == sorted(ROLLOUT.bindings)
    for binding in version["bindings"]:
        assert {**binding, "name": ""} == {"name": "", "type": "inherit", "version_id": ROLLOUT.stable}
    assert ROLLOUT.script not in repr(ROLLOUT)


def test_the_new_version_is_told_itself_of_client_certificates_for_the_one_that_runs_may_not_be() -> None:
    version = build_version(ROLLOUT.model_copy(update={"client_certificates": True}), "YQ==")
    (told,) = [binding for binding in version["bindings"] if binding["type"] != "inherit"]
    assert (told["name"], told["type"]) == (edge.BINDING_CLIENT_CERTIFICATES, "plain_text")


@pytest.mark.parametrize(
    ("field", "wrong"), [("percent", 101), ("percent", -1), ("stable", "latest"), ("bindings", ()), ("script", "")]
)
def test_what_is_no_rollout_is_refused(field: str, wrong: Any) -> None:
    with pytest.raises(ValidationError, match=field):
        RolloutSpec(**{**ROLLOUT.model_dump(), field: wrong})
