"""What `moltghost check` says of a region's ceilings, and of agents whose way out no region has."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from components.network.spec import TUNNEL
from infra.check import ceilings_in, check
from infra.fleet import judge_folder
from infra.plan import RegionPlan
from infra.plan.capacity import Ceiling
from infra.plan.region_ceilings import network_of, region_ceilings
from infra.settings import RegionSettings
from tests.infra.fleets import MACHINES, copy_fleet, with_site
from tests.stack_files import PROJECT

CRM = {"name": "crm", "range": "1.1.0.0/16", "ports": [443, 8443]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The committed fleet, freely changeable."""
    for file in PROJECT.glob("Pulumi.*.yaml"):
        shutil.copy(file, tmp_path)
    return tmp_path


def change(folder: Path, stack: str, section: str, **fields: Any) -> None:
    file = folder / f"Pulumi.{stack}.yaml"
    text = yaml.safe_load(file.read_text())
    text["config"][section] |= fields
    file.write_text(yaml.safe_dump(text, sort_keys=False))


def agent_reaches(folder: Path, cidr: str, *ports: int) -> None:
    file = folder / "Pulumi.acme.yaml"
    text = yaml.safe_load(file.read_text())
    text["config"]["moltghost:tenant"]["agents"][0]["egress"] = [{"cidr": cidr, "ports": list(ports)}]
    file.write_text(yaml.safe_dump(text, sort_keys=False))


def region(folder: Path, stack: str) -> RegionSettings:
    settings = judge_folder(folder).plans[stack].settings
    assert isinstance(settings, RegionSettings)
    return settings


def said(folder: Path, *options: str) -> str:
    return CliRunner().invoke(check, ["use1", "--folder", str(folder), *options]).output


def refused(folder: Path) -> list[str]:
    return [problem.text({}) for error in judge_folder(folder).problems() for problem in error.problems]


def test_the_fleets_address_plan_is_shown_with_every_region_and_what_is_left(folder: Path) -> None:
    lines = said(folder, "--addresses").splitlines()
    assert [line.split()[0] for line in lines if "moltghost:" in line and line[0].isdigit()] == [
        "10.16.0.0/14", "10.20.0.0/14", "10.24.0.0/14", "10.28.0.0/14", "10.255.0.0/16",
    ]  # fmt: skip
    assert lines[-1] == "59 blocks of /14 are free; the next is 10.0.0.0/14"


def test_what_tenants_are_promised_counts(folder: Path) -> None:
    assert "agents promised to tenants" in said(folder, "--ceilings")
    (promised,) = [line.split() for line in said(folder, "--ceilings").splitlines() if "promised" in line]
    assert promised[4:6] == ["2", "56"]


def test_what_is_near_its_limit_is_said_and_a_granted_quota_ends_it(folder: Path) -> None:
    assert "near its limit: moltghost:eks: Elastic IPs in a region: 5 of 5 (100%)" in said(folder)
    change(folder, "use1", "moltghost:eks", quotas={"L-0263D0A3": 10})
    assert "near its limit" not in said(folder)


def test_every_ceiling_is_shown_when_asked_for(folder: Path) -> None:
    lines = said(folder, "--ceilings").splitlines()
    table = lines[next(at for at, line in enumerate(lines) if line.split()[:2] == ["ceiling", "used"]) :]
    judged = judge_folder(folder)
    plan = judged.plans["use1"]
    assert isinstance(plan, RegionPlan)
    assert len(table) == 1 + len(ceilings_in(judged.fleet, plan))
    assert "ceiling " not in said(folder)


def test_listed_ranges_are_beside_the_tunnel(folder: Path) -> None:
    change(folder, "use1", "moltghost:eks", egress=[CRM])
    settings = region(folder, "use1")
    assert settings.eks is not None
    spec = network_of(settings, settings.eks)
    assert spec.egress[: len(TUNNEL)] == TUNNEL
    assert [(each.name, str(each.range), each.ports) for each in spec.egress[len(TUNNEL) :]] == [
        ("crm", "1.1.0.0/16", (443, 8443))
    ]


def test_an_agent_s_way_out_is_one_of_every_region_it_may_be_in(folder: Path) -> None:
    agent_reaches(folder, "1.1.1.0/24", 443)
    shut = refused(folder)
    assert [text for text in shut if "is not open in region use1 (TCP 443)" in text and "Pulumi.use1.yaml" in text]
    assert [text for text in shut if "is not open in region usw2 (TCP 443)" in text]
    for stack in ("use1", "usw2"):
        change(folder, stack, "moltghost:eks", egress=[CRM])
    assert refused(folder) == []


@pytest.mark.parametrize(
    ("cidr", "port", "listed"),
    [
        ("1.1.1.0/24", 80, CRM),
        ("1.2.0.0/24", 443, CRM),
        ("1.0.0.0/8", 443, CRM),
        ("1.1.1.0/24", 443, {**CRM, "protocol": "udp"}),
    ],
)
def test_another_port_a_wider_range_or_another_protocol_is_no_way_out(
    folder: Path, cidr: str, port: int, listed: dict[str, Any]
) -> None:
    agent_reaches(folder, cidr, port)
    for stack in ("use1", "usw2"):
        change(folder, stack, "moltghost:eks", egress=[listed])
    assert len([text for text in refused(folder) if "is not open in region" in text]) == 2


def test_a_region_whose_cluster_is_given_has_no_ceilings_of_ours(folder: Path) -> None:
    settings = region(folder, "use1")
    assert region_ceilings(settings)
    assert region_ceilings(settings.model_copy(update={"eks": None})) == []


def test_machines_of_a_site_count_as_nodes_and_their_ways_as_rules(tmp_path: Path) -> None:
    copy_fleet(tmp_path)

    def counted() -> dict[str, Ceiling]:
        judged = judge_folder(tmp_path)
        found = region_ceilings(region(tmp_path, "use1"), judged.fleet.place_of("use1"))
        return {each.name: each for each in found}

    before = counted()
    with_site(tmp_path)
    after = counted()
    more = {name: each.used - before[name].used for name, each in after.items() if each.used != before[name].used}
    nodes, machines, overlay, kubelet, api = "nodes' /25 out of the pods' range", MACHINES["machines"], 3, 1, 1
    assert more[nodes] == machines
    assert more["rules of a security group, one way: nodes, ingress"] == overlay
    assert more["rules of a security group, one way: nodes, egress"] == overlay
    assert more["rules of a security group, one way: cluster, egress"] == kubelet
    assert more["rules of a security group, one way: cluster, ingress"] == api
    change(tmp_path, "use1", "moltghost:mesh", nodes_at=[])
    assert counted()[nodes].used == before[nodes].used
