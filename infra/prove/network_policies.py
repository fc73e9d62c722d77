"""NetworkPolicies as facts.

https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/ (2026-11)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from infra.prove.addresses import Addresses, networks
from infra.prove.ports import PortRule, read_ports
from infra.prove.problems import UnmodelledError
from infra.prove.selectors import EVERYTHING, Selector, read_selector

Direction = Literal["ingress", "egress"]


@dataclass(frozen=True)
class Peer:
    """Who a rule speaks of: pods in namespaces, or addresses. `namespace` is a policy's own, where none is selected."""

    namespaces: Selector | None = None
    namespace: str | None = None
    pods: Selector | None = None
    block: Addresses | None = None

    def __str__(self) -> str:
        if self.block is not None:
            return str(self.block)
        if self.pods is None:
            return "everyone"
        place = f"namespace {self.namespace}" if self.namespaces is None else f"namespaces with {self.namespaces}"
        return f"pods with {self.pods} in {place}"


EVERYONE = Peer()


@dataclass(frozen=True)
class Allowed:
    """One peer of one rule, and the ports it opens to that peer; `field` is the rule's place in its policy."""

    peer: Peer
    ports: tuple[PortRule, ...] | None
    field: str


@dataclass(frozen=True)
class NetworkPolicy:
    """A policy: which pods of its namespace, and what it opens for them; None is a direction it leaves alone."""

    urn: str
    name: str
    namespace: str
    selector: Selector
    ingress: tuple[Allowed, ...] | None
    egress: tuple[Allowed, ...] | None

    def opened(self, direction: Direction) -> tuple[Allowed, ...] | None:
        """What it opens in a direction."""
        return self.ingress if direction == "ingress" else self.egress


def read_policy(urn: str, manifest: Mapping[str, Any]) -> NetworkPolicy:
    """A policy as it is declared. Raises UnmodelledError for what is not known or not understood."""
    metadata, spec = manifest.get("metadata"), manifest.get("spec")
    if not isinstance(metadata, Mapping) or not isinstance(spec, Mapping):
        raise UnmodelledError(urn, "spec", "is not known")
    namespace = metadata.get("namespace") or "default"
    if type(namespace) is not str:
        raise UnmodelledError(urn, "metadata.namespace", "is not known")
    types = spec.get("policyTypes")
    if not types:  # as the API server fills it in
        types = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    if not isinstance(types, list | tuple) or not set(types) <= {"Ingress", "Egress"}:
        raise UnmodelledError(urn, "spec.policyTypes", "is not known")
    ingress = tuple(_rules(urn, namespace, spec, "ingress", "from")) if "Ingress" in types else None
    egress = tuple(_rules(urn, namespace, spec, "egress", "to")) if "Egress" in types else None
    selector = read_selector(spec.get("podSelector") or {}, urn, "spec.podSelector")
    return NetworkPolicy(urn, str(metadata.get("name")), namespace, selector, ingress, egress)


def _rules(urn: str, namespace: str, spec: Mapping[str, Any], direction: Direction, peers: str) -> Iterator[Allowed]:
    rules = spec.get(direction) or ()
    if not isinstance(rules, list | tuple):
        raise UnmodelledError(urn, f"spec.{direction}", "is not known")
    for at, rule in enumerate(rules):
        field = f"spec.{direction}[{at}]"
        if not isinstance(rule, Mapping) or (extra := set(rule) - {"ports", peers}):
            raise UnmodelledError(urn, field, "is not known" if not isinstance(rule, Mapping) else f"has {extra}")
        ports = read_ports(rule.get("ports"), urn, f"{field}.ports")
        listed = rule.get(peers)
        if listed is None or (isinstance(listed, list | tuple) and not listed):
            yield Allowed(EVERYONE, ports, field)  # no list, and an empty one, let everyone through
            continue
        if not isinstance(listed, list | tuple):
            raise UnmodelledError(urn, f"{field}.{peers}", "is not known")
        for index, peer in enumerate(listed):
            where = f"{field}.{peers}[{index}]"
            yield Allowed(_peer(urn, namespace, peer, where), ports, where)


def _peer(urn: str, namespace: str, value: Any, field: str) -> Peer:
    if not isinstance(value, Mapping) or not value or set(value) - {"ipBlock", "namespaceSelector", "podSelector"}:
        raise UnmodelledError(urn, field, "is not known or no peer")
    block = value.get("ipBlock")
    if block is not None:
        if len(value) != 1 or not isinstance(block, Mapping):
            raise UnmodelledError(urn, field, "has selectors beside an ipBlock, or one that is not known")
        return Peer(block=_block(urn, block, f"{field}.ipBlock"))
    pods = value.get("podSelector")
    selected = EVERYTHING if pods is None else read_selector(pods, urn, f"{field}.podSelector")
    spaces = value.get("namespaceSelector")
    if spaces is None:
        return Peer(namespace=namespace, pods=selected)
    return Peer(namespaces=read_selector(spaces, urn, f"{field}.namespaceSelector"), pods=selected)


def _block(urn: str, block: Mapping[str, Any], field: str) -> Addresses:
    try:
        return _between(block["cidr"], *(block.get("except") or ()))
    except (KeyError, TypeError, ValueError):
        raise UnmodelledError(urn, field, "has a range that is not known or none") from None


@cache
def _between(cidr: str, *excepted: str) -> Addresses:
    return networks([cidr]) - networks(excepted)
