"""One local region for the whole suite, in a state folder and a port range of its own."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local.cluster.addresses import Addresses
from infra.local.progress import Steps
from infra.local.region import LocalRegion
from runtime.contract import labels, ports

PROJECT = Path(__file__).resolve().parents[2]
SLOT = 1

Targets = dict[str, tuple[str, int]]
"""Host and port, by the name a failure reads well with."""

PROBE = """
import json, socket, sys
reached = {}
for name, host, port in json.loads(sys.argv[1]):
    try:
        socket.create_connection((host, port), timeout=2).close()
        reached[name] = True
    except OSError:
        reached[name] = False
print(json.dumps(reached))
"""


@dataclass(frozen=True)
class Customer:
    """One tenant as its own users know it."""

    tenant: str
    agent: str
    api_key: str
    edge_url: str
    gateway_origin: str
    namespace: str


@dataclass(frozen=True)
class Cluster:
    """The suite's cluster, looked at from outside with the operator's rights."""

    kubectl_path: Path
    kubeconfig: Path
    gateway_namespace: str
    addresses: Addresses

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl; its standard output. A failure fails the test with what kubectl said."""
        done = subprocess.run(
            [str(self.kubectl_path), f"--kubeconfig={self.kubeconfig}", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def pod_name(self, customer: Customer) -> str:
        """The name of the customer's agent pod."""
        return self._pod(customer, "{.items[0].metadata.name}")

    def pod_ip(self, customer: Customer) -> str:
        """The address of the customer's agent pod."""
        return self._pod(customer, "{.items[0].status.podIP}")

    def gateway_pod(self) -> str:
        """The name of one gateway pod."""
        selector = f"{labels.ROLE}={labels.ROLE_GATEWAY}"
        return self.kubectl(
            "get", "pods", "-n", self.gateway_namespace, "-l", selector, "-o", "jsonpath={.items[0].metadata.name}"
        )

    def gateway_ip(self) -> str:
        """The address of one gateway pod."""
        name = self.gateway_pod()
        return self.kubectl("get", "pod", "-n", self.gateway_namespace, name, "-o", "jsonpath={.status.podIP}")

    def reached(self, namespace: str, pod: str, targets: Targets) -> dict[str, bool]:
        """Which of the targets a connection from the pod gets through to."""
        wanted = json.dumps([[name, host, port] for name, (host, port) in targets.items()])
        answer: dict[str, bool] = json.loads(
            self.kubectl("exec", "-n", namespace, pod, "--", "python3", "-c", PROBE, wanted)
        )
        return answer

    def gateway_reaches(self, customer: Customer, port: int = ports.AGENT) -> bool:
        """Whether a gateway pod gets a connection to the customer's agent pod."""
        targets = {"agent": (self.pod_ip(customer), port)}
        return self.reached(self.gateway_namespace, self.gateway_pod(), targets)["agent"]

    @contextmanager
    def without_policies(self, *namespaces: str) -> Iterator[None]:
        """Delete every NetworkPolicy of the namespaces, and put them back as they were."""
        kept = []
        for namespace in namespaces:
            found = json.loads(self.kubectl("get", "networkpolicies", "-n", namespace, "-o", "json"))["items"]
            assert found, f"{namespace} has no policy to take away"
            kept += found
            self.kubectl("delete", "networkpolicies", "-n", namespace, "--all")
        try:
            yield
        finally:
            for policy in kept:
                for field in ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"):
                    policy["metadata"].pop(field, None)
            self.kubectl(
                "apply",
                "--server-side",
                "--field-manager=pulumi-kubernetes",
                "--force-conflicts",
                "-f",
                "-",
                stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": kept}),
            )

    def _pod(self, customer: Customer, path: str) -> str:
        selector = f"{labels.TENANT}={customer.tenant},{labels.AGENT}={customer.agent}"
        return self.kubectl("get", "pods", "-n", customer.namespace, "-l", selector, "-o", f"jsonpath={path}")


@contextmanager
def aws(region: LocalRegion, service: str) -> Iterator[Any]:
    """A client of boto3's own, which knows nothing of the provider."""
    client = boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{region.addresses.aws}",
        region_name="ap-southeast-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    yield client
    client.close()


@pytest.fixture(scope="session")
def machine() -> Iterator[LocalRegion]:
    """The machine the region lands on; what an interrupted run left is cleared first."""
    region = LocalRegion(PROJECT / f".state-{SLOT}", slot=SLOT)
    region.down(Steps())
    region.start(Steps())
    yield region
    region.down(Steps())


@pytest.fixture
def region(machine: LocalRegion) -> LocalRegion:
    """The region, deployed."""
    if not machine.tenants():
        machine.deploy(Steps())
    return machine


@pytest.fixture
def customers(region: LocalRegion) -> dict[str, Customer]:
    """The stack's tenants by their ids."""
    return {
        tenant.id: Customer(
            tenant=tenant.id,
            agent=tenant.agents[0],
            api_key=Path(tenant.key_file).read_text(),
            edge_url=region.edge_url,
            gateway_origin=region.gateway_origin,
            namespace=tenant.namespace,
        )
        for tenant in region.tenants()
    }


@pytest.fixture
def cluster(region: LocalRegion) -> Cluster:
    """The region's cluster."""
    here = region.addresses
    return Cluster(
        kubectl_path=region.tools.ensure(["kubectl"], lambda _detail: None)["kubectl"],
        kubeconfig=region.machine.kubeconfig,
        gateway_namespace=region.engine.stack_output()["gateway_namespace"],
        addresses=here,
    )
