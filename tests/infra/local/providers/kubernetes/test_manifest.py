"""What of a live object its declaration speaks about."""

from typing import Any

import pytest

from infra.local.providers.kubernetes import manifest
from infra.local.providers.kubernetes.quantity import same_quantity
from infra.local.providers.kubernetes.secret import declared_part


def test_defaults_of_the_server_are_left_out_and_changes_by_hand_are_not() -> None:
    inputs = {"spec": {"replicas": 1, "containers": [{"name": "a", "image": "x"}]}}
    live = {
        "spec": {
            "replicas": 3,
            "strategy": "default",
            "containers": [{"name": "injected"}, {"name": "a", "image": "y", "imagePullPolicy": "Always"}],
        },
        "status": {},
    }
    assert manifest.declared_part(inputs, live) == {
        "spec": {"replicas": 3, "containers": [{"name": "a", "image": "y"}]}
    }


def test_a_field_removed_by_hand_is_missing() -> None:
    assert manifest.declared_part({"data": {"a": "1", "b": "2"}}, {"data": {"a": "1"}}) == {"data": {"a": "1"}}


@pytest.mark.parametrize(
    ("declared", "live"),
    [
        ({"limits": {"cpu": "1000m"}}, {"limits": {"cpu": "1"}}),
        ({"limits": {"nvidia.com/gpu": 1}}, {"limits": {"nvidia.com/gpu": "1"}}),
        ({"hostNetwork": False}, {}),
        ({"emptyDir": {}}, {"emptyDir": {}}),
        ({"ingress": []}, {}),
    ],
)
def test_another_spelling_of_the_same_is_no_drift(declared: dict[str, object], live: dict[str, object]) -> None:
    assert manifest.declared_part(declared, live) == declared


def test_a_string_that_only_looks_like_a_quantity_is_compared_as_text() -> None:
    assert manifest.declared_part({"data": {"a": "1000m"}}, {"data": {"a": "1"}}) == {"data": {"a": "1"}}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("1Gi", "1024Mi", True), ("1", 1, True), ("1", "2", False), ("x", "x", False), ("1e3", "1k", True)],
)
def test_quantities(one: object, other: object, same: bool) -> None:
    assert same_quantity(one, other) is same


def test_a_secrets_text_is_read_back_from_its_data() -> None:
    live = {"kind": "Secret", "data": {"a": "Yg=="}}
    assert declared_part({"kind": "Secret", "stringData": {"a": "old"}}, live)["stringData"] == {"a": "b"}


def test_a_missing_name_is_chosen_once() -> None:
    first = manifest.with_name({"metadata": {}}, "Web", b"seed", {})
    assert first["metadata"]["name"].startswith("web-")
    assert manifest.is_true(first, manifest.AUTONAMED)
    assert manifest.with_name({"metadata": {}}, "Web", b"other", first) == first
    assert manifest.with_name({"metadata": {}}, "Web", b"other", {}) != first
    own = {"metadata": {"name": "mine"}}
    assert manifest.with_name(own, "Web", b"seed", {}) == own


def test_an_imported_object_has_nothing_of_the_servers() -> None:
    live: dict[str, Any] = {
        "kind": "ConfigMap",
        "metadata": {
            "name": "a",
            "uid": "u",
            "resourceVersion": "1",
            "managedFields": [],
            "annotations": {"mine": "1"},
        },
        "status": {},
    }
    assert manifest.importable(live) == {"kind": "ConfigMap", "metadata": {"name": "a", "annotations": {"mine": "1"}}}
    assert live["metadata"]["uid"] == "u"


def test_only_what_can_own_something_is_deleted_after_it() -> None:
    assert manifest.propagation({}, "apps/v1") == "Foreground"
    assert manifest.propagation({}, "agents.x-k8s.io/v1beta1") == "Foreground"
    assert manifest.propagation({}, "rbac.authorization.k8s.io/v1") == "Background"
    chosen = {"metadata": {"annotations": {manifest.PROPAGATION: "orphan"}}}
    assert manifest.propagation(chosen, "apps/v1") == "Orphan"
