"""Waits until an object is ready or gone, and says why when it isn't."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from infra.local.providers.base import Call, ProviderError
from infra.local.providers.kubernetes.cluster import Cluster, Object, Resource
from infra.local.providers.kubernetes.manifest import SKIP_AWAIT, TIMEOUT_SECONDS, WAIT_FOR, annotation, is_true
from infra.local.providers.kubernetes.ready import FailedError, missing
from infra.local.providers.kubernetes.wait_for import missing_for

DEFAULT_TIMEOUT = 600.0
"""Seconds, as in the published provider."""
EVENTS = 3
"""Warning events a failed wait names at most."""


class NotReadyError(ProviderError):
    """The object is there but not ready; `live` is how it was last seen."""

    def __init__(self, reason: str, live: Object) -> None:
        super().__init__(reason)
        self.live = live


def timeout_of(call: Call, manifest: Mapping[str, Any]) -> float:
    """Seconds to wait: the annotation's, else the user's `customTimeouts`, else ten minutes."""
    text = annotation(manifest, TIMEOUT_SECONDS)
    if text:
        try:
            return float(text)
        except ValueError:
            raise ProviderError(
                f"metadata.annotations: {TIMEOUT_SECONDS} {text!r} is not a number of seconds"
            ) from None
    return call.timeout or DEFAULT_TIMEOUT


def until_ready(call: Call, cluster: Cluster, resource: Resource, path: str, live: Object) -> Object:
    """The object once it is ready. Raises `NotReadyError` with its events after the time is up."""
    if is_true(live, SKIP_AWAIT):
        return live
    seen: dict[str, Any] = {"live": live, "reason": ""}
    limit = timeout_of(call, live)

    def probe() -> Object | None:
        found = cluster.get(path)
        if found is None:
            raise ProviderError(f"{path} was deleted while it was waited for")
        seen["live"], reason = found, _reason(found)
        if reason and reason != seen["reason"]:
            call.log(reason)
        seen["reason"] = reason
        return None if reason else found

    try:
        ready = replace(call, timeout=limit).poll(probe, limit) if _reason(live) else live
    except FailedError as error:
        raise NotReadyError(_explained(str(error), cluster, resource, seen["live"]), seen["live"]) from None
    if ready is None:
        reason = f"not ready after {limit:.0f} s: {seen['reason']}"
        raise NotReadyError(_explained(reason, cluster, resource, seen["live"]), seen["live"])
    return ready


def until_gone(call: Call, cluster: Cluster, path: str, uid: str) -> None:
    """Return once the object, told by its uid, is gone. Raises `ProviderError` naming what holds it."""
    last: Object = {}

    def probe() -> bool | None:
        found = cluster.get(path)
        if found is None or (uid and found["metadata"]["uid"] != uid):
            return True
        last.update(found)
        return None

    limit = call.timeout or DEFAULT_TIMEOUT
    if call.poll(probe, limit, every=0.05) is None:
        holders = ", ".join(last.get("metadata", {}).get("finalizers") or ()) or "no finalizer"
        notes = "; ".join(
            entry["message"]
            for entry in (last.get("status") or {}).get("conditions") or ()
            if entry.get("status") == "True" and entry.get("message")
        )
        raise ProviderError(
            f"{path} still exists after {limit:.0f} s (finalizers: {holders}){': ' if notes else ''}{notes}"
        )


def _reason(live: Object) -> str | None:
    expressions = annotation(live, WAIT_FOR)
    return missing_for(expressions, live) if expressions else missing(live)


def _explained(reason: str, cluster: Cluster, resource: Resource, live: Object) -> str:
    """The reason, then what the events of the object and of its pods say."""
    metadata = live["metadata"]
    if not resource.namespaced:
        return f"{live['kind']} {metadata['name']}: {reason}"
    notes: dict[str, None] = {}
    try:
        for event in cluster.list(f"/api/v1/namespaces/{metadata['namespace']}/events", fieldSelector="type=Warning"):
            about = event.get("involvedObject", {}).get("name", "")
            if about == metadata["name"] or about.startswith(f"{metadata['name']}-"):
                notes[f"{about}: {event.get('reason', '')}: {event.get('message', '')}"] = None
    except ProviderError:
        notes.clear()  # the wait's own reason is worth more than an error of the search for details
    text = "".join(f"\n  {note}" for note in list(notes)[-EVENTS:])
    return f"{live['kind']} {metadata['namespace']}/{metadata['name']}: {reason}{text}"
