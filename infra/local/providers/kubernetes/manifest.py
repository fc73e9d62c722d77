"""Kubernetes objects as values: their names, their defaults, and what of a live one its declaration speaks about."""

import copy
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from infra.local.providers.kubernetes.quantity import same_quantity
from infra.local.providers.properties import UNKNOWN, Properties

AUTONAMED = "pulumi.com/autonamed"
PATCH_FORCE = "pulumi.com/patchForce"
SKIP_AWAIT = "pulumi.com/skipAwait"
TIMEOUT_SECONDS = "pulumi.com/timeoutSeconds"
WAIT_FOR = "pulumi.com/waitFor"
PROPAGATION = "pulumi.com/deletionPropagationPolicy"

MERGE_KEYS = ("name", "key", "containerPort", "port", "mountPath", "devicePath", "ip", "topologyKey", "type")
"""Fields that name an element of a list, in the order they are looked for."""
SERVER_FIELDS = ("uid", "resourceVersion", "generation", "creationTimestamp", "selfLink", "managedFields")
SERVER_ANNOTATIONS = ("kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision")


def split_token(token: str) -> tuple[str, str]:
    """apiVersion and kind of `kubernetes:apps/v1:Deployment`; the core group's is `v1`."""
    _, api_version, kind = token.split(":", 2)
    return api_version.removeprefix("core/"), kind


def group_of(api_version: str) -> str:
    """The API group; empty for the core one."""
    return api_version.rpartition("/")[0]


def field_manager(urn: str) -> str:
    """Who we are to the server: the same for one resource in every run, so that a lost create isn't a conflict."""
    return f"pulumi-kubernetes-{hashlib.sha256(urn.encode()).hexdigest()[:8]}"


def annotation(manifest: Mapping[str, Any], name: str) -> str:
    """An annotation's text, empty where it isn't set or not known yet."""
    value = _mapping(_mapping(manifest, "metadata"), "annotations").get(name)
    return value if isinstance(value, str) else ""


def propagation(manifest: Mapping[str, Any], api_version: str) -> str:
    """How a deletion treats what the object owns: the annotation's word; else wait for it where there can be such."""
    chosen = annotation(manifest, PROPAGATION)
    if chosen:
        return chosen[:1].upper() + chosen[1:]
    group = group_of(api_version)
    owns_nothing = group in ("", "autoscaling", "policy") or group.endswith(".k8s.io")
    return "Background" if owns_nothing else "Foreground"


def is_true(manifest: Mapping[str, Any], name: str) -> bool:
    """Whether an annotation says `true`."""
    return annotation(manifest, name).lower() == "true"


def with_name(inputs: Properties, logical: str, seed: bytes, old: Properties) -> Properties:
    """`inputs` with a name: their own, the one an earlier run chose, or a new one made of `logical` and `seed`."""
    metadata = dict(_mapping(inputs, "metadata"))
    if metadata.get("name") is not None:
        return inputs
    chosen = _mapping(old, "metadata").get("name") if is_true(old, AUTONAMED) else None
    if not chosen:
        prefix = metadata.get("generateName") or f"{logical}-"
        if prefix is UNKNOWN:
            return inputs
        chosen = f"{str(prefix).lower()[:54]}{hashlib.sha256(seed or logical.encode()).hexdigest()[:8]}"
    metadata["name"] = chosen
    metadata["annotations"] = {**(metadata.get("annotations") or {}), AUTONAMED: "true"}
    return {**inputs, "metadata": metadata}


def clean(live: Mapping[str, Any]) -> Properties:
    """A live object as the state keeps it: without the server's bookkeeping of owners."""
    state = copy.deepcopy(dict(live))
    state.get("metadata", {}).pop("managedFields", None)
    return state


def importable(live: Mapping[str, Any]) -> Properties:
    """The inputs a live object could have been declared with."""
    inputs = copy.deepcopy(dict(live))
    inputs.pop("status", None)
    metadata = inputs["metadata"]
    for name in SERVER_FIELDS:
        metadata.pop(name, None)
    annotations = {k: v for k, v in metadata.get("annotations", {}).items() if k not in SERVER_ANNOTATIONS}
    if annotations:
        metadata["annotations"] = annotations
    else:
        metadata.pop("annotations", None)
    return inputs


def declared_part(inputs: Any, live: Any) -> Any:
    """The live values of what `inputs` declare, in the shape of `inputs`; what the server added is left out.

    A value the server only spells otherwise (`1000m`, a false it omits) keeps the spelling of `inputs`.
    """
    return _declared(inputs, live, False)


def _declared(inputs: Any, live: Any, quantities: bool) -> Any:
    if isinstance(inputs, Mapping) and isinstance(live, Mapping):
        return _declared_mapping(inputs, live, quantities)
    if isinstance(inputs, Sequence) and isinstance(live, Sequence) and not isinstance(inputs, str):
        return _declared_list(inputs, live, quantities)
    if live is None and not inputs:
        return inputs
    if quantities and same_quantity(inputs, live):
        return inputs
    if str(inputs) == str(live) and not isinstance(inputs, bool):
        return inputs
    return live


_QUANTITIES = frozenset(
    {
        "limits",
        "requests",
        "hard",
        "capacity",
        "min",
        "max",
        "default",
        "defaultRequest",
        "sizeLimit",
        "divisor",
        "overhead",
    }
)


def _declared_mapping(inputs: Mapping[str, Any], live: Mapping[str, Any], quantities: bool) -> dict[str, Any]:
    part = {}
    for key, value in inputs.items():
        found = _declared(value, live.get(key), quantities or key in _QUANTITIES)
        if found is not None or value is None:
            part[key] = found
    return part


def _declared_list(inputs: Sequence[Any], live: Any, quantities: bool) -> list[Any]:
    key = merge_key(inputs)
    if key and all(isinstance(item, Mapping) and key in item for item in live):
        by_name = {item[key]: item for item in live}
        return [_declared(item, by_name[item[key]], quantities) for item in inputs if item[key] in by_name]
    if len(inputs) != len(live):
        return list(live)
    return [_declared(mine, theirs, quantities) for mine, theirs in zip(inputs, live, strict=True)]


def merge_key(items: Sequence[Any]) -> str | None:
    """The field that tells the elements of a list apart, if they have one."""
    if not items or not all(isinstance(item, Mapping) for item in items):
        return None
    for key in MERGE_KEYS:
        names = [item.get(key) for item in items]
        if None not in names and len({str(name) for name in names}) == len(names):
            return key
    return None


def _mapping(value: Any, key: str) -> Mapping[str, Any]:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}
