"""What programs of several replicas share: how they are spread, replaced and drained."""

from typing import Any

from components.values import Manifest

_TOPOLOGIES = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")


def rolling_deployment(
    metadata: dict[str, Any], replicas: int, selector: dict[str, str], annotations: dict[str, Any], pod: dict[str, Any]
) -> Manifest:
    """A Deployment that replaces its pods one by one; a change of `annotations` is one. Pods have its own labels."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": selector},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}},
            "template": {"metadata": {"labels": metadata["labels"], "annotations": annotations}, "spec": pod},
        },
    }


def spread(selector: dict[str, str], strict: bool) -> list[dict[str, Any]]:
    """Constraints that put pods into zones and onto nodes evenly; where they can't, `strict` leaves them waiting."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": topology,
            "whenUnsatisfiable": "DoNotSchedule" if strict else "ScheduleAnyway",
            "labelSelector": {"matchLabels": selector},
        }
        for topology in _TOPOLOGIES
    ]


def disruption_budget(metadata: dict[str, Any], selector: dict[str, str]) -> Manifest:
    """A drain takes one pod at a time."""
    body = {"maxUnavailable": 1, "selector": {"matchLabels": selector}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": body}
