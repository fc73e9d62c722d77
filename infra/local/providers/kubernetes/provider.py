"""The package `kubernetes`: its settings, and a kind for any type token."""

import json
import os
import threading
from collections.abc import Mapping
from typing import Any

import yaml

from infra.local.providers.base import Failure, InvalidInputsError, Kind, Provider, ProviderError
from infra.local.providers.kubernetes.cluster import Cluster
from infra.local.providers.kubernetes.kind import KubernetesKind
from infra.local.providers.kubernetes.kubeconfig import Access, KubeconfigError, load
from infra.local.providers.properties import UNKNOWN, Properties

COMPONENTS = ("kubernetes:helm.sh/", "kubernetes:kustomize/", "kubernetes:yaml")


class KubernetesProvider(Provider):
    """Applies to the one API server its settings name."""

    name = "kubernetes"
    version = "4.34.2"

    def __init__(self) -> None:
        self._access: Access | None = None
        self._cluster: Cluster | None = None
        self._namespace = ""
        self._unset = True
        self._lock = threading.Lock()

    def check_config(self, inputs: Properties) -> Properties:
        failures = []
        if inputs.get("enableServerSideApply") is not UNKNOWN and _flag(inputs, "enableServerSideApply") is False:
            failures.append(
                Failure(("enableServerSideApply",), "must be true: the local provider applies server-side only")
            )
        if inputs.get("renderYamlToDirectory"):
            failures.append(Failure(("renderYamlToDirectory",), "is not supported by the local provider"))
        kubeconfig = inputs.get("kubeconfig")
        if isinstance(kubeconfig, str) and kubeconfig:
            try:
                load(kubeconfig, inputs.get("context"))
            except KubeconfigError as error:
                failures.append(Failure(("kubeconfig",), str(error)))
        if failures:
            raise InvalidInputsError(failures)
        return inputs

    def configure(self, settings: Properties) -> None:
        kubeconfig = settings.get("kubeconfig") or os.environ.get("KUBECONFIG")
        self._namespace = str(settings.get("namespace") or "")
        self._unset = not kubeconfig
        if kubeconfig and kubeconfig is not UNKNOWN:
            try:
                self._access = load(str(kubeconfig), settings.get("context"))
            except KubeconfigError as error:
                raise ProviderError(str(error)) from None

    def kind(self, token: str) -> Kind:
        if token.startswith(COMPONENTS) or token.count(":") != 2:
            raise ProviderError(f"{token}: the local kubernetes provider has no such resource")
        return KubernetesKind(token, self.cluster, self._namespace)

    def cluster(self) -> Cluster | None:
        """The API server, None while the kubeconfig is unknown. Raises `ProviderError` when none was given."""
        if self._unset:
            raise ProviderError(
                "kubeconfig: not set; give it to the Provider or as stack setting kubernetes:kubeconfig"
            )
        with self._lock:
            if self._cluster is None and self._access is not None:
                self._cluster = Cluster(self._access)
            return self._cluster

    def invoke(self, token: str, args: Properties) -> Mapping[str, Any]:
        if token == "kubernetes:yaml:decode":  # noqa: S105 - a function's name
            return {"result": [document for document in yaml.safe_load_all(args["text"]) if document]}
        return super().invoke(token, args)


def _flag(inputs: Properties, name: str) -> Any:
    """A setting's value: the SDK sends those that aren't strings as JSON."""
    value = inputs.get(name)
    return json.loads(value) if isinstance(value, str) and value else value
