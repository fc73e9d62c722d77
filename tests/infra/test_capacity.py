"""A region's ceilings: what counts against them, when it is said, and that what is granted counts."""

from dataclasses import replace
from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.network.addresses import LONGEST_BLOCK, usable
from components.network.spec import EgressSpec
from infra.plan import quotas
from infra.plan.capacity import (
    Ceiling,
    PoolUse,
    RegionUse,
    agents_that_fit,
    capacity_problems,
    capacity_warnings,
    ceilings,
    render_ceilings,
)
from tests.components.network.test_network_spec import changed
from tests.components.specs import NETWORK

POOL = PoolUse(path="moltghost:pools.h100", name="h100", nodes=20, gpus=8)
SYSTEM = PoolUse(path="moltghost:pools.system", name="system", nodes=6, gpus=0)
USE = RegionUse(network=NETWORK, pools=(POOL, SYSTEM), services=120, promised=100)
ADDRESSES = "addresses in a zone's node subnet"


def ceiling(use: RegionUse, name: str) -> Ceiling:
    (found,) = [each for each in ceilings(use) if each.name == name]
    return found


def exceeded(use: RegionUse) -> list[str]:
    return [problem.text({}) for problem in capacity_problems(ceilings(use))]


def test_a_region_of_usual_size_exceeds_nothing() -> None:
    assert not exceeded(USE)


def public(at: int) -> EgressSpec:
    return EgressSpec(name=f"range-{at}", range=IPv4Network(f"1.0.{at}.0/24"), ports=(443,))


SMALL = changed(block=IPv4Network(f"10.0.0.0/{LONGEST_BLOCK}"), mesh_ranges=())
MANY = tuple(IPv4Network(f"172.16.{at}.0/24") for at in range(60))
WIDE = changed(egress=tuple(public(at) for at in range(60)))


@pytest.mark.parametrize(
    ("use", "name", "path"),
    [
        (
            replace(USE, network=SMALL, pools=(replace(POOL, nodes=450),) * 3),
            ADDRESSES,
            "region.block",
        ),
        (
            replace(USE, network=SMALL, pools=(replace(POOL, nodes=300),)),
            "nodes' /25 out of the pods' range",
            "region.block",
        ),
        (replace(USE, services=4095), "addresses of Services", "region.block"),
        (replace(USE, network=WIDE), "rules of a security group, one way: nodes, egress", "eks.egress"),
        (replace(USE, mesh_routes=500), "routes in a route table: a zone's nodes", "mesh"),
        (
            replace(USE, network=changed(mesh_ranges=MANY, mesh_ports=(9443,))),
            "rules of a security group, one way: nodes, ingress",
            "mesh",
        ),
        (
            replace(USE, network=changed(mesh_ranges=MANY)),
            "rules of a security group, one way: cluster, ingress",
            "mesh",
        ),
        (replace(USE, gateways=3), "Elastic IPs in a region", "eks"),
        (replace(USE, connections_an_agent=700), "connections through a NAT address to one destination", "pools"),
        (
            replace(USE, pools=tuple(replace(SYSTEM, name=f"p{at}") for at in range(31))),
            "managed node groups in a cluster",
            "pools",
        ),
        (replace(USE, pools=(replace(POOL, nodes=451),)), "nodes in a managed node group: h100", "pools.h100"),
        (replace(USE, pools=(replace(POOL, max_pods=16),)), "pods on a node: h100", "pools.h100"),
        (
            replace(USE, pools=(replace(POOL, attachments=9),)),
            "volumes and interfaces on a Nitro instance: h100",
            "pools.h100",
        ),
        (replace(USE, volume_gb_an_agent=500), "GB of gp3 volumes in a region", "pools"),
        (replace(USE, promised=161), "agents promised to tenants", "pools"),
        (
            replace(USE, pools=tuple(replace(POOL, name=f"p{at}", nodes=450) for at in range(12))),
            "nodes in a cluster",
            "pools",
        ),
    ],
)
def test_what_is_too_much_is_said_where_it_is_set(use: RegionUse, name: str, path: str) -> None:
    found = ceiling(use, name)
    assert found.headroom < 0
    assert found.path == f"moltghost:{path}"
    assert any(
        text.startswith(f"{found.path}: brings {name} to {found.used}; the limit is {found.limit}")
        for text in exceeded(use)
    )


def test_what_aws_has_granted_counts() -> None:
    use = replace(USE, gateways=3)
    assert exceeded(use)
    assert not exceeded(replace(use, quotas={quotas.ELASTIC_IPS.code or "": 8}))


def test_what_cannot_be_raised_stays() -> None:
    use = replace(USE, connections_an_agent=700)
    assert exceeded(replace(use, quotas={"": 10**9})) == exceeded(use)


def test_four_fifths_of_a_ceiling_are_said_and_less_are_not() -> None:
    at = [Ceiling("c", used, 100, "p", "r", "s") for used in (79, 80, 100, 101)]
    assert [text.split(": ")[2].split()[0] for text in capacity_warnings(at)] == ["80", "100"]
    assert len(list(capacity_problems(at))) == 1


def test_a_zone_s_subnet_is_counted_with_another_zone_lost() -> None:
    lost = ceiling(USE, ADDRESSES).used
    kept = ceiling(replace(USE, network=changed(zones=(*NETWORK.zones, "ap-southeast-1d"))), ADDRESSES).used
    assert lost - kept == 13 - 9


@given(st.integers(0, 2000), st.integers(0, 2000))
def test_more_nodes_never_use_less(some: int, more: int) -> None:
    def used(nodes: int) -> dict[str, int]:
        return {each.name: each.used for each in ceilings(replace(USE, pools=(replace(POOL, nodes=nodes),)))}

    few, many = used(some), used(some + more)
    assert all(many[name] >= few[name] for name in few)


@given(st.integers(LONGEST_BLOCK - 8, LONGEST_BLOCK))
def test_the_subnet_s_ceiling_is_what_aws_gives_out(prefix: int) -> None:
    network = changed(block=IPv4Network(f"10.64.0.0/{prefix}"), mesh_ranges=())
    assert ceiling(replace(USE, network=network), ADDRESSES).limit == usable(network.ranges.zones[0].nodes)


@pytest.mark.parametrize(
    ("use", "fit", "why"),
    [
        (USE, 160, "GPUs"),
        (replace(USE, pools=(replace(POOL, max_pods=16),)), 80, "pods and volumes on a node"),
        (replace(USE, pools=(replace(POOL, attachments=8),)), 120, "pods and volumes on a node"),
        (replace(USE, volume_gb_an_agent=512), 100, "GB of volumes"),
        (replace(USE, connections_an_agent=1100), 100, "NAT gateways' ports"),
    ],
)
def test_a_region_holds_as_many_agents_as_the_least_of_its_limits(use: RegionUse, fit: int, why: str) -> None:
    assert agents_that_fit(use) == (fit, why)


def test_the_table_begins_with_what_is_nearest_to_its_limit_and_says_where_each_is_from() -> None:
    found = ceilings(USE)
    lines = render_ceilings(found)
    assert lines[1].startswith("Elastic IPs in a region")
    assert [each.share for each in found] == sorted((each.share for each in found), reverse=True)
    assert len(lines) == len(found) + 1
    assert all("https://" in line or "the least of the others" in line for line in lines[1:])
