"""Packets on a real cluster: pods made to be asked which of them reach which, and taken away again."""

import json
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.contract import labels

MADE_BY = f"{labels.DOMAIN}/probe"
"""The label of every object a probe makes."""
_USER = 10001
_READY_S = 180
_SETTLED_S = 60
_ASKED_AT_ONCE = 4
_SERVE = "for port in $PORTS; do httpd -p $port -h /tmp; done; exec sleep 2147483647"
_ASK = """while read name address port; do
  (nc -w 2 $address $port </dev/null >/dev/null 2>&1 && echo "$name $port") &
done; wait"""


class LiveError(Exception):
    """The cluster does not do what is asked. The message says what it said."""


@dataclass(frozen=True)
class LivePod:
    """A pod to make: `key` is what it is called in answers, `ports` those it listens on, `named` their names."""

    key: str
    namespace: str
    labels: Mapping[str, str]
    ports: tuple[int, ...]
    named: Mapping[str, int]


@dataclass(frozen=True)
class Live:
    """A cluster, and the image of pods made in it: busybox's `httpd`, `nc` and `sh` must be in it."""

    kubectl: Path
    kubeconfig: Path
    image: str

    @contextmanager
    def pods(self, namespaces: Mapping[str, Mapping[str, str]], pods: Sequence[LivePod]) -> Iterator[dict[str, str]]:
        """Make the pods, and namespaces that are not there; their addresses by key. All of it goes at the end.

        Raises LiveError if the cluster refuses one or doesn't run it in time.
        """
        self._require_alone()
        there = set(self._names("namespaces"))
        fresh = [name for name in namespaces if name not in there]
        names = {each.key: f"probe-{at}" for at, each in enumerate(pods)}
        try:
            self._apply(_namespace(name, namespaces[name]) for name in fresh)
            for name in namespaces:
                self._run("wait", "--for=create", "serviceaccount/default", "-n", name, f"--timeout={_READY_S}s")
            self._apply(_pod(names[each.key], each, self.image) for each in pods)
            for name in sorted({each.namespace for each in pods}):
                chosen = ("pod", "-l", MADE_BY, "-n", name, f"--timeout={_READY_S}s")
                self._run("wait", "--for=condition=ContainersReady", *chosen)
            yield self._addresses(pods, names)
        finally:
            if fresh:
                self._run("delete", "namespace", *fresh, "--wait=false", "--ignore-not-found")
            for name in sorted({each.namespace for each in pods} - set(fresh)):
                self._run("delete", "pod", "-l", MADE_BY, "-n", name, "--wait=false", "--grace-period=0", "--force")

    def _require_alone(self) -> None:
        """Wait for what an earlier probe is still taking away; one that is at work, or was cut off, is an error."""
        listed = json.loads(self._run("get", "namespaces", "-l", MADE_BY, "-o", "json"))["items"]
        if working := [each["metadata"]["name"] for each in listed if each["status"]["phase"] != "Terminating"]:
            remedy = f"wait for it, or delete the namespaces labelled {MADE_BY} that one left that was cut off"
            raise LiveError(f"another probe has made {', '.join(working)}: {remedy}")
        for each in listed:
            self._run("wait", "--for=delete", f"namespace/{each['metadata']['name']}", f"--timeout={_READY_S}s")

    def _addresses(self, pods: Sequence[LivePod], names: Mapping[str, str]) -> dict[str, str]:
        found: dict[str, str] = {}
        listed = json.loads(self._run("get", "pods", "-A", "-l", MADE_BY, "-o", "json"))["items"]
        by_name = {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in listed}
        for each in pods:
            found[each.key] = by_name[each.namespace, names[each.key]]["status"]["podIP"]
        return found

    @contextmanager
    def policies(self, manifests: Sequence[Mapping[str, Any]]) -> Iterator[None]:
        """Put policies in force, in namespaces a probe has made; they go with them."""
        self._apply(manifests)
        yield

    def made(self, manifests: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Those of some manifests whose namespace a probe has made."""
        listed = json.loads(self._run("get", "namespaces", "-l", MADE_BY, "-o", "json"))["items"]
        fresh = {each["metadata"]["name"] for each in listed}
        return [each for each in manifests if each["metadata"]["namespace"] in fresh]

    def reached(
        self, pods: Sequence[LivePod], addresses: Mapping[str, str], among: Iterable[Sequence[str]] | None = None
    ) -> set[tuple[str, str, int]]:
        """Who gets a TCP connection to whom at which port: (source, target, port). `among` are the groups to ask in."""
        groups = [tuple(each.key for each in pods)] if among is None else [tuple(each) for each in among]
        by_key = {each.key: (at, each) for at, each in enumerate(pods)}
        asked = [(source, group) for group in groups for source in group]

        def ask(source: str, group: tuple[str, ...]) -> set[tuple[str, str, int]]:
            lines = [
                f"{one} {addresses[one]} {port}" for one in group for port in by_key[one][1].ports if one != source
            ]
            at, pod = by_key[source]
            place = ("exec", "-i", f"probe-{at}", "-n", pod.namespace, "--", "sh", "-c", _ASK)
            said = self._run(*place, stdin="\n".join(lines) + "\n")
            return {(source, name, int(port)) for name, port in (line.split() for line in said.splitlines())}

        with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
            return set().union(*pool.map(lambda one: ask(*one), asked))

    def settled(
        self,
        pods: Sequence[LivePod],
        addresses: Mapping[str, str],
        expected: set[tuple[str, str, int]],
        among: Iterable[Sequence[str]] | None = None,
    ) -> set[tuple[str, str, int]]:
        """What `reached` says once it is what is expected, or after a minute: policies take effect when they do."""
        groups = None if among is None else [tuple(each) for each in among]
        until = time.monotonic() + _SETTLED_S
        while True:
            found = self.reached(pods, addresses, groups)
            if found == expected or time.monotonic() > until:
                return found

    def _names(self, kind: str) -> list[str]:
        return [each.partition("/")[2] for each in self._run("get", kind, "-o", "name").split()]

    def _apply(self, manifests: Iterable[Mapping[str, Any]]) -> None:
        items = list(manifests)
        if items:
            self._run("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))

    def _run(self, *arguments: str, stdin: str | None = None) -> str:
        command = [str(self.kubectl), f"--kubeconfig={self.kubeconfig}", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LiveError(f"kubectl {' '.join(arguments[:2])}: {done.stderr.strip()[-500:]}")
        return done.stdout


def _namespace(name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {**labels, MADE_BY: "true"}}}


def _pod(name: str, pod: LivePod, image: str) -> dict[str, Any]:
    """Pod Security `restricted`; the one sysctl it sets lets it listen on any port without a right to."""
    context = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    names = {number: label for label, number in pod.named.items()}
    listening = [
        {"containerPort": port, **({"name": names[port]} if port in names else {})}
        for port in sorted({*pod.ports, *pod.named.values()})
    ]
    container = {
        "name": "probe",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-c", _SERVE],
        "env": [{"name": "PORTS", "value": " ".join(map(str, pod.ports))}],
        "ports": listening,
        "securityContext": context,
        "resources": {"limits": {"memory": "32Mi"}, "requests": {"cpu": "1m"}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108  # a path in the pod
    }
    spec = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 0,
        # Nobody ever grants this: so no Service sends a customer here, whatever labels the pod has.
        "readinessGates": [{"conditionType": MADE_BY}],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
            "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}],
        },
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    metadata = {"name": name, "namespace": pod.namespace, "labels": {**pod.labels, MADE_BY: "true"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
