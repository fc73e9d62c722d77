"""Every described type against moto: it is made, seen, changed, replaced where AWS replaces, adopted and deleted."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.providers.aws.provider import DESCRIBED, AwsProvider
from infra.local.providers.aws.session import OWNER_TAG
from infra.local.providers.base import InvalidInputsError, Kind, Live, owner
from infra.local.providers.properties import UNKNOWN
from tests.infra.local.providers.aws import test_compute, test_eks, test_iam, test_vpc
from tests.infra.local.providers.aws.conftest import provider_settings
from tests.infra.local.providers.aws.described import Case, Inputs, World, call

CASES = {**test_vpc.CASES, **test_iam.CASES, **test_compute.CASES, **test_eks.CASES}


@pytest.fixture
def world(provider: AwsProvider) -> World:
    return World(provider)


@pytest.fixture(scope="module")
def untouched(server: str) -> Iterator[AwsProvider]:
    """One for what only looks at inputs: whatever is there."""
    provider = AwsProvider()
    provider.configure(provider_settings(server))
    yield provider
    assert provider.session is not None
    provider.session.close()


def seen(it: Kind, kind: str, live: Live, inputs: Inputs) -> Inputs | None:
    """What a refresh reports as inputs; None when the thing is gone."""
    found = it.read(call(kind, id=live.id), live.state, inputs)
    return found.inputs if found else None


@pytest.mark.parametrize("name", CASES)
def test_a_described_type_lives_its_whole_life(world: World, name: str) -> None:
    kind, case = name.split()[0], CASES[name]
    it, at = world.provider.kind(kind), call(kind)
    first = it.check(at, case.inputs(world), {})
    previewed = it.preview_create(at, first)
    live = it.create(at, first)
    assert seen(it, kind, live, first) == first
    _has_outputs(case, live, previewed)

    for replacing, value in case.replaces.items():
        assert it.diff(at, first, live.state, first | {replacing: value}).replaces, replacing
    if case.changed:
        second = it.check(at, first | case.changed(world, first), first)
        found = it.diff(at, first, live.state, second)
        assert found.changes
        assert not found.replaces
        state = it.update(call(kind, id=live.id), live.state, first, second)
        assert fits({key: value for key, value in second.items() if key != "tags"}, state)
        assert seen(it, kind, live, second) == second
        drifted = seen(it, kind, live, first)
        assert it.diff(at, drifted or {}, {}, first).changes, "what was changed by another hand must show"
        it.update(call(kind, id=live.id), live.state, drifted or {}, first)
        assert seen(it, kind, live, first) == first

    _is_adopted(it, kind, live, first, case)
    it.delete(call(kind, id=live.id), live.state, first)
    assert (seen(it, kind, live, first) is None) is not case.stays
    it.delete(call(kind, id=live.id), live.state, first)


def _has_outputs(case: Case, live: Live, previewed: dict[str, Any]) -> None:
    for output, start in case.outputs.items():
        assert str(live.state[output]).startswith(start), output
    missing = set(live.state) - set(previewed) - {"region", "tags"}
    assert not missing, f"a preview must say of every output that it will be there: {missing}"
    wrong = {key for key in live.state if key in previewed and not fits(previewed[key], live.state[key])}
    assert not wrong, f"what a preview promised must come true: {wrong}"


def fits(told: Any, came: Any) -> bool:
    """Whether what was told came: what was unknown may be anything, and an object may have more to it."""
    if isinstance(told, dict) and isinstance(came, dict):
        return all(fits(value, came.get(key)) for key, value in told.items())
    return told is UNKNOWN or bool(told == came)


def _is_adopted(it: Kind, kind: str, live: Live, inputs: Inputs, case: Case) -> None:
    """A second create of the same resource, unknown to the engine, finds the first."""
    again = it.create(call(kind), inputs)
    assert again.id == live.id
    assert seen(it, kind, again, inputs) == inputs
    if case.tags:
        assert OWNER_TAG not in (again.state.get("tags") or {})


@pytest.mark.parametrize("name", CASES)
def test_an_input_it_lacks_is_refused_by_name(untouched: AwsProvider, name: str) -> None:
    kind = name.split()[0]
    with pytest.raises(InvalidInputsError, match=f"outpostArn: is not supported by the local aws provider; of {kind}"):
        untouched.kind(kind).check(call(kind), {"outpostArn": "arn:aws:outposts:::outpost/op-1"}, {})


@pytest.mark.parametrize("name", CASES)
def test_what_is_unknown_in_a_preview_is_no_error(world: World, name: str) -> None:
    kind = name.split()[0]
    it = world.provider.kind(kind)
    known = CASES[name].inputs(world)
    inputs = dict.fromkeys(known, UNKNOWN)
    assert it.preview_create(call(kind), it.check(call(kind), inputs, {}))
    assert set(it.diff(call(kind), known, {}, inputs).changes) >= {(key,) for key in inputs}


def test_every_described_type_has_a_case() -> None:
    assert {name.split()[0] for name in CASES} == set(DESCRIBED)


def test_an_orphan_that_only_a_replacement_would_mend_is_replaced(world: World) -> None:
    kind = "aws:ec2/vpc:Vpc"
    first = world.make(kind, {"cidrBlock": "10.64.0.0/16"}, "one")
    second = world.make(kind, {"cidrBlock": "10.65.0.0/16"}, "one")
    wanted = [{"Name": f"tag:{OWNER_TAG}", "Values": [owner(call(kind).urn)]}]
    vpcs = world.session.client("ec2").describe_vpcs(Filters=wanted)["Vpcs"]
    assert [vpc["VpcId"] for vpc in vpcs] == [second.id] != [first.id]


def test_a_recorded_one_is_not_adopted_by_its_replacement(world: World) -> None:
    kind = "aws:ec2/vpc:Vpc"
    first = world.make(kind, {"cidrBlock": "10.64.0.0/16"}, "one")
    assert world.make(kind, {"cidrBlock": "10.64.0.0/16"}, "one", known_ids=frozenset({first.id})).id != first.id
    assert world.make(kind, {"cidrBlock": "10.64.0.0/16"}, "two").id != first.id
