"""network-config-analyzer (np-guard) as an oracle: in an environment of its own, kept by the digest of its lock."""

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import yaml
from uv import find_uv_bin

from infra.local.cache import cache_root, digest_of, locked
from tests.infra.prove.generated import PROBES, Scenario
from tests.stack_files import PROJECT

LOCK = PROJECT / "requirements" / "oracle.txt"
_EVERYTHING = "All connections"
_PART = re.compile(r"\{protocols:(?P<protocols>[A-Z]+(?:, [A-Z]+)*)(?:,dst_ports:(?P<ports>[\d,-]+))?\}")
"""Protocols, and ports where not all of them are open: 80,443-943."""


@cache
def installed() -> Path:
    """The program. It is installed where the cache has no environment of this very lock: some seconds."""
    folder = cache_root() / "oracles" / digest_of([LOCK.read_bytes(), sys.version])
    with locked(folder.with_suffix(".lock"), lambda _: None, "network-config-analyzer"):
        if not (folder / "done").exists():
            uv = find_uv_bin()
            for command in (
                ["venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
                ["pip", "sync", "--quiet", "--python", str(folder), "--require-hashes", str(LOCK)],
            ):
                subprocess.run([uv, *command], check=True)
            (folder / "done").touch()
    return folder / "bin" / "nca"


def namespace(name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """A namespace's manifest."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(labels)}}


def pod(name: str, space: str, labels: Mapping[str, str], named: Mapping[str, int]) -> dict[str, Any]:
    """A pod's manifest. Its name is a label too: of pods that are the same it would look at two only."""
    ports = [{"name": each, "containerPort": number, "protocol": "TCP"} for each, number in named.items()]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": space, "labels": {**labels, "pod": name}},
        "spec": {"containers": [{"name": "main", "image": "main", "ports": ports}]},
    }


def comparable(scenario: Scenario) -> Scenario:
    """The same cluster without what the analyzer reads otherwise than Kubernetes does.

    Its blocks of addresses are never pods: here they hold none. A name is a port of one protocol: here of TCP. Beside a
    namespaceSelector it looks for Exists and DoesNotExist in the policy's own namespace alone: here there are none.
    """
    policies = json.loads(json.dumps(scenario.policies).replace("0.0.0.0/0", "8.0.0.0/6"))
    for policy in policies:
        for rule in (*policy["spec"].get("ingress", ()), *policy["spec"].get("egress", ())):
            for peer in (*rule.get("from", ()), *rule.get("to", ())):
                if "namespaceSelector" in peer:
                    _drop_existence(peer.get("podSelector", {}))
    pods = tuple(each if each.get("external") else _comparable_pod(each) for each in scenario.pods)
    return replace(scenario, policies=tuple(policies), pods=pods)


def _drop_existence(selector: dict[str, Any]) -> None:
    if any(not each.get("values") for each in selector.get("matchExpressions", ())):
        del selector["matchExpressions"]


def _comparable_pod(each: dict[str, Any]) -> dict[str, Any]:
    return {**each, "ip": each["ip"].replace("10.0.", "172.16."), "protocols": ("TCP",)}


def answers(scenarios: Sequence[Scenario], folder: Path) -> list[str]:
    """What it says of each, in the form of `Scenario.answered`; a pod always reaches itself, and so do hosts."""
    configs, queries = [], []
    for at, each in enumerate(scenarios):
        source, said = folder / f"{at}.yaml", folder / f"{at}.txt"
        source.write_text(yaml.safe_dump_all(_manifests(each, at)))
        form = {"outputFormat": "txt_no_fw_rules", "outputEndpoints": "pods", "outputPath": str(said)}
        configs.append({"name": f"set-{at}", "resourceList": [str(source)]})
        queries.append({"name": f"map-{at}", "connectivityMap": [f"set-{at}"], "outputConfiguration": form})
    scheme = folder / "scheme.yaml"
    scheme.write_text(yaml.safe_dump({"networkConfigList": configs, "queries": queries}))
    subprocess.run([installed(), "--scheme", scheme], capture_output=True, check=True)
    return [_Read(each, (folder / f"{at}.txt").read_text(), at).answered() for at, each in enumerate(scenarios)]


def _manifests(scenario: Scenario, at: int) -> Iterator[Mapping[str, Any]]:
    """A cluster's manifests. Pods of one name are one in all clusters of a run, so namespaces are numbered."""
    for name, labels in scenario.spaces.items():
        yield namespace(f"{name}-{at}", labels)
    for number, each in enumerate(scenario.pods):
        if not each.get("external"):
            yield pod(f"pod-{number}", f"{each['namespace']}-{at}", each["labels"], each["ports"])
    for policy in scenario.policies:
        metadata = policy["metadata"]
        yield {**policy, "metadata": {**metadata, "namespace": f"{metadata['namespace']}-{at}"}}


@dataclass(frozen=True)
class _Read:
    """What it printed of one cluster: lines of `<pod or addresses> => <pod or addresses> : <what is open>`."""

    scenario: Scenario
    text: str
    at: int

    def answered(self) -> str:
        opened = self._opened()
        numbers = range(len(self.scenario.pods))
        return " ".join(
            "".join(
                str(int(source == target or any(each(port, protocol) for each in opened[source, target])))
                for source in numbers
                for target in numbers
            )
            for port, protocol in PROBES
        )

    def _opened(self) -> Mapping[tuple[int, int], list[Callable[[int, str], bool]]]:
        found: dict[tuple[int, int], list[Callable[[int, str], bool]]] = defaultdict(list)
        for line in self.text.splitlines():
            if line.strip():
                source, target, what = re.split(" => | : ", line)
                for pair in ((one, other) for one in self._of(source) for other in self._of(target)):
                    found[pair].append(_opens(what))
        return found

    def _of(self, name: str) -> Iterable[int]:
        """The pod of a name, or the hosts in ranges of addresses."""
        for number, each in enumerate(self.scenario.pods):
            if each.get("external"):
                if name[0].isdigit() and _within(each["ip"], name):
                    yield number
            elif name == f"{each['namespace']}-{self.at}/pod-{number}":
                yield number


def _within(address: str, ranges: str) -> bool:
    bounds = (each.strip().partition("-") for each in ranges.split(","))
    return any(IPv4Address(low) <= IPv4Address(address) <= IPv4Address(high or low) for low, _, high in bounds)


def _opens(what: str) -> Callable[[int, str], bool]:
    """Whether a port of a protocol is open, by the words for what is. Raises ValueError for other words."""
    if what == _EVERYTHING:
        return lambda _port, _protocol: True
    parts = list(_PART.finditer(what))
    if ",".join(each[0] for each in parts) != what:
        raise ValueError(f"{what}: words of network-config-analyzer that are not known here")

    def opens(port: int, protocol: str) -> bool:
        return any(
            protocol in each["protocols"].split(", ") and (each["ports"] is None or _holds(each["ports"], port))
            for each in parts
        )

    return opens


def _holds(ports: str, port: int) -> bool:
    bounds = (each.partition("-") for each in ports.split(","))
    return any(int(low) <= port <= int(high or low) for low, _, high in bounds)
