# ruff: noqa: ARG002 - handlers share one signature, and most need only a part of it
"""Any kind of Kubernetes object, by server-side apply."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from infra.local.providers.base import (
    Call,
    Failure,
    InvalidInputsError,
    Kind,
    Live,
    ProviderError,
    UnfinishedError,
)
from infra.local.providers.diff import Change, Diff, diff_properties
from infra.local.providers.kubernetes import manifest as manifests
from infra.local.providers.kubernetes import secret, waiting
from infra.local.providers.kubernetes.cluster import Answer, ApiError, Cluster, Object, Resource
from infra.local.providers.kubernetes.preview import dry_run
from infra.local.providers.kubernetes.replacement import immutable_paths, only_refusals, refused_paths
from infra.local.providers.properties import UNKNOWN, Path, Properties, has_unknown

DISCOVERY_TIMEOUT = 10.0
"""Seconds a create waits for its kind to be served: its definition may be only just established."""


class KubernetesKind(Kind):
    """One type token. `cluster` is None in a preview whose kubeconfig isn't known yet."""

    def __init__(self, token: str, cluster: Callable[[], Cluster | None], namespace: str) -> None:
        self.api_version, self.kind_name = manifests.split_token(token)
        self._cluster = cluster
        self.default_namespace = namespace
        if (self.api_version, self.kind_name) == ("v1", "Secret"):
            self.secret_outputs = ("data", "stringData")  # however they came

    def check(self, call: Call, inputs: Properties, old_inputs: Properties) -> Properties:
        failures = []
        if inputs.get("metadata") is not None and not isinstance(inputs["metadata"], Mapping | type(UNKNOWN)):
            failures.append(Failure(("metadata",), "must be a mapping"))
        for field, own in (("apiVersion", self.api_version), ("kind", self.kind_name)):
            if inputs.get(field, own) != own:
                failures.append(Failure((field,), f"is {inputs[field]!r}, but the resource's type says {own!r}"))
        if failures:
            raise InvalidInputsError(failures)
        if inputs.get("metadata") is UNKNOWN:
            return inputs
        declared = {"apiVersion": self.api_version, "kind": self.kind_name} | inputs
        return manifests.with_name(declared, call.name, call.seed, old_inputs)

    def diff(self, call: Call, old_inputs: Properties, state: Properties, inputs: Properties) -> Diff:
        found = diff_properties(old_inputs, inputs, immutable_paths(old_inputs))
        if not found:
            return found
        found = self._with_namespace(call, found, inputs)
        if not found.replaces and not has_unknown(inputs):
            found = self._judged_by_server(call, found, inputs)
        return replace(found, delete_first=bool(found.replaces) and self._same_address(call, inputs))

    def _with_namespace(self, call: Call, diff: Diff, inputs: Properties) -> Diff:
        """Naming the namespace an object is in anyway moves nothing."""
        path: Path = ("metadata", "namespace")
        if path in diff.changes and self._same_namespace(call, inputs):
            changes = {changed: change for changed, change in diff.changes.items() if changed != path}
            return Diff(changes, diff.replaces - {path})
        return diff

    def _same_namespace(self, call: Call, inputs: Properties) -> bool:
        namespace = call.id.rpartition("/")[0]
        return bool(namespace) and self._namespace(inputs) == namespace

    def _same_address(self, call: Call, inputs: Properties) -> bool:
        """Whether the new object would have the old one's name: then the old one must go first."""
        same_name: bool = inputs["metadata"].get("name") == call.id.rpartition("/")[2]
        return same_name and (not call.id.rpartition("/")[0] or self._same_namespace(call, inputs))

    def _judged_by_server(self, call: Call, diff: Diff, inputs: Properties) -> Diff:
        """The diff with what a dry run says: changes the server refuses replace; removing a default changes nothing."""
        cluster = self._cluster()
        resource = self._resource(cluster)
        if cluster is None or resource is None:
            return diff
        path = self._path(resource, call.id)
        try:
            judged = self._apply(call, cluster, path, resource, inputs, dry_run=True, force=True).object
        except ApiError as error:
            refused = frozenset(refused_paths(error.causes, list(diff.changes)))
            return Diff(diff.changes, refused)
        except ProviderError:
            return diff  # the preview or the update meets the same error, and reports it
        idle = {p for p, change in diff.changes.items() if change is Change.DELETE and _get(judged, p) is not None}
        live = cluster.get(path) if idle else None
        kept = {p: c for p, c in diff.changes.items() if p not in idle or _get(judged, p) != _get(live, p)}
        return Diff(kept)

    def preview_create(self, call: Call, inputs: Properties) -> Properties:
        cluster = self._cluster()
        if cluster is not None and not has_unknown(inputs):
            force = manifests.is_true(inputs, manifests.PATCH_FORCE)
            try:
                dry_run(cluster, inputs, self._namespace(inputs), manifests.field_manager(call.urn), force)
            except ApiError as error:
                # a replacement: the object that can't be changed so will have made room
                if not (call.known_ids and only_refusals(error.causes)):
                    raise
        return {"status": UNKNOWN} | inputs

    def preview_update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        cluster = self._cluster()
        outputs = super().preview_update(call, state, old_inputs, inputs)
        resource = self._resource(cluster)
        if cluster is None or resource is None or has_unknown(inputs):
            return outputs
        judged = self._apply(call, cluster, self._path(resource, call.id), resource, inputs, dry_run=True)
        return manifests.clean(judged.object) | {"status": state.get("status")}

    def create(self, call: Call, inputs: Properties) -> Live:
        cluster = self._required_cluster()
        resource = call.poll(lambda: self._resource(cluster), DISCOVERY_TIMEOUT, every=0.1)
        if resource is None:
            raise ProviderError(
                f"the cluster serves no kind {self.kind_name} of {self.api_version}: is its definition installed?"
            )
        identifier = self._id(resource, inputs)
        return Live(identifier, self._converge(call, cluster, resource, identifier, inputs))

    def update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        cluster = self._required_cluster()
        return self._converge(call, cluster, self._required_resource(cluster), call.id, inputs)

    def _converge(
        self, call: Call, cluster: Cluster, resource: Resource, identifier: str, inputs: Properties
    ) -> Properties:
        path = self._path(resource, identifier)
        answer = self._apply(call, cluster, path, resource, inputs)
        for warning in answer.warnings:
            call.warn(warning)
        try:
            live = waiting.until_ready(call, cluster, resource, path, answer.object)
        except waiting.NotReadyError as error:
            raise UnfinishedError(identifier, manifests.clean(error.live), [str(error)]) from None
        except ProviderError as error:
            raise UnfinishedError(identifier, manifests.clean(answer.object), [str(error)]) from None
        return manifests.clean(live)

    def read(self, call: Call, state: Properties, inputs: Properties) -> Live | None:
        cluster = self._required_cluster()
        resource = self._resource(cluster)
        live = cluster.get(self._path(resource, call.id)) if resource else None
        if resource is None or live is None:
            return None
        declared = secret.declared_part(inputs, live) if inputs else manifests.importable(live)
        return Live(self._id(resource, live), manifests.clean(live), declared)

    def delete(self, call: Call, state: Properties, inputs: Properties) -> None:
        cluster = self._required_cluster()
        resource = self._resource(cluster)
        if resource is None:  # with its definition went every object of the kind
            return
        path = self._path(resource, call.id)
        cluster.delete(path, manifests.propagation(inputs, self.api_version))
        # also where skipAwait is set: whatever comes next may need the name
        waiting.until_gone(call, cluster, path, str((state.get("metadata") or {}).get("uid") or ""))

    def _apply(
        self,
        call: Call,
        cluster: Cluster,
        path: str,
        resource: Resource,
        inputs: Properties,
        dry_run: bool = False,
        force: bool = False,
    ) -> Answer:
        force = force or manifests.is_true(inputs, manifests.PATCH_FORCE)
        body = _placed(inputs, self._namespace(inputs) if resource.namespaced else None)
        try:
            return cluster.apply(path, body, manifests.field_manager(call.urn), force, dry_run)
        except ApiError as error:
            if error.reason == "Conflict":
                hint = f'set the annotation {manifests.PATCH_FORCE}: "true" to take the fields over'
                raise ApiError(error.code, f"{error}\n{hint}", error.reason, error.causes) from None
            raise

    def _namespace(self, inputs: Mapping[str, Any]) -> str:
        cluster = self._cluster()
        fallback = self.default_namespace or (cluster.access.namespace if cluster else "default")
        return str((inputs.get("metadata") or {}).get("namespace") or fallback)

    def _id(self, resource: Resource, thing: Mapping[str, Any]) -> str:
        name = str(thing["metadata"]["name"])
        return f"{self._namespace(thing)}/{name}" if resource.namespaced else name

    def _path(self, resource: Resource, identifier: str) -> str:
        namespace, _, name = identifier.rpartition("/")
        return resource.path(name, namespace or self.default_namespace or "default")

    def _resource(self, cluster: Cluster | None) -> Resource | None:
        return cluster.resource(self.api_version, self.kind_name) if cluster else None

    def _required_cluster(self) -> Cluster:
        cluster = self._cluster()
        if cluster is None:
            raise ProviderError("kubeconfig: not known, so no cluster can be reached")
        return cluster

    def _required_resource(self, cluster: Cluster) -> Resource:
        resource = self._resource(cluster)
        if resource is None:
            raise ProviderError(f"the cluster serves no kind {self.kind_name} of {self.api_version} any more")
        return resource


def _placed(inputs: Properties, namespace: str | None) -> Object:
    """The manifest to send: in its namespace, and without what has no value."""
    metadata = dict(inputs["metadata"])
    if namespace:
        metadata["namespace"] = namespace
    bare: Object = _without_nulls({**inputs, "metadata": metadata})
    return bare


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _get(value: Any, path: Path) -> Any:
    for part in path:
        if isinstance(part, int):
            value = value[part] if isinstance(value, list) and part < len(value) else None
        else:
            value = value.get(part) if isinstance(value, Mapping) else None
    return value
