"""Which versions of a script there are, and which of them answer: what an upload and a deployment change."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from infra.local.cloudflare.store import Record

KEPT: Final = 10
"""Versions and deployments of a script that are remembered, beside those that answer; Cloudflare's are more."""
WHOLE: Final = 100
_OF_AN_UPLOAD: Final = ("modules", "main_module", "compatibility_date", "compatibility_flags", "bindings")


def uploaded(script: Record, before: Record | None) -> None:
    """Note that a script was uploaded: a new version, which answers every request from now on."""
    earlier = before or {}
    script["versions"], script["deployments"] = earlier.get("versions", {}), earlier.get("deployments", [])
    version = add_version(script, {field: script[field] for field in _OF_AN_UPLOAD})
    deploy(script, [{"version_id": version["id"], "percentage": WHOLE}])


def served(script: Record) -> list[tuple[Record, float]]:
    """The versions that answer, each with its percentage of requests; the first one's objects are the script's."""
    if not script.get("deployments"):  # one that was uploaded before versions were kept
        return [(script, WHOLE)]
    shares = script["deployments"][0]["versions"]
    return [(script["versions"][share["version_id"]], share["percentage"]) for share in shares]


def add_version(script: Record, fields: Mapping[str, Any]) -> Record:
    """Keep one more version, and let old ones go that answer nothing."""
    number = 1 + max((one["number"] for one in script["versions"].values()), default=0)
    version = {"id": str(uuid.uuid4()), "number": number, "created_on": _now(), **fields}
    kept = sorted(script["versions"].values(), key=lambda one: -one["number"])[:KEPT]
    in_use = [script["versions"][one] for one in answering(script)]
    script["versions"] = {one["id"]: one for one in (*kept, *in_use, version)}
    return version


def deploy(script: Record, shares: Sequence[Record]) -> Record:
    """Have these versions answer from now on, each its percentage of requests."""
    deployment = {
        "id": str(uuid.uuid4()),
        "strategy": "percentage",
        "versions": list(shares),
        "created_on": _now(),
        "source": "api",
    }
    script["deployments"] = [deployment, *script["deployments"][: KEPT - 1]]
    return deployment


def answering(script: Record) -> list[str]:
    """The ids of the versions that answer."""
    latest = script["deployments"][0]["versions"] if script.get("deployments") else []
    return [share["version_id"] for share in latest]


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
