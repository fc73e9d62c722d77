"""An API server that asks our rules, and how it is asked for an object."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from policies.admission import build_admission_policies
from tests.infra.local.providers.control_plane import ControlPlane, control_plane
from tests.policies.cases.pods import NAMESPACE
from tests.waiting import eventually

PLURALS = {
    "Ingress": "ingresses",
    "Sandbox": "sandboxes",
    "StorageClass": "storageclasses",
    "PriorityClass": "priorityclasses",
}
TIMEOUT = 60


def path_of(manifest: Mapping[str, Any]) -> str:
    """Where an object of this kind is posted."""
    version, kind = manifest["apiVersion"], manifest["kind"]
    root = f"/api/{version}" if version == "v1" else f"/apis/{version}"
    plain = f"{kind.lower()[:-1]}ies" if kind.endswith("y") else f"{kind.lower()}s"
    plural = PLURALS.get(kind, plain)
    if "namespace" not in manifest["metadata"]:
        return f"{root}/{plural}"
    return f"{root}/namespaces/{manifest['metadata']['namespace']}/{plural}"


def ask(cluster: ControlPlane, manifest: Mapping[str, Any]) -> httpx.Response:
    """Ask for an object without having it made."""
    return cluster.http.post(path_of(manifest), params={"dryRun": "All"}, json=manifest)


@contextmanager
def admitting(folder: Path) -> Iterator[ControlPlane]:
    """Run one; the cases' namespace was there before the rules, and has no label of Pod Security."""
    with control_plane(folder) as running:
        space = {"metadata": {"name": NAMESPACE, "labels": {"moltghost.io/tenant": "acme"}}}
        running.http.post("/api/v1/namespaces", json=space).raise_for_status()
        account = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default"
        eventually(lambda: running.get(account) is not None, "the namespace has its account", TIMEOUT)
        for manifest in build_admission_policies():
            running.http.post(path_of(manifest), json=manifest).raise_for_status()
            if manifest["kind"] == "ValidatingAdmissionPolicyBinding":
                running.http.post(path_of(manifest), json=_telling(manifest)).raise_for_status()
        yield running


def _telling(binding: Mapping[str, Any]) -> dict[str, Any]:
    """A second binding of a policy, by which an answer tells of it too: a refusal names only one of several."""
    name = f"{binding['metadata']['name']}-told"
    spec = {**binding["spec"], "validationActions": ["Warn"]}
    return {**binding, "metadata": {"name": name}, "spec": spec}
