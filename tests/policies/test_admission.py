"""The rules as a real API server asks them."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from policies.admission import policy_name
from policies.registry import RULES
from tests.infra.local.providers.control_plane import ControlPlane
from tests.policies.admitting import TIMEOUT, admitting, ask
from tests.policies.all_cases import CASES
from tests.waiting import eventually

ADMITTED = {rule.name: rule for rule in RULES if rule.admission}
INVALID = {("pod-unmasks-proc-only-as-nobody", "container")}
"""What no server takes anyway, so that no policy is asked of it."""

BAD = [(name, mutant) for name in ADMITTED for mutant in CASES[name].mutants]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server that asks every rule by now."""
    with admitting(tmp_path_factory.mktemp("admission")) as running:
        for name, mutant in BAD:
            _await_refusal(running, name, mutant)
        yield running


def _await_refusal(cluster: ControlPlane, name: str, mutant: str) -> None:
    """A new policy is asked only once the server has heard of it."""
    eventually(lambda: bool(refusals(cluster, name, mutant)), f"{mutant} is refused by {name}", TIMEOUT)


def objects(name: str, made: str) -> list[Mapping[str, Any]]:
    """The Kubernetes objects of a case that the rule judges; all of a good case where there is nothing to judge."""
    case, tag = CASES[name], f"{name}-{made}"
    resources = case.good(tag) if made == "good" else case.mutants[made](tag)
    judged = [each.inputs for each in resources if ADMITTED[name].judges(each.type)]
    return judged if judged or made != "good" else [each.inputs for each in resources]


def refusals(cluster: ControlPlane, name: str, mutant: str) -> list[str]:
    """The refusals of a mutant's objects that the rule has a part in."""
    said = [ask(cluster, manifest) for manifest in objects(name, mutant)]
    if (name, mutant) in INVALID:
        return [each.text for each in said if each.status_code == 422]
    mark = f"'{policy_name(ADMITTED[name])}'"
    return [
        each.text
        for each in said
        if each.status_code == 403 and any(mark in told for told in each.headers.get_list("warning"))
    ]


@pytest.mark.parametrize("name", ADMITTED)
def test_a_good_object_is_admitted(name: str, cluster: ControlPlane) -> None:
    found = objects(name, "good")
    assert found
    for manifest in found:
        answer = ask(cluster, manifest)
        assert answer.is_success, answer.text


@pytest.mark.parametrize(("name", "mutant"), BAD)
def test_a_mutant_is_refused_by_its_rule(name: str, mutant: str, cluster: ControlPlane) -> None:
    assert refusals(cluster, name, mutant)


def test_the_server_finds_no_fault_with_an_expression(cluster: ControlPlane) -> None:
    for rule in ADMITTED.values():
        path = f"/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/{policy_name(rule)}"

        def checked(path: str = path) -> bool:
            return "typeChecking" in cluster.object(path).get("status", {})

        eventually(checked, f"{rule.name} is type-checked", TIMEOUT)
        assert cluster.object(path)["status"]["typeChecking"] == {}, rule.name
