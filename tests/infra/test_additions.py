"""`moltghost region add` and `moltghost tenant add`: what they write is right, or is not written."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from infra.additions import AdditionError, listed_in, region, tenant
from infra.fleet import judge_folder
from infra.plan import CustomerPlan, RegionPlan
from tests.components.network.mesh.meshes import public_key
from tests.infra.departures import put, take
from tests.infra.fleets import change_stack, copy_fleet

SYDNEY = (
    "syd",
    "--aws-region",
    "ap-southeast-2",
    "--zones",
    "ap-southeast-2a,ap-southeast-2b,ap-southeast-2c",
    "--location",
    "-33.9",
    "151.2",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_fleet(tmp_path)


def add_region(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(region, ["add", *arguments, "--folder", str(folder)])


def add_tenant(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(tenant, ["add", *arguments, "--folder", str(folder)])


def contents(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in sorted(folder.iterdir())}


def test_a_region_is_written_listed_and_given_a_free_block(folder: Path) -> None:
    before = contents(folder)
    result = add_region(folder, *SYDNEY)
    assert result.exit_code == 0, result.output
    judged = judge_folder(folder)
    assert judged.problems() == []
    plan = judged.plans["syd"]
    assert isinstance(plan, RegionPlan)
    assert str(plan.settings.region.block) in result.output
    assert plan.settings.edge.location is not None
    assert plan.settings.edge.location.latitude == -33.9
    assert set(plan.cell.gpu_classes) == {"a100", "h100"}
    assert "pulumi up --stack syd" in result.output
    kept = [
        line for line in before["Pulumi.global.yaml"].splitlines() if line not in contents(folder)["Pulumi.global.yaml"]
    ]
    assert kept == []
    changed = {name for name, text in contents(folder).items() if before.get(name) != text}
    assert changed == {"Pulumi.syd.yaml", "Pulumi.global.yaml"}


def test_a_region_of_a_mesh_begins_with_its_gateways_addresses(folder: Path) -> None:
    result = add_region(folder, *SYDNEY, "--mesh-image", "ami-00000000000000abc")
    assert result.exit_code == 0, result.output
    plan = judge_folder(folder).plans["syd"]
    assert isinstance(plan, RegionPlan)
    assert plan.settings.mesh is not None
    assert (plan.settings.mesh.joined, plan.settings.mesh.image) == (False, "ami-00000000000000abc")
    assert "pulumi stack output mesh_addresses --stack syd" in result.output
    assert "its number can be 5" in result.output


def test_a_region_without_gateways_is_said_how_to_join(folder: Path) -> None:
    said = add_region(folder, *SYDNEY).output
    assert "to join it to the mesh, add moltghost:mesh with an AMI, then: docs/runbooks/add-a-site.md" in said
    change_stack(folder, "global", take("moltghost:mesh"))
    change_stack(folder, "global", take("moltghost:sites"))
    for stack in ("sin", "jkt", "use1", "usw2"):
        change_stack(folder, stack, take("moltghost:mesh"))
    assert "mesh" not in add_region(folder, "per", *SYDNEY[1:]).output


def test_a_regions_block_is_none_of_the_meshs(folder: Path) -> None:
    block = {"name": "dc1", "kind": "metal", "number": 9, "ranges": ["10.0.4.0/24"], "neighbours": ["sin"]}
    gateways = [{"plane": plane, "keys": [{"generation": 1, "key": public_key(plane)}]} for plane in "ab"]
    change_stack(folder, "global", lambda config: config["moltghost:sites"].append({**block, "gateways": gateways}))
    assert judge_folder(folder).problems() == []
    assert "block 10.4.0.0/14" in add_region(folder, *SYDNEY).output


def test_regions_added_one_after_another_have_blocks_of_their_own(folder: Path) -> None:
    for name in ("aaa", "bbb", "ccc", "ddd"):
        assert add_region(folder, name, *SYDNEY[1:]).exit_code == 0
    assert judge_folder(folder).problems() == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("sin", *SYDNEY[1:]), "is there already"),
        (("syd", *SYDNEY[1:], "--block", "10.16.0.0/14"), "overlaps moltghost:regions.sin.block"),
        (("syd", *SYDNEY[1:], "--block", "192.168.0.0/16"), "is not in 10.0.0.0/8"),
        (("syd", *SYDNEY[1:], "--gpu", "l40s"), "is not offered in ap-southeast-2"),
        (("syd", *SYDNEY[1:], "--like", "mars"), "--like mars is no sound region"),
        (("syd", *SYDNEY[1:3], *SYDNEY[5:], "--zones", "ap-southeast-2a,ap-southeast-2b"), "three or four zones"),
        (
            ("syd", *SYDNEY[1:3], *SYDNEY[5:], "--zones", "us-east-1a,us-east-1b,us-east-1c"),
            "is no zone of ap-southeast-2",
        ),
        (("SYD", *SYDNEY[1:]), "is not a DNS label"),
        (("syd-2", *SYDNEY[1:]), "2 to 16 lower-case letters"),
        (("../syd", *SYDNEY[1:]), "is not a DNS label"),
    ],
)
def test_a_region_that_cannot_be_is_not_written(arguments: tuple[str, ...], says: str, folder: Path) -> None:
    before = contents(folder)
    result = add_region(folder, *arguments)
    assert result.exit_code == 1, result.output
    assert says in result.output
    assert "Traceback" not in result.output
    assert contents(folder) == before


def test_a_customer_is_written_with_its_placement(folder: Path) -> None:
    result = add_tenant(
        folder, "globex", "--home", "use1", "--failover", "usw2", "--residency", "use1,usw2,sin", "--agents", "3"
    )
    assert result.exit_code == 0, result.output
    judged = judge_folder(folder)
    assert judged.problems() == []
    plan = judged.plans["globex"]
    assert isinstance(plan, CustomerPlan)
    assert (plan.regions, plan.settings.placement.residency) == (("use1", "usw2"), ["use1", "usw2", "sin"])
    assert plan.settings.tenant.quota.gpus == 3


def test_a_customer_without_failover_is_at_home_alone(folder: Path) -> None:
    assert add_tenant(folder, "globex", "--home", "sin").exit_code == 0
    config = yaml.safe_load((folder / "Pulumi.globex.yaml").read_text())["config"]
    assert config["moltghost:placement"] == {"home": "sin", "residency": ["sin"]}
    assert config["moltghost:region_stacks"] == {"sin": "organization/moltghost/sin"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("acme", "--home", "sin"), "is there already"),
        (("globex", "--home", "mars"), "is not listed in Pulumi.global.yaml"),
        (("globex", "--home", "sin", "--failover", "sin"), "is lost together with home"),
        (("globex", "--home", "sin", "--residency", "jkt"), "is not among the regions the data may be in"),
        (("globex", "--home", "sin", "--agents", "100"), "is more than the 16 GPUs of region sin it can be on"),
        (("platform", "--home", "sin"), "is a name of the platform's own"),
        (("Globex", "--home", "sin"), "is not a DNS label"),
        (("../globex", "--home", "sin"), "is not a DNS label"),
    ],
)
def test_a_customer_that_cannot_be_is_not_written(arguments: tuple[str, ...], says: str, folder: Path) -> None:
    before = contents(folder)
    result = add_tenant(folder, *arguments)
    assert result.exit_code == 1, result.output
    assert says in result.output
    assert "Traceback" not in result.output
    assert contents(folder) == before


def test_a_fault_elsewhere_does_not_hold_an_addition_up(folder: Path) -> None:
    change_stack(folder, "jkt", put("f" * 32, "moltghost:edge", "zone_id"))
    assert add_tenant(folder, "globex", "--home", "sin").exit_code == 0


def test_a_global_stack_that_lists_its_regions_on_one_line_is_left_alone() -> None:
    text = "config:\n  moltghost:regions: {sin: {block: 10.16.0.0/14}}\n"
    with pytest.raises(AdditionError, match="by hand"):
        listed_in(text, "syd", "{block: 10.32.0.0/14}")


@pytest.mark.parametrize("ending", ["", "\n", "\n# the end\n", "\n\n  moltghost:edge: {}\n"])
@pytest.mark.parametrize("last", ["{block: 10.16.0.0/14}", "\n      block: 10.16.0.0/14\n      near:\n        - SIN"])
def test_a_region_is_listed_after_the_last_one(last: str, ending: str) -> None:
    text = f"config:\n  moltghost:kind: global\n  moltghost:regions:\n    sin: {last}{ending}"
    added = yaml.safe_load(listed_in(text, "syd", "{block: 10.32.0.0/14}"))["config"]
    assert list(added["moltghost:regions"]) == ["sin", "syd"]
    del added["moltghost:regions"]["syd"]
    assert added == yaml.safe_load(text)["config"]
