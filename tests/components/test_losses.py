"""What keeps no state survives the loss of a zone: replicas, where they are put, what may take them, how they end."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from tests.components.test_golden import RENDERED

ZONE = "topology.kubernetes.io/zone"
PROBES = {"readinessProbe", "livenessProbe"}
FEWEST = 3


def deployments() -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Every Deployment a component renders, with all that is rendered beside it."""
    for render in RENDERED.values():
        rendered = [each for each in render() if isinstance(each, dict)]
        yield from ((each, rendered) for each in rendered if each.get("kind") == "Deployment")


def lacking(deployment: dict[str, Any], beside: list[dict[str, Any]]) -> list[str]:
    """What a Deployment lacks to survive a zone's loss."""
    spec = deployment["spec"]
    pod = spec["template"]["spec"]
    selector = spec["selector"]["matchLabels"]
    budgets = [each for each in beside if each.get("kind") == "PodDisruptionBudget"]
    zones = [each for each in pod.get("topologySpreadConstraints", []) if each["topologyKey"] == ZONE]
    held = {
        "replicas": spec["replicas"] >= FEWEST,
        "spread over zones": any(
            each["whenUnsatisfiable"] == "DoNotSchedule" and each["labelSelector"]["matchLabels"] == selector
            for each in zones
        ),
        "a disruption budget of its own": any(
            each["spec"]["selector"]["matchLabels"] == selector
            and each["metadata"]["namespace"] == deployment["metadata"]["namespace"]
            for each in budgets
        ),
        "a priority": "priorityClassName" in pod,
        "probes": all(set(container) >= PROBES for container in pod["containers"]),
        "time to end": "terminationGracePeriodSeconds" in pod,
    }
    return [name for name, holds in held.items() if not holds]


@pytest.mark.parametrize("at", range(4))
def test_what_keeps_no_state_survives_the_loss_of_a_zone(at: int) -> None:
    deployment, beside = list(deployments())[at]
    assert lacking(deployment, beside) == [], deployment["metadata"]["name"]


def test_every_deployment_is_looked_at() -> None:
    names = [deployment["metadata"]["name"] for deployment, _ in deployments()]
    assert sorted(names) == ["agent-sandbox-controller", "cluster-autoscaler", "connector", "gateway"]


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        (lambda one: one["spec"].update(replicas=2), "replicas"),
        (lambda one: _pod(one).pop("topologySpreadConstraints"), "spread over zones"),
        (
            lambda one: _pod(one)["topologySpreadConstraints"][0].update(whenUnsatisfiable="ScheduleAnyway"),
            "spread over zones",
        ),
        (lambda one: one["spec"]["selector"]["matchLabels"].update(other="label"), "a disruption budget of its own"),
        (lambda one: _pod(one).pop("priorityClassName"), "a priority"),
        (lambda one: _pod(one)["containers"][0].pop("livenessProbe"), "probes"),
        (lambda one: _pod(one).pop("terminationGracePeriodSeconds"), "time to end"),
    ],
)
def test_what_a_deployment_lacks_is_seen(change: Any, lacks: str) -> None:
    deployment, beside = deepcopy(next(iter(deployments())))
    change(deployment)
    assert lacks in lacking(deployment, beside)


def _pod(deployment: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return pod
