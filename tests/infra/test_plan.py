"""Settings become plans: what is computed, and the rules between settings."""

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.naming import is_label
from infra.plan import Plan
from infra.plan.addresses import METADATA, NEVER, egress_is_public, overlapping
from infra.plan.ceilings import quotas_hold_their_agents
from infra.settings import DevSettings, Source, draft_settings
from tests.stack_files import dev_plan, machine_config

NETWORKS = st.builds(
    lambda address, prefix: IPv4Network((address, prefix), strict=False), st.integers(0, 2**32 - 1), st.integers(0, 32)
)


def settings(**changes: object) -> DevSettings:
    """The good config with whole sections replaced."""
    values = {key.partition(":")[2]: value for key, value in machine_config().items() if key.startswith("moltghost:")}
    found = draft_settings(Source("dev", {**values, **changes}, frozenset())).settings
    assert isinstance(found, DevSettings)
    return found


@pytest.fixture
def plan() -> Plan:
    return dev_plan(machine_config())


def test_names_are_computed(plan: Plan) -> None:
    assert [tenant.namespace for tenant in plan.tenants] == ["acme-local-agents", "globex-local-agents"]
    assert is_label(plan.bucket)
    assert plan.bucket.startswith("moltghost-local-123456789012")


def test_the_bucket_belongs_to_one_account(plan: Plan) -> None:
    region = {**machine_config()["moltghost:region"], "aws": {"region": "ap-southeast-1", "account_id": "210987654321"}}
    assert dev_plan({**machine_config(), "moltghost:region": region}).bucket != plan.bucket


def test_what_no_agent_is_let_out_to_holds_the_region_itself(plan: Plan) -> None:
    network = plan.settings.region.network
    assert {network.nodes, network.pods, network.services} < set(plan.never)


@given(st.dictionaries(st.sampled_from("abcd"), NETWORKS, max_size=4))
def test_ranges_overlap_exactly_when_they_share_an_address(networks: dict[str, IPv4Network]) -> None:
    def first_and_last(network: IPv4Network) -> tuple[int, int]:
        return int(network.network_address), int(network.broadcast_address)

    shared = {
        (one, other)
        for at, one in enumerate(networks)
        for other in list(networks)[at + 1 :]
        if max(first_and_last(networks[one])[0], first_and_last(networks[other])[0])
        <= min(first_and_last(networks[one])[1], first_and_last(networks[other])[1])
    }
    assert set(overlapping(networks)) == shared


@given(NETWORKS)
def test_an_egress_range_passes_exactly_when_all_of_it_is_public(cidr: IPv4Network) -> None:
    tenants = machine_config()["moltghost:tenants"]
    tenants[0]["agents"][0]["egress"] = [{"cidr": str(cidr), "ports": [443]}]
    refused = list(egress_is_public(settings(tenants=tenants)))
    forbidden = any(cidr.overlaps(network) for network in NEVER)
    assert bool(refused) is forbidden
    if cidr.overlaps(METADATA) and cidr.prefixlen:
        assert "metadata" in refused[0].message


@given(st.sampled_from(NEVER), st.integers(0, 32), st.integers(0, 2**32 - 1))
def test_no_part_of_a_forbidden_range_can_be_opened(forbidden: IPv4Network, prefix: int, seed: int) -> None:
    inside = forbidden[seed % forbidden.num_addresses]
    cidr = IPv4Network((inside, prefix), strict=False)
    tenants = machine_config()["moltghost:tenants"]
    tenants[1]["agents"][0]["egress"] = [{"cidr": str(cidr), "ports": [443]}]
    assert list(egress_is_public(settings(tenants=tenants)))


@given(st.integers(1, 5), st.integers(1, 5))
def test_a_quota_holds_what_its_agents_ask_for(asked: int, allowed: int) -> None:
    tenants = machine_config()["moltghost:tenants"]
    agent = tenants[0]["agents"][0]
    tenants[0]["agents"] = [{**agent, "name": f"agent-{at}", "cpu": 0.1} for at in range(asked)]
    tenants[0]["quota"] = {"agents": 5, "gpus": 5, "cpu": allowed / 10, "memory_gib": 5, "volumes_gb": 250}
    broken = [problem.path for problem in quotas_hold_their_agents(settings(tenants=tenants))]
    assert ("moltghost:tenants[0].quota.cpu" in broken) is (asked > allowed)
