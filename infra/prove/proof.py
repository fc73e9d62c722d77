"""The proof: from stacks to a verdict."""

import gc
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from infra.prove.cloud_identities import judge_cloud_identities
from infra.prove.cloud_network import judge_cloud_network
from infra.prove.cluster import read_clusters, read_of_pods
from infra.prove.cluster_identities import judge_cluster_identities
from infra.prove.declared import Declared, Findings
from infra.prove.edge import judge_edge
from infra.prove.kinds import unknown_kinds
from infra.prove.packets import judge_packets
from infra.prove.verdict import Verdict
from policies.record import Secret, Stack, Unknown

_NETWORK = (
    "Clusters enforce NetworkPolicies as Kubernetes defines them, and only these: a pod's own node may reach it (its "
    "probes), and nodes, the control plane and the container runtime are sound."
)
_PROGRAMS = (
    "Programs are what their images' digests say: gateway and supervisor pass on what carries an edge token for that "
    "very agent, the Worker signs one only for whose key, token or certificate it found, and the control plane keeps "
    "tenants' rows apart."
)
_ASSUMED = (
    _NETWORK,
    _PROGRAMS,
    "Nothing but what these stacks declare is put into the namespaces, accounts and zones they declare.",
    "A provider of the same name is the same cluster or account in every stack.",
    "Cloudflare and AWS keep what they promise; a tunnel is dialled from inside, and brings in what the edge sends.",
    "Models' weights are public to every tenant, read-only.",
)


def prove(stacks: Sequence[Stack]) -> Verdict:
    """Whether the claims hold of what these stacks declare together: leave none out that belongs to the fleet."""
    with _uncollected():
        return _prove(stacks)


@contextmanager
def _uncollected() -> Iterator[None]:
    """A proof makes much that lives until its end: looking through it for garbage took longer than the proof."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _prove(stacks: Sequence[Stack]) -> Verdict:
    declared, findings = Declared(stacks), Findings(assumptions=set(_ASSUMED))
    for urn, type_ in unknown_kinds(declared):
        findings.missed(urn, "type", f"{type_} is of a kind the proof does not know")
    clusters = read_clusters(declared, findings)
    ways = sum(judge_packets(each, findings) for each in clusters)
    for each in clusters:
        judge_cluster_identities(declared, each, findings)
    judge_cloud_identities(declared, findings)
    judge_cloud_network(declared, findings)
    judge_edge(declared, findings)
    if not declared.tenants:
        findings.missed("", "stacks", "declare no tenant: there is nothing to prove apart")
    read = read_of_pods(clusters)
    return Verdict(
        inputs={stack.name: _digest(stack, read) for stack in declared.stacks},
        counted={
            "tenants": len(declared.tenants),
            "clusters": len(clusters),
            "kinds of pods": sum(len(each.pods) for each in clusters),
            "network policies": sum(len(each.policies) for each in clusters),
            "ways between pods": ways,
            "resources": sum(len(stack.resources) for stack in declared.stacks),
        },
        assumptions=tuple(sorted(findings.assumptions)),
        breaches=tuple(sorted(findings.breaches, key=lambda each: (len(each.path), each))),
        unmodelled=tuple(sorted(findings.unmodelled)),
    )


def _digest(stack: Stack, read_of: Mapping[str, object]) -> str:
    """A digest of all the proof reads of a stack: of some resources what `read_of` says, of the rest everything."""
    read = [
        (each.urn, each.provider, read_of.get(each.urn, each.inputs), each.property_dependencies)
        for each in sorted(stack.resources, key=lambda one: one.urn)
    ]
    whole = json.dumps([stack.name, stack.kind, stack.outputs.get("mesh"), read], sort_keys=True, default=_plain)
    return hashlib.sha256(whole.encode()).hexdigest()


def _plain(value: object) -> object:
    match value:
        case Unknown(why=why, text=text):
            return {"$unknown": why, "$text": text}
        case Secret(digest=digest):
            return {"$secret": digest}
        case Mapping():
            return dict(value)
        case _:
            raise TypeError(f"{type(value).__name__} is no value of a record")
