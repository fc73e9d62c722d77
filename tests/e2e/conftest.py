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
from tests.waiting import eventually

PROJECT = Path(__file__).resolve().parents[2]
SLOT = 1

Targets = dict[str, tuple[str, int]]
"""Host and port, by the name a failure reads well with."""

PROBE = """
import concurrent.futures, json, socket, sys
def reach(target):
    name, host, port = target
    try:
        socket.create_connection((host, port), timeout=2).close()
        return name, True
    except OSError:
        return name, False
with concurrent.futures.ThreadPoolExecutor() as pool:
    print(json.dumps(dict(pool.map(reach, json.loads(sys.argv[1])))))
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

    def python(self, namespace: str, pod: str, script: str, *arguments: str, stdin: str = "") -> Any:
        """Run a script in a pod; what it prints is JSON."""
        return json.loads(
            self.kubectl("exec", "-i", "-n", namespace, pod, "--", "python3", "-c", script, *arguments, stdin=stdin)
        )

    def in_agent(self, customer: Customer, script: str, *arguments: str) -> Any:
        """The same in the customer's agent pod."""
        return self.python(customer.namespace, self.pod_name(customer), script, *arguments)

    def reached(self, namespace: str, pod: str, targets: Targets) -> dict[str, bool]:
        """Which of the targets a connection from the pod gets through to."""
        wanted = json.dumps([[name, host, port] for name, (host, port) in targets.items()])
        answer: dict[str, bool] = self.python(namespace, pod, PROBE, wanted)
        return answer

    def await_agent(self, customer: Customer, *, other_than: str | None = None) -> str:
        """Wait until the customer's agent pod is Ready, one of another uid than given; its uid."""
        return eventually(lambda: self._ready_uid(customer, other_than), "the agent is Ready", seconds=120, every=0.5)

    def gateway_reaches(self, customer: Customer) -> bool:
        """Whether a gateway pod gets a connection to the door of the customer's agent."""
        targets = {"agent": (self.pod_ip(customer), ports.AGENT)}
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

    def pods(self, customer: Customer) -> list[dict[str, Any]]:
        """The customer's agent pods: one, or two while one takes the other's place."""
        selector = f"{labels.TENANT}={customer.tenant},{labels.AGENT}={customer.agent}"
        found: list[dict[str, Any]] = json.loads(
            self.kubectl("get", "pods", "-n", customer.namespace, "-l", selector, "-o", "json")
        )["items"]
        return found

    def running_since(self, customer: Customer) -> tuple[str, int]:
        """When the container of the customer's agent was started, and how often before."""
        (pod,) = self.pods(customer)
        (container,) = pod["status"]["containerStatuses"]
        return container["state"]["running"]["startedAt"], container["restartCount"]

    def _ready_uid(self, customer: Customer, other_than: str | None) -> str | None:
        uids = [pod["metadata"]["uid"] for pod in self.pods(customer) if is_ready(pod)]
        return next((str(uid) for uid in uids if uid != other_than), None)

    def _pod(self, customer: Customer, path: str) -> str:
        selector = f"{labels.TENANT}={customer.tenant},{labels.AGENT}={customer.agent}"
        return self.kubectl("get", "pods", "-n", customer.namespace, "-l", selector, "-o", f"jsonpath={path}")


def is_ready(pod: dict[str, Any]) -> bool:
    """Whether a pod is Ready and not being ended."""
    conditions = pod["status"].get("conditions", [])
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


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
def outputs(machine: LocalRegion) -> dict[str, Any]:
    """What the stack tells of itself, deployed. Asked for once a test: the engine takes its time to answer."""
    if not (told := machine.engine.stack_output()).get("tenants"):
        machine.deploy(Steps())
        told = machine.engine.stack_output()
    return told


@pytest.fixture
def region(machine: LocalRegion, outputs: dict[str, Any]) -> LocalRegion:
    """The region, deployed."""
    assert outputs
    return machine


@pytest.fixture
def customers(region: LocalRegion, outputs: dict[str, Any]) -> dict[str, Customer]:
    """The stack's tenants by their ids."""
    return {
        tenant["id"]: Customer(
            tenant=tenant["id"],
            agent=tenant["agents"][0]["name"],
            api_key=region.credentials.api_key(tenant["id"]).file.read_text(),
            edge_url=region.edge_url,
            gateway_origin=region.gateway_origin,
            namespace=tenant["namespace"],
        )
        for tenant in outputs["tenants"]
    }


@pytest.fixture
def acme(customers: dict[str, Customer]) -> Customer:
    """The tenant whose agent has a skill."""
    return customers["acme"]


@pytest.fixture
def globex(customers: dict[str, Customer]) -> Customer:
    """The other tenant."""
    return customers["globex"]


@pytest.fixture
def cluster(region: LocalRegion, outputs: dict[str, Any]) -> Cluster:
    """The region's cluster."""
    here = region.addresses
    return Cluster(
        kubectl_path=region.tools.ensure(["kubectl"], lambda _detail: None)["kubectl"],
        kubeconfig=region.machine.kubeconfig,
        gateway_namespace=outputs["gateway_namespace"],
        addresses=here,
    )
