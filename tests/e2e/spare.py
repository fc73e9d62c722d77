"""Copies of a customer's agent, each in a namespace of its own, with something wrong."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from components.hardening import default_deny, restricted_container, restricted_namespace_labels
from components.naming import CLAIM_TEMPLATE, config_name, secret_name
from components.tenant.spec import AGENT_ACCOUNT
from runtime.contract import image, labels
from tests.e2e.conftest import Cluster, Customer

LONGEST_S = 120
"""Seconds a spare agent gets to be Ready, or to end."""
STATE = '{.status.phase} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}'

TAMPER = """
import pathlib, shutil, sys
source, target = map(pathlib.Path, sys.argv[1:])
for path in sorted(source.rglob("*")):
    there = target / path.relative_to(source)
    there.mkdir() if path.is_dir() else shutil.copyfile(path, there)
largest = max(target.glob("blobs/*"), key=lambda blob: blob.stat().st_size)
with largest.open("r+b") as blob:
    blob.seek(-1, 2)
    last = blob.read(1)
    blob.seek(-1, 2)
    blob.write(bytes([last[0] ^ 1]))
"""
SOURCE = "/source"


@dataclass
class Spare:
    """The manifests of a copy, for a test to change: the pod's spec, and the data of what it mounts."""

    pod: dict[str, Any]
    mounted: list[dict[str, Any]]

    @property
    def container(self) -> dict[str, Any]:
        """The only container."""
        container: dict[str, Any] = self.pod["containers"][0]
        return container

    def set_env(self, name: str, value: str) -> None:
        """Tell the agent something else."""
        (variable,) = [one for one in self.container["env"] if one["name"] == name]
        variable["value"] = value

    def skill_files(self) -> dict[str, str]:
        """The files of the skill bundle, in base64, by their keys."""
        (files,) = [one["binaryData"] for one in self.mounted if "binaryData" in one]
        return dict(files)

    def set_skill_file(self, key: str, content: str) -> None:
        """Put another content, in base64, in the place of a file's."""
        (bundle,) = [one for one in self.mounted if "binaryData" in one]
        bundle["binaryData"][key] = content

    def tamper_weights(self) -> None:
        """Have the model's largest file altered, by one bit, before the agent sees it."""
        (model,) = [volume for volume in self.pod["volumes"] if volume["name"] == "model"]
        self.pod["volumes"] += [{**model, "name": "source"}, {"name": "tampered", "emptyDir": {}}]
        (mount,) = [one for one in self.container["volumeMounts"] if one["name"] == "model"]
        mount["name"] = "tampered"
        small = {"memory": "128Mi", "ephemeral-storage": "256Mi"}
        self.pod["initContainers"] = [
            {
                "name": "tamper",
                "image": self.container["image"],
                "command": ["python3", "-c", TAMPER, SOURCE, image.MODEL_DIR],
                "securityContext": restricted_container(),
                "resources": {"requests": small, "limits": small},
                "volumeMounts": [
                    {"name": "source", "mountPath": SOURCE, "readOnly": True},
                    {"name": "tampered", "mountPath": image.MODEL_DIR},
                ],
            }
        ]


Change = Callable[[Spare], None]


@dataclass(frozen=True)
class Life:
    """What became of a spare agent: whether it was ever Ready, and its phase and termination message at the end."""

    was_ready: bool
    phase: str
    message: str


def live(cluster: Cluster, customer: Customer, name: str, change: Change) -> Life:
    """Start a changed copy of the customer's agent, and follow it until it is Ready or has ended."""
    with _home(cluster, f"spare-{name}") as namespace:
        spare = copy_agent(cluster, customer)
        change(spare)
        metadata = {"name": name, "namespace": namespace, "labels": {labels.ROLE: labels.ROLE_AGENT}}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spare.pod}
        listed = [{**one, "metadata": {**one["metadata"], "namespace": namespace}} for one in spare.mounted]
        create(cluster, *listed, pod)
        was_ready = _follow(cluster, namespace, name)
        status = json.loads(cluster.kubectl("get", "pod", name, "-n", namespace, "-o", "json"))["status"]
        containers = [*status.get("initContainerStatuses", []), *status["containerStatuses"]]
        ends = [one["state"]["terminated"] for one in containers if one["state"].get("terminated", {}).get("exitCode")]
        return Life(was_ready, status["phase"], "".join(end.get("message", end["reason"]) for end in ends))


def copy_agent(cluster: Cluster, customer: Customer) -> Spare:
    """The customer's agent as it is declared now, on a volume that goes with its pod; nothing starts it again."""
    where = ("-n", customer.namespace, "-o", "json")
    sandbox = json.loads(cluster.kubectl("get", "sandbox", customer.agent, *where))
    pod = sandbox["spec"]["podTemplate"]["spec"]
    mounts = [volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume]
    wanted = [*(f"configmap/{name}" for name in mounts), f"secret/{secret_name(customer.agent)}"]
    assert config_name(customer.agent) in mounts
    found = json.loads(cluster.kubectl("get", *wanted, *where))["items"]
    mounted = [{**one, "metadata": {"name": one["metadata"]["name"]}} for one in found]
    pod["volumes"].append({"name": CLAIM_TEMPLATE, "emptyDir": {}})
    return Spare({**pod, "restartPolicy": "Never", "terminationGracePeriodSeconds": 1}, mounted)


def create(cluster: Cluster, *manifests: dict[str, Any]) -> None:
    """Create objects."""
    cluster.kubectl(
        "create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
    )


@contextmanager
def _home(cluster: Cluster, namespace: str) -> Iterator[str]:
    """A namespace that holds its pods to what a tenant's does; all it holds goes with it."""
    space = {"apiVersion": "v1", "kind": "Namespace"}
    space["metadata"] = {"name": namespace, "labels": restricted_namespace_labels()}  # type: ignore[assignment]
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": AGENT_ACCOUNT, "namespace": namespace},
    }
    create(cluster, space, account, default_deny(namespace, {}))
    try:
        yield namespace
    finally:
        cluster.kubectl("delete", "pods", "-n", namespace, "--all", "--wait=false")
        cluster.kubectl("delete", "namespace", namespace, "--wait=false")


def _follow(cluster: Cluster, namespace: str, name: str) -> bool:
    """Wait until a pod is Ready or has ended; whether it was Ready."""
    kubectl = [str(cluster.kubectl_path), f"--kubeconfig={cluster.kubeconfig}"]
    command = [*kubectl, "get", "pod", name, "-n", namespace, "--watch", "-o", f"jsonpath={STATE}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        limit = threading.Timer(LONGEST_S, following.kill)
        limit.start()
        try:
            for line in following.stdout:
                phase, _, ready = line.strip().partition(" ")
                if ready == "True" or phase in ("Failed", "Succeeded"):
                    return ready == "True"
        finally:
            limit.cancel()
            following.kill()
    raise AssertionError(f"{name}: neither Ready nor ended within {LONGEST_S} s")
