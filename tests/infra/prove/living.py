"""Generated clusters as real pods, many of them in one cluster at once."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from infra.prove.live import LivePod
from tests.infra.prove.generated import NAMES, PROBES, Scenario, scenario

PORTS = tuple(port for port, protocol in PROBES if protocol == "TCP")


def living(seeds: Sequence[int]) -> list[Scenario]:
    """Clusters whose namespaces have names of their own, without what is no pod."""
    return [_renamed(scenario(seed), f"set{at}-") for at, seed in enumerate(seeds)]


def _renamed(made: Scenario, prefix: str) -> Scenario:
    spaces = {f"{prefix}{name}": {**labels, "set": prefix.strip("-")} for name, labels in made.spaces.items()}
    pods = [{**each, "namespace": f"{prefix}{each['namespace']}"} for each in made.pods if not each.get("external")]
    policies = [
        {**each, "metadata": {**each["metadata"], "namespace": f"{prefix}{each['metadata']['namespace']}"}}
        for each in made.policies
    ]
    return Scenario(spaces, tuple(pods), tuple(part for each in policies for part in _parted(each)))


def _parted(policy: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One policy for each direction, which says the same, and numbers for the names of ports packets go out to.

    The lab's kube-router (2.2.1) lets a packet out by a rule of the same policy that lets it in, if that selects both
    ends; and a way out to a port's name, to nobody in particular, is one to every port.
    """
    for way in policy["spec"]["policyTypes"]:
        rules = copy.deepcopy(policy["spec"].get(way.lower(), []))
        for port in (port for rule in rules if way == "Egress" for port in rule.get("ports", [])):
            port |= {"port": NAMES[port["port"]]} if isinstance(port.get("port"), str) else {}
        metadata = {**policy["metadata"], "name": f"{policy['metadata']['name']}-{way.lower()}"}
        spec = {"podSelector": policy["spec"]["podSelector"], "policyTypes": [way], way.lower(): rules}
        yield {**policy, "metadata": metadata, "spec": spec}


def pods_of(made: Scenario, at: int) -> list[LivePod]:
    """A cluster's pods, called by its number and theirs."""
    return [
        LivePod(
            f"{at}.{number}", each["namespace"], each["labels"], PORTS, {name: NAMES[name] for name in each["ports"]}
        )
        for number, each in enumerate(made.pods)
    ]


def expected(made: Scenario, at: int, addresses: dict[str, str]) -> set[tuple[str, str, int]]:
    """What the proof's model says of a cluster whose pods have these addresses."""
    pods = tuple({**each, "ip": addresses[f"{at}.{number}"]} for number, each in enumerate(made.pods))
    answers = dict(zip(PROBES, replace(made, pods=pods).answered().split(), strict=True))
    many = len(pods)
    return {
        (f"{at}.{one // many}", f"{at}.{one % many}", port)
        for port in PORTS
        for one, said in enumerate(answers[port, "TCP"])
        if said == "1" and one // many != one % many
    }
