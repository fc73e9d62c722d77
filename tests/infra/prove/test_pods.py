"""Which pods reach which: the proof's model beside a naive reading of the rules, and two oracles."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.prove.network_policies import read_policy
from infra.prove.problems import UnmodelledError
from tests.infra.prove.generated import PROBES, Scenario, scenario
from tests.infra.prove.nca import answers, comparable
from tests.infra.prove.oracle import built

SETS = 1200
ANALYZED = 150


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
    assert _is_undecided("".join(said))


def test_the_model_agrees_with_network_config_analyzer(tmp_path: Path) -> None:
    sets = [comparable(scenario(seed)) for seed in range(ANALYZED)]
    said = answers(sets, tmp_path)
    ours = [_reaching_itself(each.answered(), len(each.pods)) for each in sets]
    assert [at for at, (mine, theirs) in enumerate(zip(ours, said, strict=True)) if mine != theirs] == []
    assert _is_undecided("".join(said))


def test_what_network_config_analyzer_reads_otherwise(tmp_path: Path) -> None:
    space: dict[str, object] = {"namespaceSelector": {}}
    labelled = {"matchExpressions": [{"key": "app", "operator": "Exists"}]}
    peers = ({"ipBlock": {"cidr": "10.0.0.0/16"}}, {**space, "podSelector": labelled}, space)
    sets = [_letting(peer) for peer in peers]
    ours = [_reaching_itself(each.answered(), 2) for each in sets]
    assert {*ours} == {" ".join(["1111"] * len(PROBES))}
    blocks, existing, everyone = answers(sets, tmp_path)
    assert {*blocks.split(" ")} == {"1011"}, "a block of addresses is never a pod"
    assert {*existing.split(" ")} == {"1011"}, "beside a namespaceSelector, Exists is looked for in its own namespace"
    assert everyone == ours[2]


def _letting(peer: Mapping[str, object]) -> Scenario:
    """Two pods of two namespaces; the second hears from a peer only."""
    pods = tuple(
        {"namespace": f"ns{at}", "labels": {"app": "a"}, "ip": f"10.0.0.{at + 1}", "ports": {}} for at in range(2)
    )
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [peer]}]}
    held = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "one", "namespace": "ns1"},
        "spec": spec,
    }
    return Scenario({"ns0": {}, "ns1": {}}, pods, (held,))


def _reaching_itself(answered: str, pods: int) -> str:
    """An answer with every pod open to itself, as most of what enforces policies leaves it."""
    rows = [list(each) for each in answered.split(" ")]
    for row in rows:
        row[:: pods + 1] = "1" * pods
    return " ".join("".join(row) for row in rows)


def _is_undecided(answers: str) -> bool:
    """Whether much is open and much is shut: a set of clusters where nothing is decided proves nothing."""
    return 0.2 < answers.count("1") / len(answers) < 0.9


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
