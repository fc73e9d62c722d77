"""Readiness, judged by the object alone."""

from typing import Any

import pytest

from infra.local.providers.base import ProviderError
from infra.local.providers.kubernetes.ready import FailedError, missing
from infra.local.providers.kubernetes.replacement import immutable_paths, only_refusals, refused_paths
from infra.local.providers.kubernetes.wait_for import missing_for


def live(api_version: str, kind: str, status: Any, spec: Any = None, generation: int = 1) -> dict[str, Any]:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"generation": generation},
        "spec": spec or {},
        "status": status,
    }


def deployment(**status: Any) -> dict[str, Any]:
    return live("apps/v1", "Deployment", {"observedGeneration": 1} | status, {"replicas": 2})


READY = [
    deployment(replicas=2, updatedReplicas=2, availableReplicas=2),
    live("v1", "Pod", {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}),
    live("v1", "Pod", {"phase": "Succeeded"}),
    live("batch/v1", "Job", {"conditions": [{"type": "Complete", "status": "True"}]}),
    live("v1", "PersistentVolumeClaim", {"phase": "Bound"}),
    live("v1", "Service", {}, {"type": "ClusterIP"}),
    live("v1", "Namespace", {"phase": "Active"}),
    live(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        {"conditions": [{"type": "Established", "status": "True"}]},
    ),
    live("apps/v1", "DaemonSet", {"observedGeneration": 1, "desiredNumberScheduled": 0}),
    live(
        "apps/v1",
        "StatefulSet",
        {"observedGeneration": 1, "readyReplicas": 1, "updateRevision": "a", "currentRevision": "a"},
    ),
    live("example.com/v1", "Widget", {}),
]
UNREADY = [
    (deployment(observedGeneration=0), "has not seen"),
    (deployment(replicas=2, updatedReplicas=1), "1 of 2 replicas are updated"),
    (deployment(replicas=3, updatedReplicas=2, availableReplicas=2), "1 old replicas"),
    (deployment(replicas=2, updatedReplicas=2, availableReplicas=1), "1 of 2 replicas are available"),
    (
        live("v1", "Pod", {"containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "ErrImagePull"}}}]}),
        "container c: ErrImagePull",
    ),
    (live("v1", "Service", {}, {"type": "LoadBalancer"}), "no load balancer"),
    (live("v1", "PersistentVolumeClaim", {"phase": "Pending"}), "phase Pending"),
    (
        live(
            "apps/v1", "DaemonSet", {"observedGeneration": 1, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2}
        ),
        "0 of 2",
    ),
    (
        live(
            "apps/v1",
            "StatefulSet",
            {"observedGeneration": 1, "readyReplicas": 1, "updateRevision": "b", "currentRevision": "a"},
        ),
        "rolling out",
    ),
]
FAILED = [
    deployment(conditions=[{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]),
    live("v1", "Pod", {"phase": "Failed", "reason": "Evicted"}),
    live("batch/v1", "Job", {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}),
]


@pytest.mark.parametrize("ready", READY, ids=lambda o: o["kind"])
def test_ready(ready: dict[str, Any]) -> None:
    assert missing(ready) is None


@pytest.mark.parametrize(("unready", "reason"), UNREADY, ids=lambda o: o["kind"] if isinstance(o, dict) else "")
def test_what_is_missing_is_named(unready: dict[str, Any], reason: str) -> None:
    assert reason in (missing(unready) or "")


@pytest.mark.parametrize("failed", FAILED, ids=lambda o: o["kind"])
def test_what_can_not_become_ready_fails_at_once(failed: dict[str, Any]) -> None:
    with pytest.raises(FailedError):
        missing(failed)


WIDGET = {
    "status": {"phase": "Running", "list": [{"n": 1}], "conditions": [{"type": "Ready", "status": "True"}], "on": True}
}


@pytest.mark.parametrize(
    ("expressions", "holds"),
    [
        ("condition=Ready", True),
        ("condition=Ready=False", False),
        ("condition=Other", False),
        ("jsonpath={.status.phase}=Running", True),
        ("jsonpath={.status.phase}", True),
        ("jsonpath={.status.missing}", False),
        ("jsonpath={.status.list[0].n}=1", True),
        ("jsonpath={.status.on}=true", True),
        ("""jsonpath={.status.conditions[?(@.type=="Ready")].status}=True""", True),
        ('["condition=Ready", "jsonpath={.status.phase}=Failed"]', False),
    ],
)
def test_wait_for(expressions: str, holds: bool) -> None:
    assert (missing_for(expressions, WIDGET) is None) is holds


@pytest.mark.parametrize("nonsense", ["Ready", "[condition", "jsonpath={..x}"])
def test_an_unreadable_wait_for_is_refused(nonsense: str) -> None:
    with pytest.raises(ProviderError, match=r"pulumi\.com/waitFor"):
        missing_for(nonsense, WIDGET)


def test_immutable_contents_join_the_paths_that_replace() -> None:
    assert "data" in immutable_paths({"apiVersion": "v1", "kind": "Secret", "immutable": True})
    assert "data" not in immutable_paths({"apiVersion": "v1", "kind": "Secret"})
    assert "roleRef" in immutable_paths({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding"})


def test_the_servers_refusals_are_matched_to_the_changed_paths() -> None:
    causes = [{"field": "spec.size", "message": "Invalid value: field is immutable"}]
    changed = [("spec", "size", "x"), ("spec", "colour")]
    assert list(refused_paths(causes, changed)) == [("spec", "size", "x")]
    assert only_refusals(causes)
    assert not only_refusals([*causes, {"field": "spec.colour", "message": "Required value"}])
    assert not only_refusals([])
