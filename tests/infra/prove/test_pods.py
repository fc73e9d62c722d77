"""Which pods reach which: the proof's model beside a naive reading of the rules, and beside cyclonus' model."""

import json
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.prove.network_policies import read_policy
from infra.prove.problems import UnmodelledError
from tests.infra.prove.generated import scenario
from tests.infra.prove.oracle import built

SETS = 1200


@settings(max_examples=200, deadline=None)
@given(st.integers(min_value=0))
def test_the_model_says_what_rule_after_rule_comes_to(seed: int) -> None:
    made = scenario(seed)
    assert made.answered() == made.naively()


def test_the_model_agrees_with_cyclonus() -> None:
    sets = [scenario(seed) for seed in range(0, 2 * SETS, 2)]
    asked = "".join(json.dumps(each.asked()) + "\n" for each in sets)
    done = subprocess.run([built()], input=asked, capture_output=True, text=True, check=True)
    said = done.stdout.splitlines()
    assert len(said) == SETS
    assert [at for at, (each, theirs) in enumerate(zip(sets, said, strict=True)) if each.answered() != theirs] == []
    together = "".join(said)
    assert 0.2 < together.count("1") / len(together) < 0.9, "a set of clusters where nothing is decided proves nothing"


def policy(**spec: object) -> dict[str, object]:
    return {"metadata": {"name": "one", "namespace": "here"}, "spec": {"podSelector": {}, **spec}}


def test_a_policy_without_types_holds_incoming_packets_and_outgoing_ones_if_it_speaks_of_them() -> None:
    silent, speaking = read_policy("urn", policy()), read_policy("urn", policy(egress=[{}]))
    assert (silent.ingress, silent.egress) == ((), None)
    assert speaking.ingress == ()
    assert speaking.egress is not None


@pytest.mark.parametrize(
    ("field", "spec"),
    [
        ("spec.podSelector", {"podSelector": {"matchFields": {}}}),
        (
            "spec.podSelector.matchExpressions[0]",
            {"podSelector": {"matchExpressions": [{"key": "a", "operator": "Gt"}]}},
        ),
        ("spec.ingress[0].ports[0].port", {"ingress": [{"ports": [{"port": 0}]}]}),
        ("spec.ingress[0].from[0]", {"ingress": [{"from": [{}]}]}),
        ("spec.ingress[0].from[0]", {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}]}]}),
        ("spec.ingress[0].from[0].ipBlock", {"ingress": [{"from": [{"ipBlock": {"cidr": "ten"}}]}]}),
        ("spec.policyTypes", {"policyTypes": ["Sideways"]}),
        ("spec.ingress[0]", {"ingress": [{"form": []}]}),
    ],
)
def test_what_is_not_understood_is_named(field: str, spec: dict[str, object]) -> None:
    with pytest.raises(UnmodelledError) as raised:
        read_policy("urn", policy(**spec))
    assert raised.value.what.field == field
