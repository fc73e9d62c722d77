"""Generated namespaces, pods and policies, and what a naive reading of the API's rules says of them."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from infra.prove.addresses import NOWHERE, network
from infra.prove.network_policies import read_policy
from infra.prove.pods import Pods, Workload
from infra.prove.selectors import NAME_LABEL

PROTOCOLS = ("TCP", "UDP")
PROBES = tuple((port, protocol) for port in (80, 81, 443, 8080, 53) for protocol in PROTOCOLS)
NAMES = {"web": 80, "alt": 8080, "dns": 53}
_KEYS, _VALUES = ("app", "tier", "team"), ("a", "b", "c")
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
_BLOCKS = (("10.0.0.0/16", "10.0.1.0/24"), ("0.0.0.0/0", "10.0.0.0/22"), ("10.0.2.0/23", "10.0.2.0/24"))


@dataclass(frozen=True)
class Scenario:
    """A cluster as the oracle reads it: `pods` have namespace, labels, ip and named ports; hosts have only an ip."""

    spaces: Mapping[str, Mapping[str, str]]
    pods: tuple[dict[str, Any], ...]
    policies: tuple[dict[str, Any], ...]

    def asked(self) -> dict[str, Any]:
        """What the oracle is asked."""
        pods = [
            each
            if each.get("external")
            else {**each, "namespaceLabels": {**self.spaces[each["namespace"]], NAME_LABEL: each["namespace"]}}
            for each in self.pods
        ]
        probes = [{"port": port, "protocol": protocol} for port, protocol in PROBES]
        return {"policies": list(self.policies), "pods": pods, "probes": probes}

    def answered(self) -> str:
        """What the proof's model says, in the oracle's form."""
        workloads = [_workload(at, each) for at, each in enumerate(self.pods)]
        policies = [read_policy(f"policy-{at}", each) for at, each in enumerate(self.policies)]
        pods = Pods(self.spaces, workloads, policies)
        place = {member.urn: at for at, each in enumerate(pods.classes) for member in each.members}
        where = [place[each.urn] for each in workloads]
        return " ".join(
            "".join(str(int(pods.passes(source, target, protocol, port))) for source in where for target in where)
            for port, protocol in PROBES
        )

    def naively(self) -> str:
        """What rule after rule, pod after pod, comes to."""
        return " ".join(
            "".join(str(int(self._passes(one, other, port, protocol))) for one in self.pods for other in self.pods)
            for port, protocol in PROBES
        )

    def _passes(self, source: dict[str, Any], target: dict[str, Any], port: int, protocol: str) -> bool:
        return self._lets(source, target, "egress", "to", target, port, protocol) and self._lets(
            target, source, "ingress", "from", target, port, protocol
        )

    def _lets(
        self, held: dict[str, Any], peer: dict[str, Any], way: str, peers: str, at: dict[str, Any], port: int, kind: str
    ) -> bool:
        if held.get("external"):
            return True
        holding = [
            each["spec"]
            for each in self.policies
            if each["metadata"]["namespace"] == held["namespace"]
            and _selected(each["spec"]["podSelector"], held["labels"])
            and (way.capitalize() in each["spec"]["policyTypes"])
        ]
        rules = [rule for spec in holding for rule in spec.get(way, [])]
        return not holding or any(
            (not rule.get("ports") or any(_port(one, at, port, kind) for one in rule["ports"]))
            and (not rule.get(peers) or any(self._is(spec, peer) for spec in self._with_space(rule[peers], held)))
            for rule in rules
        )

    @staticmethod
    def _with_space(peers: list[dict[str, Any]], held: dict[str, Any]) -> list[dict[str, Any]]:
        return [{**each, "own": held["namespace"]} for each in peers]

    def _is(self, peer: dict[str, Any], pod: dict[str, Any]) -> bool:
        if "ipBlock" in peer:
            address, block = ip_address(pod["ip"]), peer["ipBlock"]
            inside = address in ip_network(block["cidr"])
            return inside and not any(address in ip_network(each) for each in block.get("except", []))
        if pod.get("external"):
            return False
        if "namespaceSelector" in peer:
            labels = {**self.spaces[pod["namespace"]], NAME_LABEL: pod["namespace"]}
            right = _selected(peer["namespaceSelector"], labels)
        else:
            right = pod["namespace"] == peer["own"]
        return right and _selected(peer.get("podSelector", {}), pod["labels"])


def _selected(selector: dict[str, Any], labels: Mapping[str, str]) -> bool:
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for each in selector.get("matchExpressions", []):
        key, values = each["key"], each.get("values", [])
        truth = {
            "In": labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }
        if not truth[each["operator"]]:
            return False
    return True


def _port(rule: dict[str, Any], at: dict[str, Any], port: int, protocol: str) -> bool:
    if rule.get("protocol", "TCP") != protocol:
        return False
    wanted = rule.get("port")
    if wanted is None:
        return True
    if isinstance(wanted, str):
        return bool(at.get("ports", {}).get(wanted) == port)
    return bool(wanted <= port <= rule.get("endPort", wanted))


def _workload(at: int, pod: dict[str, Any]) -> Workload:
    # cyclonus knows a port by its name and number alone: a name is one of each protocol, unless the pod says of which.
    protocols = pod.get("protocols", PROTOCOLS)
    named = frozenset((name, each, number) for name, number in pod.get("ports", {}).items() for each in protocols)
    return Workload(
        name=f"pod-{at}",
        urn=f"pod-{at}",
        namespace=pod.get("namespace"),
        labels=pod.get("labels", {}),
        addresses=network(f"{pod['ip']}/32") if pod["ip"] else NOWHERE,
        named=named,
    )


def scenario(seed: int) -> Scenario:
    """A cluster of a few namespaces, the same from the same seed; every second one for the oracle too.

    Where a label is missing, NotIn matches for the API server and not for cyclonus: sets with an even seed either have
    every label everywhere or no NotIn.
    """
    return _Maker(seed).scenario()


@dataclass
class _Maker:
    seed: int

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311  # nothing here is secret
        self.all_labels = self.seed % 4 == 0
        self.operators = _OPERATORS if self.seed % 4 != 2 else tuple(each for each in _OPERATORS if each != "NotIn")

    def scenario(self) -> Scenario:
        chance = self.chance
        spaces = {f"ns{at}": self._labels() for at in range(chance.randint(1, 3))}
        pods: list[dict[str, Any]] = [
            {
                "namespace": chance.choice(list(spaces)),
                "labels": self._labels(),
                "ip": f"10.0.{chance.randint(0, 3)}.{at + 1}",
                "ports": dict(chance.sample(sorted(NAMES.items()), chance.randint(0, 2))),
            }
            for at in range(chance.randint(2, 6))
        ]
        pods.append({"ip": chance.choice(("8.8.8.8", "10.9.9.9", "192.168.1.1")), "external": True})
        policies = tuple(self._policy(at, list(spaces)) for at in range(chance.randint(0, 5)))
        return Scenario(spaces, tuple(pods), policies)

    def _labels(self) -> dict[str, str]:
        keys = _KEYS if self.all_labels else self.chance.sample(_KEYS, self.chance.randint(0, len(_KEYS)))
        return {key: self.chance.choice(_VALUES) for key in keys}

    def _policy(self, at: int, spaces: list[str]) -> dict[str, Any]:
        types = self.chance.choice((["Ingress"], ["Egress"], ["Ingress", "Egress"]))
        spec: dict[str, Any] = {"podSelector": self._selector(), "policyTypes": types}
        for way, peers in (("ingress", "from"), ("egress", "to")):
            if way.capitalize() in types and self.chance.random() < 0.8:
                spec[way] = [self._rule(peers) for _ in range(self.chance.randint(0, 2))]
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": f"policy-{at}", "namespace": self.chance.choice(spaces)},
            "spec": spec,
        }

    def _rule(self, peers: str) -> dict[str, Any]:
        rule: dict[str, Any] = {}
        if self.chance.random() < 0.7:
            rule["ports"] = [self._port() for _ in range(self.chance.randint(1, 2))]
        if self.chance.random() < 0.85:
            rule[peers] = [self._peer() for _ in range(self.chance.randint(1, 2))]
        return rule

    def _port(self) -> dict[str, Any]:
        protocol = self.chance.choice(({}, {"protocol": "TCP"}, {"protocol": "UDP"}))
        match self.chance.randint(0, 3):
            case 0:
                return {"protocol": self.chance.choice(PROTOCOLS)}
            case 1:
                return {**protocol, "port": self.chance.choice(list(NAMES))}
            case 2:
                first = self.chance.choice((79, 80, 443))
                return {**protocol, "port": first, "endPort": first + self.chance.choice((0, 1, 500))}
            case _:
                return {**protocol, "port": self.chance.choice((53, 80, 81, 8080))}

    def _peer(self) -> dict[str, Any]:
        match self.chance.randint(0, 3):
            case 0:
                cidr, inside = self.chance.choice(_BLOCKS)
                return {"ipBlock": {"cidr": cidr, **({"except": [inside]} if self.chance.random() < 0.5 else {})}}
            case 1:
                return {"podSelector": self._selector()}
            case 2:
                return {"namespaceSelector": self._selector()}
            case _:
                return {"namespaceSelector": self._selector(), "podSelector": self._selector()}

    def _selector(self) -> dict[str, Any]:
        selector: dict[str, Any] = {}
        if self.chance.random() < 0.5:
            selector["matchLabels"] = {self.chance.choice(_KEYS): self.chance.choice(_VALUES)}
        if self.chance.random() < 0.4:
            operator = self.chance.choice(self.operators)
            listed = operator in {"In", "NotIn"}
            values = {"values": self.chance.sample(_VALUES, self.chance.randint(1, 2))} if listed else {}
            selector["matchExpressions"] = [{"key": self.chance.choice(_KEYS), "operator": operator, **values}]
        return selector
