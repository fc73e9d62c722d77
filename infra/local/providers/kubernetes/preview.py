"""A preview's dry run of a create: schema, quota and admission speak before anything is made."""

import re

from infra.local.providers.kubernetes.cluster import ApiError, Cluster, Object
from infra.local.providers.properties import Properties

NOT_YET = re.compile(r"error looking up service account|no PriorityClass with name|RuntimeClass .* not found")
"""Admission misses something that the same update may be about to make."""
INVALID = frozenset({400, 422})


def dry_run(cluster: Cluster, inputs: Properties, namespace: str, manager: str, force: bool) -> None:
    """Raise `ApiError` where the server would refuse `inputs`.

    A kind that isn't served yet can't be judged. In a namespace that isn't there yet the object's own validity can,
    by a dry run in the default namespace; that namespace's quota and policies don't count.
    """
    resource = cluster.resource(inputs["apiVersion"], inputs["kind"])
    if resource is None:
        return
    body: Object = {**inputs, "metadata": {**inputs["metadata"]}}
    if resource.namespaced:
        body["metadata"]["namespace"] = namespace
    try:
        cluster.apply(resource.path(body["metadata"]["name"], namespace), body, manager, force, dry_run=True)
    except ApiError as error:
        if NOT_YET.search(str(error)):
            return
        if not _namespace_missing(error, namespace):
            raise
        _validity(
            cluster, resource.collection("default"), {**body, "metadata": {**body["metadata"], "namespace": "default"}}
        )


def _validity(cluster: Cluster, collection: str, body: Object) -> None:
    try:
        cluster.try_create(collection, body)
    except ApiError as error:
        if error.code in INVALID:
            raise


def _namespace_missing(error: ApiError, namespace: str) -> bool:
    return error.code == 404 and f'namespaces "{namespace}" not found' in str(error)
