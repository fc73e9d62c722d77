"""What a tenant's pod can reach: asked from inside the pod, with the guard and without it.

Each target listens, so that a refusal is the policy's doing: the same connections succeed without the policies.
"""

import subprocess
from collections.abc import Iterator

import pytest

from infra.local.cluster import netns
from runtime.contract import ports
from tests.e2e.conftest import Cluster, Customer, Targets
from tests.waiting import eventually

pytestmark = pytest.mark.cluster

METADATA = "169.254.169.254"


@pytest.fixture
def metadata_service(cluster: Cluster) -> Iterator[None]:
    """A listener at the cloud's metadata address, in the namespace that plays the outside world."""
    serve = ["python3", "-u", "-m", "http.server", "--bind", METADATA, "80"]
    with subprocess.Popen(
        netns.enter(cluster.addresses.world_netns, serve), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as server:
        assert server.stdout is not None
        assert b"Serving HTTP" in server.stdout.readline()
        yield
        server.terminate()


def targets(cluster: Cluster, other: Customer) -> Targets:
    """What an agent must not reach."""
    here = cluster.addresses
    return {
        "another tenant's agent": (cluster.pod_ip(other), ports.AGENT),
        "the API server": (str(here.host), here.apiserver),
        "the API server's service": (str(here.services[1]), 443),
        "the node's kubelet": (str(here.node), here.kubelet),
        "the metadata address": (METADATA, 80),
        "a gateway": (cluster.gateway_ip(), ports.GATEWAY),
    }


def reached(cluster: Cluster, customer: Customer, wanted: Targets) -> dict[str, bool]:
    """Which of the targets the customer's agent gets through to."""
    return cluster.reached(customer.namespace, cluster.pod_name(customer), wanted)


@pytest.mark.usefixtures("metadata_service")
def test_an_agent_reaches_nobody_until_its_policies_are_gone(cluster: Cluster, customers: dict[str, Customer]) -> None:
    acme, globex = customers["acme"], customers["globex"]
    wanted = targets(cluster, globex)

    assert reached(cluster, acme, wanted) == dict.fromkeys(wanted, False)
    assert cluster.gateway_reaches(acme), "the one way in must stay open"

    with cluster.without_policies(acme.namespace, globex.namespace, cluster.gateway_namespace):
        # A target that never answers proves nothing.
        eventually(lambda: all(reached(cluster, acme, wanted).values()), "everything is open without the policies")

    eventually(lambda: not any(reached(cluster, acme, wanted).values()), "everything is shut again with the policies")
