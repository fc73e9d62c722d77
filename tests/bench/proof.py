"""What a proof of isolation costs, at sizes no fleet of ours has yet, beside two oracles at those they can take."""

import copy
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from components.hardening import default_deny, network_policy
from components.labels import Region, TenantId, agent_labels, platform_labels, tenant_labels
from components.tenant.manifests import build_namespace, build_policies
from components.tenant.spec import QuotaSpec, TenantSpec
from infra.prove.proof import prove
from infra.prove.selectors import NAME_LABEL
from policies.record import Resource, Stack
from runtime.contract import labels, ports
from tests.infra.prove import nca
from tests.infra.prove.oracle import built

SIZES = ((1_000, 100), (10_000, 1_000), (100_000, 1_000))
"""Workloads, and the namespaces (one a tenant) they lie in."""
ORACLE_SIZES = ((50, 10), (100, 20), (200, 40))
PATIENCE = 120.0
"""Seconds an oracle may take for one size."""
NCA_PODS = 10_000
"""Fewer than so many pods is what network-config-analyzer takes: it keeps them in a cube of that size."""
LISTED = 10
"""Of so many agents one has an egress list of its own."""
_REGION, _GATEWAYS = Region("one"), "moltghost-system"


def stacks(workloads: int, tenants: int) -> list[Stack]:
    """A region's stack, and one a tenant, with the manifests the components make."""
    each = workloads // tenants
    return [_platform(), *(_tenant(TenantId(f"tenant{at}"), each) for at in range(tenants))]


def _platform() -> Stack:
    own = platform_labels(_REGION, labels.ROLE_GATEWAY)
    gateways = {"podSelector": {"matchLabels": {labels.ROLE: labels.ROLE_GATEWAY}}}
    agents = {
        "namespaceSelector": {"matchExpressions": [{"key": labels.TENANT, "operator": "Exists"}]},
        "podSelector": {"matchLabels": {labels.ROLE: labels.ROLE_AGENT}},
    }
    out = {**gateways, "policyTypes": ["Egress"], "egress": [{"to": [agents], "ports": [{"port": ports.AGENT}]}]}
    pod = {"metadata": {"labels": own}, "spec": {"containers": [{"name": "gateway"}]}}
    metadata = {"name": "gateway", "namespace": _GATEWAYS, "labels": own}
    manifests: list[tuple[str, dict[str, Any]]] = [
        ("core/v1:Namespace", {"metadata": {"name": _GATEWAYS, "labels": own}}),
        ("apps/v1:Deployment", {"metadata": metadata, "spec": {"replicas": 3, "template": pod}}),
        ("networking.k8s.io/v1:NetworkPolicy", default_deny(_GATEWAYS, own)),
        ("networking.k8s.io/v1:NetworkPolicy", network_policy("to-agents", _GATEWAYS, own, out)),
    ]
    return _stack("one", "region", manifests)


def _tenant(tenant: TenantId, agents: int) -> Stack:
    namespace = f"{tenant}-agents"
    spec = TenantSpec(
        tenant=tenant,
        region=_REGION,
        namespace=namespace,
        quota=QuotaSpec(agents=agents, gpus=agents, cpu=agents, memory_gib=agents, volumes_gb=50 * agents),
        supplied_labels={},
        gateway_namespace=_GATEWAYS,
        monitoring_namespace="moltghost-monitoring",
    )
    manifests: list[tuple[str, dict[str, Any]]] = [("core/v1:Namespace", build_namespace(spec))]
    manifests += [("networking.k8s.io/v1:NetworkPolicy", each) for each in build_policies(spec)]
    for at in range(agents):
        manifests += _agent(tenant, namespace, f"agent{at}", at)
    return _stack(tenant, "tenant", manifests)


def _agent(tenant: TenantId, namespace: str, name: str, at: int) -> Iterator[tuple[str, dict[str, Any]]]:
    own = {**tenant_labels(tenant, _REGION, labels.ROLE_AGENT), labels.AGENT: name}
    assert own == agent_labels(tenant, _REGION, name)  # type: ignore[arg-type]  # an id is a text
    container = {
        "name": "agent",
        "ports": [{"name": "agent", "containerPort": ports.AGENT}, {"name": "ops", "containerPort": ports.AGENT_OPS}],
        "securityContext": {"privileged": False},
    }
    volumes = [{"name": "config", "configMap": {"name": f"{name}-config"}}, {"name": "tmp", "emptyDir": {}}]
    pod = {"serviceAccountName": "agent", "containers": [container], "volumes": volumes}
    metadata = {"name": name, "namespace": namespace, "labels": own}
    template = {"metadata": {"labels": dict(own)}, "spec": pod}
    yield "agents.x-k8s.io/v1beta1:Sandbox", {"metadata": metadata, "spec": {"podTemplate": template}}
    if at % LISTED == 0:
        selector = {"matchLabels": {labels.ROLE: labels.ROLE_AGENT, labels.AGENT: name}}
        to = [{"ipBlock": {"cidr": f"203.0.{114 + at % 100}.0/24"}}]
        body = {"podSelector": selector, "policyTypes": ["Egress"], "egress": [{"to": to, "ports": [{"port": 443}]}]}
        yield "networking.k8s.io/v1:NetworkPolicy", network_policy(f"{name}-egress", namespace, own, body)


def _stack(name: str, kind: str, manifests: list[tuple[str, dict[str, Any]]]) -> Stack:
    provider = f"urn:pulumi:{name}::moltghost::pulumi:providers:kubernetes::platform-one-kubernetes"
    resources = tuple(
        Resource(
            urn=f"urn:pulumi:{name}::moltghost::kubernetes:{type_}::{name}-{at}",
            type=f"kubernetes:{type_}",
            name=f"{name}-{at}",
            parent=None,
            provider=provider,
            dependencies=(),
            property_dependencies={},
            inputs=manifest,
            protect=False,
            options={},
            custom=True,
        )
        for at, (type_, manifest) in enumerate(manifests)
    )
    return Stack(name=name, kind=kind, resources=resources, outputs={})


def timed(workloads: int, tenants: int) -> tuple[float, float]:
    """Seconds a proof takes, from the records to the verdict; and of the processor, which others do not lengthen."""
    made = stacks(workloads, tenants)
    begun, used = time.perf_counter(), time.process_time()
    verdict = prove(made)
    took = time.perf_counter() - begun, time.process_time() - used
    assert verdict.holds, verdict.to_text()[:2000]
    return took


@dataclass(frozen=True)
class Kept:
    """What of stacks an oracle of NetworkPolicies is told: manifests of policies, labels of namespaces, pods."""

    policies: list[dict[str, Any]]
    spaces: dict[str, dict[str, str]]
    pods: list[tuple[str, str, dict[str, str]]]
    """Each one's name, namespace and labels."""


def _kept(workloads: int, tenants: int) -> Kept:
    kept = Kept([], {}, [])
    for stack in stacks(workloads, tenants):
        for each in stack.resources:
            inputs: dict[str, Any] = copy.deepcopy(dict(each.inputs))
            metadata = inputs["metadata"]
            if each.type.endswith(":NetworkPolicy"):
                kept.policies.append(inputs)
            elif each.type.endswith(":Namespace"):
                kept.spaces[metadata["name"]] = metadata["labels"]
            else:
                template = inputs["spec"].get("podTemplate") or inputs["spec"]["template"]
                kept.pods.append((metadata["name"], metadata["namespace"], template["metadata"]["labels"]))
    return kept


def cyclonus_timed(workloads: int, tenants: int) -> float:
    """Seconds cyclonus takes to ask of every pair at the two ports of an agent, and no more."""
    kept = _kept(workloads, tenants)
    pods = [
        {
            "namespace": space,
            "labels": labels,
            "ip": f"10.0.{at // 250}.{at % 250 + 1}",
            "namespaceLabels": {**kept.spaces[space], NAME_LABEL: space},
        }
        for at, (_, space, labels) in enumerate(kept.pods)
    ]
    probes = [{"port": port, "protocol": "TCP"} for port in (ports.AGENT, ports.AGENT_OPS)]
    asked = json.dumps({"policies": kept.policies, "pods": pods, "probes": probes}) + "\n"
    program = built()
    begun = time.perf_counter()
    subprocess.run([program], input=asked, capture_output=True, text=True, check=True)
    return time.perf_counter() - begun


def nca_timed(workloads: int, tenants: int, patience: float = PATIENCE) -> float | None:
    """Seconds network-config-analyzer takes from manifests to what connects to what; None for more than `patience`."""
    kept, program = _kept(workloads, tenants), nca.installed()
    manifests = [
        *(nca.namespace(name, labels) for name, labels in kept.spaces.items()),
        *(nca.pod(name, space, labels, {"agent": ports.AGENT}) for name, space, labels in kept.pods),
        *kept.policies,
    ]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "cluster.yaml").write_text(yaml.dump_all(manifests, Dumper=yaml.CSafeDumper))
        begun = time.perf_counter()
        try:
            command = [str(program), "--connectivity", folder, "--resource_list", folder]
            subprocess.run(command, capture_output=True, check=True, timeout=patience)
        except subprocess.TimeoutExpired:
            return None
        return time.perf_counter() - begun


def proof(console: Console) -> None:
    """Print how long proofs take."""
    table = Table(
        *("workloads", "namespaces", "proof", "of the processor", "cyclonus, two ports", "network-config-analyzer"),
        title="Proof of isolation",
    )
    for workloads, tenants in (*ORACLE_SIZES, *SIZES):
        # By a process of its own, as the command is: the memory of one that has measured other things is slower.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
            took, used = fresh.submit(timed, workloads, tenants).result()
        cyclonus = f"{cyclonus_timed(workloads, tenants):.2f} s" if (workloads, tenants) in ORACLE_SIZES else "—"
        figures = (f"{took:.2f} s", f"{used:.2f} s", cyclonus, _analyzed(workloads, tenants))
        table.add_row(f"{workloads:,}", f"{tenants:,}", *figures)
    console.print(table)


def _analyzed(workloads: int, tenants: int) -> str:
    if workloads >= NCA_PODS:
        return f"takes < {NCA_PODS:,} pods"
    analyzed = nca_timed(workloads, tenants)
    return f"> {PATIENCE:.0f} s" if analyzed is None else f"{analyzed:.2f} s"


if __name__ == "__main__":
    proof(Console())
