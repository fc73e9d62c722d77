"""An agent's secrets lie in one Secret of its own, which no tenant's account may read."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from components.agent.secrets import SecretsError, build_secret, pick
from components.naming import secret_name
from components.tenant.spec import AGENT_ACCOUNT
from runtime.contract import labels
from tests.components.specs import AGENT, TENANT
from tests.components.test_golden import RENDERED

DATA = dict.fromkeys(AGENT.secrets, "c2VjcmV0")
RBAC = "rbac.authorization.k8s.io/v1"
EVERYONE = {"system:authenticated", "system:unauthenticated", "system:serviceaccounts"}


def test_it_is_the_agents_own_and_can_be_changed_in_place() -> None:
    secret = build_secret(AGENT, DATA)
    assert secret["metadata"]["name"] == secret_name(AGENT.name)
    assert secret["metadata"]["namespace"] == AGENT.namespace
    assert secret["data"] == DATA
    assert secret["type"] == "Opaque"
    # Immutable or under another name, a new content would need a new pod.
    assert "immutable" not in secret
    assert build_secret(AGENT, {**DATA, "crm-token": "bmV3"})["metadata"] == secret["metadata"]


def test_two_agents_of_a_tenant_have_two() -> None:
    sibling = AGENT.model_copy(update={"name": "sibling"})
    assert build_secret(sibling, DATA)["metadata"]["name"] != build_secret(AGENT, DATA)["metadata"]["name"]


@pytest.mark.parametrize(
    ("data", "named"),
    [({}, "crm-token, receipt-key.pem"), ({**DATA, "other": "eA=="}, "other"), ({"crm-token": "eA=="}, "receipt-key")],
)
def test_names_that_differ_from_those_declared_are_told(data: dict[str, str], named: str) -> None:
    with pytest.raises(ValueError, match=named) as refused:
        build_secret(AGENT, data)
    assert "c2VjcmV0" not in str(refused.value)


def test_a_value_is_its_own_agents() -> None:
    text = json.dumps({"acme/helper": {"crm-token": "one"}, "acme/sibling": {"crm-token": "two"}})
    assert (pick(text, "acme/helper", "crm-token"), pick(text, "acme/sibling", "crm-token")) == ("one", "two")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not json at all", "moltghost:agentSecrets is not JSON"),
        ("[]", "no value for receipt-key.pem of acme/helper"),
        (json.dumps({"acme/sibling": {"crm-token": "crm-5f0e8c2b"}}), "no value for receipt-key.pem of acme/helper"),
        (json.dumps({"acme/helper": {"crm-token": "crm-5f0e8c2b"}}), "no value for receipt-key.pem of acme/helper"),
        (
            json.dumps({"acme/helper": {"receipt-key.pem": "key", "crm-token": "  "}}),
            "no value for crm-token of acme/helper",
        ),
        (
            json.dumps({"acme/helper": {"receipt-key.pem": "key", "crm-token": 5}}),
            "no value for crm-token of acme/helper",
        ),
        (json.dumps({"acme/helper": "crm-5f0e8c2b"}), "no value for receipt-key.pem of acme/helper"),
    ],
)
def test_a_value_that_is_not_there_is_told_by_its_name(text: str, says: str) -> None:
    with pytest.raises(SecretsError, match=says) as refused:
        [pick(text, "acme/helper", name) for name in AGENT.secrets]
    assert "crm-5f0e8c2b" not in str(refused.value)


def rights_of_tenants(manifests: list[dict[str, Any]]) -> list[str]:
    """Every binding that gives a tenant's account, or a group it belongs to, any right; there is to be none."""
    spaces = [each["metadata"] for each in manifests if each["kind"] == "Namespace"]
    homes = {space["name"] for space in spaces if labels.TENANT in space["labels"]}
    bindings = [each for each in manifests if each["kind"] in {"RoleBinding", "ClusterRoleBinding"}]
    return [
        f"{each['kind']}/{each['metadata']['name']}"
        for each in bindings
        if any(_reaches(subject, each, homes) for subject in each.get("subjects", []))
    ]


def _reaches(subject: dict[str, Any], binding: dict[str, Any], homes: set[str]) -> bool:
    name = subject["name"]
    if subject["kind"] == "ServiceAccount":
        return subject.get("namespace", binding["metadata"].get("namespace")) in homes
    accounts = {f"system:serviceaccount:{home}:{AGENT_ACCOUNT}" for home in homes}
    groups = {f"system:serviceaccounts:{home}" for home in homes}
    return name in EVERYONE | accounts | groups


@pytest.fixture
def everything() -> list[dict[str, Any]]:
    """Every Kubernetes object all components render."""

    def rendered() -> Iterator[dict[str, Any]]:
        for render in RENDERED.values():
            yield from (each for each in render() if each and "kind" in each)

    return [*copy.deepcopy(list(rendered())), build_secret(AGENT, DATA)]


def test_no_tenants_account_has_any_right_so_none_reads_a_secret(everything: list[dict[str, Any]]) -> None:
    kinds = {each["kind"] for each in everything}
    assert {"Namespace", "Secret", "ServiceAccount", "RoleBinding", "ClusterRoleBinding"} <= kinds
    assert rights_of_tenants(everything) == []


def _bind(kind: str, subject: dict[str, str], namespace: str | None = None) -> dict[str, Any]:
    place = {"namespace": namespace} if namespace else {}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    return {
        "apiVersion": RBAC,
        "kind": kind,
        "metadata": {"name": "breach", **place},
        "roleRef": role,
        "subjects": [subject],
    }


HOME = TENANT.namespace
ACCOUNT = {"kind": "ServiceAccount", "name": AGENT_ACCOUNT}
MUTANTS = [
    _bind("RoleBinding", {**ACCOUNT, "namespace": HOME}, HOME),
    _bind("RoleBinding", ACCOUNT, HOME),
    _bind("RoleBinding", {**ACCOUNT, "namespace": HOME}, "moltghost-system"),
    _bind("ClusterRoleBinding", {**ACCOUNT, "name": "default", "namespace": HOME}),
    _bind("ClusterRoleBinding", {"kind": "Group", "name": "system:serviceaccounts"}),
    _bind("ClusterRoleBinding", {"kind": "Group", "name": "system:authenticated"}),
    _bind("RoleBinding", {"kind": "Group", "name": f"system:serviceaccounts:{HOME}"}, HOME),
    _bind("RoleBinding", {"kind": "User", "name": f"system:serviceaccount:{HOME}:{AGENT_ACCOUNT}"}, HOME),
]


@pytest.mark.parametrize("breach", MUTANTS)
def test_a_binding_that_reaches_a_tenant_is_seen(breach: dict[str, Any], everything: list[dict[str, Any]]) -> None:
    assert rights_of_tenants([*everything, breach]) == [f"{breach['kind']}/breach"]


def mounted(pod: dict[str, Any]) -> list[str]:
    return [volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume]


@pytest.mark.parametrize("render", [RENDERED["agent"]])
def test_a_pod_mounts_its_own_secret_alone_and_tells_it_to_no_variable(render: Callable[[], list[Any]]) -> None:
    (pod,) = [each["spec"]["podTemplate"]["spec"] for each in render() if each["kind"] == "Sandbox"]
    assert mounted(pod) == [secret_name(AGENT.name)]
    (container,) = pod["containers"]
    assert not any("valueFrom" in each for each in container["env"])
    assert "envFrom" not in container
