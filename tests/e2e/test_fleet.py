"""Stacks of every kind, by the real engine: what regions share, two regions, and customers in them."""

import json
from collections.abc import Iterator

import httpx
import pytest

from components.cluster.spec import PLATFORM_NAMESPACE
from infra.local.machine import Mode
from infra.local.region import LocalRegion
from infra.settings import GlobalSettings, load_settings
from runtime.contract import labels
from tests.e2e.conftest import PROJECT, Cluster, aws
from tests.e2e.fleet import Fleet

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

SLOTS = {"sin": 7, "jkt": 8}


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """The fleet, deployed on simulated nodes; what an interrupted run left is cleared first."""
    made = Fleet({name: LocalRegion(PROJECT / f".state-{slot}", slot, Mode.SIMULATED) for name, slot in SLOTS.items()})
    made.down()
    try:
        made.start()
        made.up()
        yield made
    finally:
        made.down()


def cluster(fleet: Fleet, name: str) -> Cluster:
    """A region's cluster, with the operator's rights."""
    region = fleet.regions[name]
    kubectl = region.tools.ensure(["kubectl"], lambda _line: None)["kubectl"]
    return Cluster(kubectl, region.machine.kubeconfig, PLATFORM_NAMESPACE, region.addresses)


def sandboxes(fleet: Fleet, name: str) -> set[str]:
    """The agents in a region, as `<namespace>/<agent>`."""
    listed = json.loads(cluster(fleet, name).kubectl("get", "sandboxes", "-A", "-o", "json"))["items"]
    return {f"{one['metadata']['namespace']}/{one['metadata']['labels'][labels.AGENT]}" for one in listed}


def routes(fleet: Fleet) -> dict[str, list[str]]:
    """Where each agent lives, as the Worker reads it."""
    account = load_settings(fleet.engines["global"].config_file, GlobalSettings).edge.account_id
    namespace = fleet.engines["global"].stack_output()["namespaces"]["routes"]
    root = f"http://127.0.0.1:{fleet.clouds.addresses.cloudflare}/client/v4/accounts/{account}/storage/kv/namespaces"
    with httpx.Client(headers={"authorization": "Bearer local"}, trust_env=False) as client:
        keys = [one["name"] for one in client.get(f"{root}/{namespace}/keys").raise_for_status().json()["result"]]
        values = {key: client.get(f"{root}/{namespace}/values/{key}").raise_for_status().json() for key in keys}
    return {key: value["regions"] for key, value in values.items() if "regions" in value}


def test_a_second_preview_of_every_stack_is_empty(fleet: Fleet) -> None:
    for stack, engine in fleet.engines.items():
        changes = engine.preview_json().get("changeSummary", {})
        assert set(changes) <= {"same"}, f"{stack}: {changes}"


def test_a_customer_is_where_its_placement_says_and_nowhere_else(fleet: Fleet) -> None:
    assert sandboxes(fleet, "sin") == {"acme-sin-agents/helper", "globex-sin-agents/analyst"}
    assert sandboxes(fleet, "jkt") == {"acme-jkt-agents/helper"}
    assert sorted(routes(fleet).values()) == [["sin"], ["sin", "jkt"]]


def test_no_secret_is_in_a_state_or_an_output_in_the_clear(fleet: Fleet) -> None:
    told = fleet.engines["sin"].stack_output()
    assert told["kubeconfig"] == "[secret]"
    kubeconfig = fleet.regions["sin"].machine.kubeconfig.read_text()
    key = next(line.split()[-1] for line in kubeconfig.splitlines() if "client-key-data" in line)
    for file in (fleet.clouds.state / "pulumi").rglob("*.json"):
        text = file.read_text()
        assert key not in text, file
        assert fleet.clouds.credentials.pepper() not in text, file


def test_a_destroy_in_the_other_order_leaves_nothing(fleet: Fleet) -> None:
    fleet.destroy()
    for name in fleet.regions:
        own = ("-l", "app.kubernetes.io/managed-by=moltghost")
        left = cluster(fleet, name).kubectl("get", "namespaces,deployments,networkpolicies", "-A", "-o", "name", *own)
        assert left == ""
    with aws(fleet.clouds, "kms") as kms:
        keys = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] for key in kms.list_keys()["Keys"]]
    assert set(keys) <= {"PendingDeletion"}
    fleet.up()
