"""`moltghost probe`: the proof's claims on packets, seen on a real cluster by pods that are made and removed."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from infra.prove.addresses import network
from infra.prove.cluster import Cluster, read_clusters
from infra.prove.command import REFUSED, recorded
from infra.prove.declared import Declared, Findings, cluster_of, mapping
from infra.prove.live import Live, LiveError, LivePod
from infra.prove.pods import Pods, Workload
from runtime.contract import labels, ports

_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
_STRANGER = "default"
_PORTS = (ports.GATEWAY, ports.AGENT, ports.AGENT_OPS)
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
Packet = tuple[str, str, int]


@dataclass(frozen=True)
class Rehearsal:
    """What of a cluster is tried: one pod of each kind its policies tell apart, and one of nobody's."""

    cluster: Cluster
    pods: list[LivePod]
    policies: list[dict[str, Any]]

    def namespaces(self) -> dict[str, Mapping[str, str]]:
        """Labels of the namespaces the pods are in."""
        return {each.namespace: self.cluster.spaces.get(each.namespace, {}) for each in self.pods}

    def expected(self, addresses: Mapping[str, str]) -> set[Packet]:
        """What the declared policies let through between pods of these addresses."""
        workloads = [
            Workload(
                name=each.key,
                urn=each.key,
                namespace=each.namespace,
                labels=each.labels,
                addresses=network(f"{addresses[each.key]}/32"),
                named=frozenset((name, "TCP", number) for name, number in each.named.items()),
            )
            for each in self.pods
        ]
        pods = Pods({**self.cluster.spaces, _STRANGER: {}}, workloads, self.cluster.policies)
        place = {member.name: at for at, each in enumerate(pods.classes) for member in each.members}
        return {
            (one.key, other.key, port)
            for one in self.pods
            for other in self.pods
            for port in other.ports
            if one is not other and pods.passes(place[one.key], place[other.key], "TCP", port)
        }


def rehearsal(declared: Declared, cluster: Cluster, most: int) -> Rehearsal:
    """The pods to make for a cluster: `most` at most, tenants' before the platform's."""
    there = [each.workload for each in cluster.pods if each.workload.namespace in cluster.spaces]
    # A DaemonSet takes pods for its own that have its labels, and ends those it did not want.
    workloads = [each for each in there if not each.on_host and ":DaemonSet::" not in each.urn]
    workloads.sort(key=lambda each: (cluster.tenant(each.namespace) is None, each.urn))
    classes = Pods(cluster.spaces, [replace(each, urn=each.name) for each in workloads], cluster.policies).classes
    pods = [_pod(each.first) for each in classes][:most]
    stranger = {labels.ROLE: labels.ROLE_GATEWAY}
    pods.append(LivePod("a stranger labelled as a gateway", _STRANGER, stranger, _PORTS, {}))
    spaces = {each.namespace for each in pods}
    manifests = [
        mapping(each.inputs, each.urn, "") for each in declared.of(_POLICY) if cluster_of(each) == cluster.name
    ]
    policies = [_bare(each) for each in manifests if each["metadata"].get("namespace") in spaces]
    return Rehearsal(cluster, pods, policies)


def _pod(workload: Workload) -> LivePod:
    named = {name: number for name, protocol, number in workload.named if protocol == "TCP"}
    return LivePod(f"{workload.namespace}/{workload.name}", workload.namespace or "", workload.labels, _PORTS, named)


def _bare(manifest: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in manifest["metadata"].items() if key in {"name", "namespace", "labels"}}
    return {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "metadata": metadata,
        "spec": manifest["spec"],
    }


def differences(expected: set[Packet], found: set[Packet]) -> Iterator[str]:
    """What passed and should not have, then what should have and didn't."""
    for says, packets in (("OPEN, and declared shut", found - expected), ("shut, and declared open", expected - found)):
        yield from (f"{says}: {one} → {other} at TCP {port}" for one, other, port in sorted(packets))


@click.command()
@click.option("--records", type=_FOLDER, required=True, help="Records `moltghost synth --out` wrote.")
@click.option("--cluster", "name", required=True, help="The cluster's provider in the records, as in a certificate.")
@click.option("--kubeconfig", type=_FILE, required=True, help="An administrator's, of the cluster to try it on.")
@click.option("--image", required=True, help="The image of the pods: busybox's sh, nc and httpd must be in it.")
@click.option("--most", type=click.IntRange(1), default=40, help="Kinds of pods that are tried; tenants' come first.")
def probe(records: Path, name: str, kubeconfig: Path, image: str, most: int) -> None:
    """See the declared NetworkPolicies at work: pods like those declared ask which of them reach which.

    Where the cluster lacks a namespace it is made with its policies, and removed with all that is in it; in one that is
    there, only pods are made, under the policies that are in force. Exits with 3 if a packet passes that should not, or
    one does not that should.
    """
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise click.ClickException("kubectl is not on PATH: install it, or put the one of `moltghost prepare` there")
    declared, findings = Declared(recorded(records, ())), Findings()
    clusters = {each.name: each for each in read_clusters(declared, findings)}
    if findings.unmodelled:
        raise click.ClickException("the records cannot be read whole; `moltghost prove` says why")
    if name not in clusters:
        raise click.UsageError(f"--cluster {name}: the records have {', '.join(clusters) or 'none'}")
    rehearsed = rehearsal(declared, clusters[name], most)
    try:
        lines = list(rehearse(Live(Path(kubectl), kubeconfig, image), rehearsed))
    except LiveError as error:
        raise click.ClickException(str(error)) from None
    for line in lines:
        click.echo(line)
    if len(lines) > 1:
        raise click.exceptions.Exit(REFUSED)


def rehearse(live: Live, rehearsed: Rehearsal) -> Iterator[str]:
    """Try it: each difference in a line, then how much was tried. Raises LiveError if the cluster fails at it."""
    with live.pods(rehearsed.namespaces(), rehearsed.pods) as addresses, live.policies(live.made(rehearsed.policies)):
        expected = rehearsed.expected(addresses)
        found = live.settled(rehearsed.pods, addresses, expected)
        yield from differences(expected, found)
        asked = sum(len(other.ports) for one in rehearsed.pods for other in rehearsed.pods if one is not other)
        yield f"{len(rehearsed.pods)} pods, {asked} connections tried, {len(found)} open, {len(expected)} declared open"
