"""A fleet: what its stacks are to each other is judged, and each fault is said of the file it is in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from components.edge.tenant_edge_manifests import build_records
from infra.check import check
from infra.fleet import judge_folder
from infra.plan import CustomerPlan
from infra.plan.fleet import RULES
from infra.stacks.access_specs import tenant_edge_spec
from tests.infra.bad_kinds import MACHINE as OUTSIDE
from tests.infra.departures import Config, both, put, take
from tests.infra.fleets import MACHINES, STACKS, change_stack, clone_stack, copy_fleet, with_site

R, G, T, W, S = (f"moltghost:{name}" for name in ("region", "regions", "tenant", "placement", "region_stacks"))
SITES, MESH = "moltghost:sites", "moltghost:mesh"
HASH = "ab" * 32
MACHINE = {**OUTSIDE, "lan_address": "10.16.0.4"}
KEY = {"id": "default", "agents": ["*"], "hash": HASH}
ISSUER = {
    "id": "login",
    "issuer": "https://login.example.com",
    "jwks": "https://login.example.com/jwks.json",
    "algorithm": "RS256",
    "audience": "moltghost",
}
CERTIFICATE = {"id": "vpc", "agents": ["*"], "common_name": "vpc.example.com", "authority": "A5" * 20}
HOOK = {"id": "crm", "agent": "helper"}

Change = Callable[[Path], None]


@dataclass(frozen=True)
class Fault:
    """A change of the fleet, the stack whose file is at fault, the place in it, and what must be said."""

    name: str
    change: Change
    stack: str
    path: str
    says: str


def of(stack: str, change: Callable[[Config], object]) -> Change:
    return lambda folder: change_stack(folder, stack, change)


def another_tenant(change: Callable[[Config], object] = lambda _: None, identity: str = "globex") -> Change:
    """A second customer like the first, by another id."""
    return lambda folder: clone_stack(folder, "acme", "globex", both(put(identity, T, "id"), change))


def with_nodes_of_its_own(change: Change) -> Change:
    """A change, and the first customer has use1's L40S to itself."""

    def changes(folder: Path) -> None:
        change(folder)
        change_stack(folder, "use1", put("acme", "moltghost:pools", "l40s", "tenant"))

    return changes


def with_both(value: object, *steps: str | int) -> Change:
    """Two customers that have one thing in common."""

    def change(folder: Path) -> None:
        another_tenant(put(value, *steps))(folder)
        change_stack(folder, "acme", put(value, *steps))

    return change


def in_virginia(config: Config) -> None:
    """Oregon's stack, with all it has at AWS in Virginia."""
    put("us-east-1", R, "aws", "region")(config)
    put(["us-east-1a", "us-east-1b", "us-east-1c"], "moltghost:eks", "zones")(config)
    for pool, zone in {"a100": "us-east-1b", "h100": "us-east-1a"}.items():
        put([zone], "moltghost:pools", pool, "zones")(config)


def at_site(
    stack: str, change: Callable[[Config], object], elsewhere: Callable[[Config], object] = lambda _: None
) -> Change:
    """A fleet with nodes and an agent at a site, but for a change of one stack, and one of those beside it."""

    def changes(folder: Path) -> None:
        with_site(folder)
        change_stack(folder, stack, change)
        change_stack(folder, "acme" if stack == "use1" else "global", elsewhere)

    return changes


def two_agents(config: Config) -> None:
    """Both of the customer's agents at the site."""
    config[W]["sites"]["analyst"] = "dc1"
    config[T]["agents"][1]["model"] = "qwen3-image"


FAULTS = [
    Fault(
        "two global stacks",
        lambda folder: clone_stack(folder, "global", "second", lambda _: None),
        "second",
        "moltghost:kind",
        "Pulumi.global.yaml is already",
    ),
    Fault(
        "no global stack",
        lambda folder: (folder / "Pulumi.global.yaml").unlink(),
        "acme",
        "moltghost:global_stack",
        "leads nowhere",
    ),
    Fault(
        "global by another name",
        of("sin", put("organization/moltghost/globe", "moltghost:global_stack")),
        "sin",
        "moltghost:global_stack",
        "Name organization/moltghost/global",
    ),
    Fault(
        "region's stack by another name",
        of("acme", put("organization/moltghost/sin", S, "use1")),
        "acme",
        f"{S}.use1",
        "is not the stack of region use1",
    ),
    Fault(
        "region declared twice",
        lambda folder: clone_stack(folder, "sin", "singapore", put("10.64.0.0/14", R, "block")),
        "singapore",
        f"{R}.name",
        "is a region twice",
    ),
    Fault(
        "region nobody lists",
        of("global", both(take(G, "sin"), take(SITES, 0))),
        "sin",
        f"{R}.name",
        "Add `sin: {block: 10.16.0.0/14}`",
    ),
    Fault("block is another", of("sin", put("10.64.0.0/14", R, "block")), "sin", f"{R}.block", "is not 10.16.0.0/14"),
    Fault("blocks overlap", of("jkt", put("10.16.0.0/14", R, "block")), "sin", f"{R}.block", "overlaps 10.16.0.0/14"),
    Fault(
        "region listed for nothing",
        lambda folder: (folder / "Pulumi.jkt.yaml").unlink(),
        "global",
        f"{G}.jkt",
        "has no stack",
    ),
    Fault(
        "another zone",
        of("sin", put("f" * 32, "moltghost:edge", "zone_id")),
        "sin",
        "moltghost:edge.zone_id",
        "Write one in both",
    ),
    Fault(
        "home that is no region",
        of(
            "acme",
            both(
                put("fra", W, "home"),
                put(["fra", "usw2"], W, "residency"),
                take(S, "use1"),
                put("organization/moltghost/fra", S, "fra"),
            ),
        ),
        "acme",
        f"{W}.home",
        "Name one of sin, jkt, use1, usw2",
    ),
    Fault(
        "residency that is no region",
        of("acme", put(["use1", "usw2", "mars"], W, "residency")),
        "acme",
        f"{W}.residency[2]",
        "is not listed in Pulumi.global.yaml",
    ),
    Fault(
        "class home has not",
        of(
            "acme",
            both(
                put("sin", W, "home"),
                put(["sin", "usw2"], W, "residency"),
                take(S, "use1"),
                put("organization/moltghost/sin", S, "sin"),
            ),
        ),
        "acme",
        f"{T}.agents[0].gpu_class",
        "is not offered in region sin",
    ),
    Fault(
        "class failover has not",
        of(
            "acme",
            both(
                put("jkt", W, "failover"),
                put(["use1", "jkt"], W, "residency"),
                take(S, "usw2"),
                put("organization/moltghost/jkt", S, "jkt"),
            ),
        ),
        "acme",
        f"{T}.agents[1].gpu_class",
        "Choose one of h100",
    ),
    Fault("failover beside home", of("usw2", in_virginia), "acme", "moltghost:placement.failover", "lost with it"),
    Fault(
        "more promised than there is",
        another_tenant(both(put(56, T, "quota", "gpus"))),
        "globex",
        f"{T}.quota.gpus",
        "promised in region use1 to 58; it has 56",
    ),
    Fault(
        "more promised than is open to it",
        with_nodes_of_its_own(another_tenant(put(40, T, "quota", "gpus"))),
        "globex",
        f"{T}.quota.gpus",
        "is more than the 32 GPUs of region use1 it can be on",
    ),
    Fault(
        "a class that is another tenant's alone",
        with_nodes_of_its_own(another_tenant()),
        "globex",
        f"{T}.agents[0].gpu_class",
        "is not offered in region use1 but on other tenants' nodes",
    ),
    Fault(
        "an agent larger than its share of a node",
        of("acme", both(put(300, T, "agents", 0, "memory_gib"), put(600, T, "quota", "memory_gib"))),
        "acme",
        f"{T}.agents[0].memory_gib",
        "a node of region use1 has for each l40s",
    ),
    Fault(
        "more cores than a GPU has beside it",
        of("acme", both(put(8, T, "agents", 0, "cpu"), put(20, T, "quota", "cpu"))),
        "acme",
        f"{T}.agents[0].cpu",
        "is more than the 7.4",
    ),
    Fault(
        "GPUs that are no whole nodes",
        with_nodes_of_its_own(of("use1", put("g6e.12xlarge", "moltghost:pools", "l40s", "instance_type"))),
        "acme",
        f"{T}.quota.gpus",
        "2 GPUs are no whole number of g6e.12xlarge (4 GPUs each). Choose a multiple of 4",
    ),
    Fault(
        "more volumes than AWS gives a region",
        of("acme", put(60_000, T, "quota", "volumes_gb")),
        "use1",
        "moltghost:pools",
        "GB of gp3 volumes in a region",
    ),
    Fault("joined to nothing", of("global", take(SITES, 0)), "sin", MESH, "is no site of Pulumi.global.yaml"),
    Fault("a site without gateways", of("sin", take(MESH)), "global", f"{SITES}[0]", "is a region without gateways"),
    Fault(
        "a site that is not joined",
        of("sin", put(False, MESH, "joined")),
        "global",
        f"{SITES}[0]",
        "Say `joined: true` in its stack",
    ),
    Fault(
        "a site of half its VPC",
        of("global", put(["10.16.0.0/17"], SITES, 0, "ranges")),
        "global",
        f"{SITES}[0].ranges",
        "Write [10.16.0.0/16]",
    ),
    Fault(
        "a gateway more than the region makes",
        of("sin", both(put(3, MESH, "gateways"), put({"L-0263D0A3": 10}, "moltghost:eks", "quotas"))),
        "global",
        f"{SITES}[0].gateways",
        "has planes a, b; the region makes a, b, c",
    ),
    Fault(
        "a region without an endpoint",
        of("global", take(SITES, 0, "gateways", 0, "endpoint")),
        "global",
        f"{SITES}[0].gateways[0].endpoint",
        "Copy mesh_addresses.a of `pulumi stack output --stack sin`",
    ),
    Fault(
        "an endpoint no Elastic IP is",
        of("global", put("2001:db8::1", SITES, 0, "gateways", 0, "endpoint")),
        "global",
        f"{SITES}[0].gateways[0].endpoint",
        "is no Elastic IP",
    ),
    Fault(
        "packets AWS cuts",
        of("global", put(9001, SITES, 0, "underlay_mtu")),
        "global",
        f"{SITES}[0].underlay_mtu",
        "carries 1500 bytes",
    ),
    Fault(
        "a machine in the cloud",
        of("global", put(MACHINE, SITES, 0, "gateways", 0, "machine")),
        "global",
        f"{SITES}[0].gateways[0].machine",
        "is one Pulumi.sin.yaml makes",
    ),
    Fault(
        "more ports to other sites than a group takes",
        of("sin", put(list(range(9000, 9020)), MESH, "ports")),
        "sin",
        MESH,
        "rules of a security group, one way: nodes",
    ),
    Fault(
        "pool of nobody",
        of("use1", put("umbrella", "moltghost:pools", "l40s", "tenant")),
        "use1",
        "moltghost:pools.l40s.tenant",
        "Name one of acme",
    ),
    Fault(
        "pool of a tenant elsewhere",
        of("sin", put("acme", "moltghost:pools", "a100", "tenant")),
        "sin",
        "moltghost:pools.a100.tenant",
        "is no tenant of this region",
    ),
    Fault(
        "an agent without a way out",
        of("acme", put([{"cidr": "1.1.1.0/24", "ports": [443]}], T, "agents", 0, "egress")),
        "acme",
        f"{T}.agents[0].egress[0].cidr",
        "Add the range with its ports to moltghost:eks.egress of Pulumi.use1.yaml",
    ),
    Fault(
        "nodes at no site",
        at_site("use1", put("dc2", MESH, "nodes_at", 0, "site")),
        "use1",
        f"{MESH}.nodes_at[0].site",
        "is no site of the global stack. List it under moltghost:sites there, or name one of dc1",
    ),
    Fault(
        "nodes at a region",
        at_site("use1", put("sin", MESH, "nodes_at", 0, "site")),
        "use1",
        f"{MESH}.nodes_at[0].site",
        "is of kind region: it has no machines for agents. Name a site of kind gpu or metal",
    ),
    Fault(
        "nodes at a site joined to another region",
        at_site("global", put(["sin"], SITES, 4, "neighbours")),
        "use1",
        f"{MESH}.nodes_at[0].site",
        "is not joined to this region. Add use1 to its `neighbours`",
    ),
    Fault(
        "nodes where EKS takes none from",
        at_site("global", put(["100.64.0.0/24"], SITES, 4, "ranges")),
        "use1",
        f"{MESH}.nodes_at[0].site",
        "has 100.64.0.0/24, where EKS takes no nodes from",
    ),
    Fault(
        "nodes behind a narrow way",
        at_site("global", put(1480, SITES, 4, "underlay_mtu")),
        "use1",
        f"{MESH}.nodes_at[0].site",
        "is reached by tunnels of 1400 bytes, too few for pods' packets within",
    ),
    Fault(
        "nodes of two clusters",
        at_site("usw2", put([dict(MACHINES)], MESH, "nodes_at"), put(["use1", "usw2"], SITES, 4, "neighbours")),
        "usw2",
        f"{MESH}.nodes_at[0].site",
        "has machines that are nodes of Pulumi.use1.yaml's region already",
    ),
    Fault(
        "an agent at a site without nodes",
        at_site("use1", take(MESH, "nodes_at")),
        "acme",
        f"{W}.sites.helper",
        "has no nodes of use1, usw2. List it under moltghost:mesh.nodes_at of Pulumi.use1.yaml",
    ),
    Fault(
        "an agent at a site of other GPUs",
        at_site("use1", put("h100", MESH, "nodes_at", 0, "gpu_class")),
        "acme",
        f"{T}.agents[0].gpu_class",
        "is not to be had at dc1, whose machines have h100",
    ),
    Fault(
        "an agent too large for its site",
        at_site("use1", put(8, MESH, "nodes_at", 0, "memory_gib")),
        "acme",
        f"{T}.agents[0].memory_gib",
        "Ask for 8.0, or place it elsewhere",
    ),
    Fault(
        "more agents at a site than it has GPUs",
        at_site("use1", both(put(1, MESH, "nodes_at", 0, "machines"), put(1, MESH, "nodes_at", 0, "gpus")), two_agents),
        "acme",
        f"{W}.sites.analyst",
        "brings the agents at dc1 above its 1 GPUs",
    ),
    Fault("one id twice", another_tenant(identity="acme"), "globex", f"{T}.id", "is a tenant's id twice"),
    Fault("one key of two", with_both([KEY], T, "api_keys"), "globex", f"{T}.api_keys[0].hash", "is a hash twice"),
    Fault("one hook of two", with_both([HOOK], T, "hooks"), "globex", f"{T}.hooks[0].id", "is a hook's id twice"),
    Fault(
        "one issuer of two", with_both([ISSUER], T, "issuers"), "globex", f"{T}.issuers[0].issuer", "is an issuer twice"
    ),
    Fault(
        "one certificate of two",
        with_both([CERTIFICATE], T, "certificates"),
        "globex",
        f"{T}.certificates[0].common_name",
        "is a certificate twice",
    ),
    Fault(
        "certificate of no CA",
        of("acme", put([CERTIFICATE], T, "certificates")),
        "acme",
        f"{T}.certificates[0].authority",
        "is no CA the edge trusts",
    ),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_fleet(tmp_path)


def said(errors: list[object]) -> list[str]:
    return [line for error in errors for line in str(error).splitlines()]


def test_the_committed_fleet_is_sound(folder: Path) -> None:
    judged = judge_folder(folder)
    assert judged.problems() == []
    assert set(judged.plans) == set(STACKS)


def test_a_fleet_with_nodes_at_a_site_is_sound(folder: Path) -> None:
    with_site(folder)
    assert judge_folder(folder).problems() == []


def test_what_an_agent_at_a_site_may_reach_is_asked_of_the_other_region_alone(folder: Path) -> None:
    with_site(folder)
    change_stack(folder, "acme", put([{"cidr": "1.1.1.0/24", "ports": [443]}], T, "agents", 0, "egress"))
    (found,) = judge_folder(folder).verdicts
    assert (found.stack, found.problem.message) == ("acme", "is not open in region usw2 (TCP 443)")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_between_stacks_is_said_of_its_file(fault: Fault, folder: Path) -> None:
    fault.change(folder)
    errors = [one for one in judge_folder(folder).problems() if str(one).startswith(f"Pulumi.{fault.stack}.yaml: ")]
    about = [line for line in said([*errors]) if f"- {fault.path} " in line or f"- {fault.path}:" in line]
    assert any(fault.says in line for line in about), said([*judge_folder(folder).problems()])


def test_each_rule_has_a_fault_that_it_alone_finds(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    found: set[str] = set()
    for fault in FAULTS:
        changed = copy_fleet(tmp_path_factory.mktemp("fleet"))
        fault.change(changed)
        judged = judge_folder(changed)
        found |= {
            rule.__name__
            for rule in RULES
            for verdict in judged.verdicts
            if verdict.problem in [one.problem for one in rule(judged.fleet)]
        }
    assert {rule.__name__ for rule in RULES} <= found


def test_a_file_that_cannot_be_read_lets_the_others_be_judged_without_guesses(folder: Path) -> None:
    (folder / "Pulumi.use1.yaml").write_text("config: [")
    change_stack(folder, "sin", put("f" * 32, "moltghost:edge", "zone_id"))
    names = [str(error).partition(":")[0] for error in judge_folder(folder).problems()]
    assert names == ["Pulumi.use1.yaml", "Pulumi.sin.yaml"]


def test_check_without_a_stack_is_of_all_of_them(folder: Path) -> None:
    good = CliRunner().invoke(check, ["--folder", str(folder)])
    assert good.exit_code == 0, good.stderr
    assert [line.partition(":")[0] for line in good.stdout.splitlines() if line.endswith("no problem")] == [
        "global", "jkt", "sin", "use1", "usw2", "acme",
    ]  # fmt: skip
    change_stack(folder, "jkt", put("10.16.0.0/14", R, "block"))
    bad = CliRunner().invoke(check, ["--folder", str(folder)])
    assert bad.exit_code == 1
    assert bad.stdout == ""
    assert "Pulumi.jkt.yaml: 1 problem" in bad.stderr
    assert "Pulumi.sin.yaml: 1 problem" in bad.stderr


def test_check_of_a_stack_says_what_concerns_it_and_no_more(folder: Path) -> None:
    change_stack(folder, "acme", put([CERTIFICATE], T, "certificates"))
    for stack, exit_code in (("acme", 1), ("global", 1), ("sin", 0)):
        assert CliRunner().invoke(check, [stack, "--folder", str(folder)]).exit_code == exit_code, stack


def test_no_record_is_written_by_two_customers_unless_it_is_found(tmp_path: Path) -> None:
    common = {"api_keys": KEY, "issuers": ISSUER, "certificates": CERTIFICATE, "hooks": HOOK}
    everything = both(
        *(put([value], T, name) for name, value in common.items()), put(["https://app.example.com"], T, "origins")
    )
    copy_fleet(tmp_path)
    another_tenant(everything)(tmp_path)
    change_stack(tmp_path, "acme", everything)
    judged = judge_folder(tmp_path)
    written = []
    for stack in ("acme", "globex"):
        plan = judged.plans[stack]
        assert isinstance(plan, CustomerPlan)
        spec = tenant_edge_spec(plan.settings.tenant, plan.regions[0], "0" * 32, plan.regions)
        written.append({(place, one.key) for place, records in build_records(spec).items() for one in records})
    found = {verdict.problem.path for verdict in judged.verdicts if " twice: " in verdict.problem.message}
    assert len(written[0] & written[1]) == len(common) == len(found)
