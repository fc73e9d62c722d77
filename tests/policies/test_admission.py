"""The rules as a real API server asks them."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from policies.admission import build_admission_policies, policy_name
from policies.registry import RULES
from tests.infra.local.providers.control_plane import ControlPlane, control_plane
from tests.policies.all_cases import CASES
from tests.policies.cases.pods import NAMESPACE
from tests.waiting import eventually

ADMITTED = {rule.name: rule for rule in RULES if rule.admission}
PATHS = {"Namespace": "namespaces", "NetworkPolicy": "networkpolicies", "Ingress": "ingresses"}
CLUSTER_WIDE = {"Namespace", "ClusterRole", "ClusterRoleBinding", "PriorityClass", "StorageClass", "PersistentVolume"}
TIMEOUT = 60
INVALID = {("pod-unmasks-proc-only-as-nobody", "container")}
"""What no server takes anyway, so that no policy is asked of it."""

BAD = [(name, mutant) for name in ADMITTED for mutant in CASES[name].mutants]


def path_of(manifest: Mapping[str, Any]) -> str:
    """Where an object of this kind is posted."""
    version, kind = manifest["apiVersion"], manifest["kind"]
    root = f"/api/{version}" if version == "v1" else f"/apis/{version}"
    plural = PATHS.get(kind, f"{kind.lower()}s" if not kind.endswith("y") else f"{kind.lower()[:-1]}ies")
    if kind in CLUSTER_WIDE or "namespace" not in manifest["metadata"]:
        return f"{root}/{plural}"
    return f"{root}/namespaces/{manifest['metadata']['namespace']}/{plural}"


def post(cluster: ControlPlane, manifest: Mapping[str, Any]) -> httpx.Response:
    """Ask for an object without having it made."""
    return cluster.http.post(path_of(manifest), params={"dryRun": "All"}, json=manifest)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server that asks our rules. The namespace was there before them, and has no label of Pod Security."""
    with control_plane(tmp_path_factory.mktemp("admission")) as running:
        space = {"metadata": {"name": NAMESPACE, "labels": {"moltghost.io/tenant": "acme"}}}
        running.http.post("/api/v1/namespaces", json=space).raise_for_status()
        account = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default"
        eventually(lambda: running.get(account) is not None, "the namespace has its account", TIMEOUT)
        for manifest in build_admission_policies():
            running.http.post(path_of(manifest), json=manifest).raise_for_status()
            if manifest["kind"] == "ValidatingAdmissionPolicyBinding":
                running.http.post(path_of(manifest), json=_telling(manifest)).raise_for_status()
        for name, mutant in BAD:
            _await_refusal(running, name, mutant)
        yield running


def _telling(binding: Mapping[str, Any]) -> dict[str, Any]:
    """A second binding of a policy, by which an answer tells of it too: a refusal names only one of several."""
    name = f"{binding['metadata']['name']}-told"
    spec = {**binding["spec"], "validationActions": ["Warn"]}
    return {**binding, "metadata": {"name": name}, "spec": spec}


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
    said = [post(cluster, manifest) for manifest in objects(name, mutant)]
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
        answer = post(cluster, manifest)
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
