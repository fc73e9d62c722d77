"""When an object is ready, judged by the object alone. Each rule gives None for ready, or what is missing."""

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.providers.kubernetes.manifest import group_of

Rule = Callable[[Mapping[str, Any]], str | None]


class FailedError(Exception):
    """The object will never become ready; the text says why."""


def missing(live: Mapping[str, Any]) -> str | None:
    """What the object still lacks, None when it is ready. Raises `FailedError` when it can't become so."""
    rule = RULES.get((group_of(live["apiVersion"]), live["kind"]))
    return rule(live) if rule else None


def condition(live: Mapping[str, Any], type_: str) -> Mapping[str, Any]:
    """The status condition of that type; empty where there is none."""
    for entry in _status(live).get("conditions") or ():
        if entry.get("type") == type_:
            found: Mapping[str, Any] = entry
            return found
    return {}


def _deployment(live: Mapping[str, Any]) -> str | None:
    if _unobserved(live):
        return "the controller has not seen it yet"
    progress = condition(live, "Progressing")
    if progress.get("reason") == "ProgressDeadlineExceeded":
        raise FailedError(f"rollout failed: {progress.get('message', 'progress deadline exceeded')}")
    status, wanted = _status(live), live.get("spec", {}).get("replicas", 1)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if updated < wanted:
        return f"{updated} of {wanted} replicas are updated"
    if status.get("replicas", 0) > updated:
        return f"{status['replicas'] - updated} old replicas are still there"
    if available < wanted:
        return f"{available} of {wanted} replicas are available"
    return None


def _stateful_set(live: Mapping[str, Any]) -> str | None:
    if _unobserved(live):
        return "the controller has not seen it yet"
    status, wanted = _status(live), live.get("spec", {}).get("replicas", 1)
    if status.get("readyReplicas", 0) < wanted:
        return f"{status.get('readyReplicas', 0)} of {wanted} replicas are ready"
    strategy = live.get("spec", {}).get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete" or (strategy.get("rollingUpdate") or {}).get("partition"):
        return None
    if wanted and status.get("updateRevision") != status.get("currentRevision"):
        return "the new revision is still rolling out"
    return None


def _daemon_set(live: Mapping[str, Any]) -> str | None:
    if _unobserved(live):
        return "the controller has not seen it yet"
    status = _status(live)
    wanted = status.get("desiredNumberScheduled", 0)
    for field, what in (("updatedNumberScheduled", "updated"), ("numberAvailable", "available")):
        on_delete = (live["spec"].get("updateStrategy") or {}).get("type") == "OnDelete"
        if status.get(field, 0) < wanted and not (what == "updated" and on_delete):
            return f"{status.get(field, 0)} of {wanted} pods are {what}"
    return None


def _replica_set(live: Mapping[str, Any]) -> str | None:
    wanted = live.get("spec", {}).get("replicas", 1)
    available = _status(live).get("availableReplicas", 0)
    return f"{available} of {wanted} replicas are available" if _unobserved(live) or available < wanted else None


def _pod(live: Mapping[str, Any]) -> str | None:
    phase = _status(live).get("phase")
    if phase == "Succeeded":
        return None
    if phase == "Failed":
        status = _status(live)
        raise FailedError(f"the pod failed: {status.get('reason', '')} {status.get('message', '')}".strip())
    ready = condition(live, "Ready")
    if ready.get("status") == "True":
        return None
    scheduled = condition(live, "PodScheduled")
    if scheduled.get("status") == "False":
        return f"not scheduled: {scheduled.get('message', scheduled.get('reason', ''))}"
    return _waiting(live) or ready.get("message") or f"phase {phase or 'Pending'}"


def _waiting(live: Mapping[str, Any]) -> str | None:
    """What the first container that isn't up says."""
    status = _status(live)
    for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        state = container.get("state") or {}
        entry = state.get("waiting") or state.get("terminated")
        if entry and entry.get("reason") != "Completed":
            return f"container {container['name']}: {entry.get('reason', '')} {entry.get('message', '')}".strip()
    return None


def _job(live: Mapping[str, Any]) -> str | None:
    failed = condition(live, "Failed")
    if failed.get("status") == "True":
        raise FailedError(f"the job failed: {failed.get('reason', '')}: {failed.get('message', '')}")
    if condition(live, "Complete").get("status") == "True" or live.get("spec", {}).get("suspend"):
        return None
    return f"{_status(live).get('succeeded', 0)} of {live.get('spec', {}).get('completions', 1)} completions"


def _claim(live: Mapping[str, Any]) -> str | None:
    phase = _status(live).get("phase")
    if phase == "Lost":
        raise FailedError("its volume is lost")
    return None if phase == "Bound" else f"phase {phase or 'Pending'}"


def _service(live: Mapping[str, Any]) -> str | None:
    if live.get("spec", {}).get("type") != "LoadBalancer":
        return None
    return None if (_status(live).get("loadBalancer") or {}).get("ingress") else "no load balancer address yet"


def _namespace(live: Mapping[str, Any]) -> str | None:
    phase = _status(live).get("phase")
    return None if phase == "Active" else f"phase {phase or 'unknown'}"


def _definition(live: Mapping[str, Any]) -> str | None:
    accepted = condition(live, "NamesAccepted")
    if accepted.get("status") == "False":
        raise FailedError(f"its names are not accepted: {accepted.get('message', '')}")
    return None if condition(live, "Established").get("status") == "True" else "not established yet"


def _unobserved(live: Mapping[str, Any]) -> bool:
    generation: int = live.get("metadata", {}).get("generation", 0)
    observed: int = _status(live).get("observedGeneration", 0)
    return observed < generation


def _status(live: Mapping[str, Any]) -> Mapping[str, Any]:
    return live.get("status") or {}


RULES: Mapping[tuple[str, str], Rule] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "ReplicaSet"): _replica_set,
    ("", "Pod"): _pod,
    ("batch", "Job"): _job,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Service"): _service,
    ("", "Namespace"): _namespace,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
}
