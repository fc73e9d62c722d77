"""The committed global, region and tenant stacks as the engine is told of them, each from what the others export."""

import base64
import json
from pathlib import Path

import pytest

from infra.stacks import worker
from runtime.contract import edge, env
from tests.program.fleet import ORGANIZATION, REGIONS, SECRETS, TUNNEL_SECRET, committed, run, told
from tests.program.recording import Recording, Registered, Secret, record
from tests.stack_files import engine_config


def names(resources: list[Registered]) -> set[str]:
    return {each.name for each in resources}


@pytest.mark.parametrize("stack", ["global", *REGIONS, "acme"])
def test_every_resource_is_made_by_a_provider_of_the_stacks_own(stack: str, whole: dict[str, Recording]) -> None:
    recording = whole[stack]
    assert recording.resources
    for each in recording.resources:
        if each.custom and not each.type.startswith("pulumi:"):
            assert each.provider, f"{each.name} would go to a default provider"
    assert {each.urn for each in recording.resources} <= recording.awaited


def test_the_global_stack_knows_each_region_by_its_tunnels_name(whole: dict[str, Recording]) -> None:
    records = whole["global"].of("cloudflare:index/workersKv:WorkersKv")
    origins = {each.inputs["keyName"]: json.loads(each.inputs["value"])["origin"] for each in records}
    assert origins == {
        edge.region_key(region): f"https://origin-{region}.moltghost.example"
        for region in ("sin", "jkt", "use1", "usw2")
    }
    assert whole["global"].exports["regions"] == ["jkt", "sin", "use1", "usw2"]


def test_the_global_stack_steers_between_regions_that_are_up_and_pushes_its_logs(whole: dict[str, Recording]) -> None:
    config = committed("global")
    stacks = {region: f"{ORGANIZATION}/{region}" for region in REGIONS}
    config["moltghost:steering"] = {"hostname": "any.moltghost.example", "region_stacks": stacks}
    destination = "s3://moltghost-logs/{}?region=us-east-1"
    config["moltghost:logs"] = {name: destination.format(name) for name in ("requests", "worker")}
    challenges = {f"moltghost:{name}LogChallenge": f"a {name} challenge" for name in ("requests", "worker")}
    exported = {f"{ORGANIZATION}/{name}": told(one) for name, one in whole.items()}
    recording = record(engine_config(config), {**SECRETS["global"], **challenges}, exported)
    (balancer,) = recording.of("cloudflare:index/loadBalancer:LoadBalancer")
    assert balancer.inputs["defaultPools"] == [whole[region].exports["pool"] for region in REGIONS]
    assert balancer.inputs["steeringPolicy"] == "proximity"
    jobs = recording.of("cloudflare:index/logpushJob:LogpushJob")
    assert {each.inputs["dataset"] for each in jobs} == {"http_requests", "workers_trace_events"}
    assert all(isinstance(each.inputs["ownershipChallenge"], Secret) for each in jobs)
    script = recording.one("cloudflare:index/workersScript:WorkersScript", "platform-global-worker")
    assert script.inputs["logpush"] is True


def test_a_version_on_trial_leaves_the_worker_that_runs_alone_and_has_its_bindings(
    whole: dict[str, Recording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "index.js"
    script.write_text("export default { fetch: () => new Response('new') }")
    monkeypatch.setattr(worker, "BUILT", script)
    config, stable = committed("global"), "00000000-0000-4000-8000-000000000001"
    config["moltghost:rollout"] = {"stable": stable, "percent": 10}
    recording = record(engine_config(config), SECRETS["global"])
    runs = recording.one("cloudflare:index/workersScript:WorkersScript", "platform-global-worker")
    (version,) = recording.of("cloudflare:index/workerVersion:WorkerVersion")
    assert base64.b64decode(version.inputs["modules"][0]["contentBase64"]).decode() == script.read_text()
    assert version.inputs["workerId"] == runs.inputs["scriptName"]
    assert {one["name"] for one in version.inputs["bindings"]} == {one["name"] for one in runs.inputs["bindings"]}
    assert {one["type"] for one in version.inputs["bindings"]} == {"inherit"}
    (deployment,) = recording.of("cloudflare:index/workersDeployment:WorkersDeployment")
    shares = [(each["versionId"], each["percentage"]) for each in deployment.inputs["versions"]]
    assert shares == [(stable, 90), (f"{version.name}-id", 10)]
    assert {each.urn for each in recording.resources} <= recording.awaited
    assert not whole["global"].of("cloudflare:index/workerVersion:WorkerVersion")


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_makes_its_network_cluster_and_database(region: str, whole: dict[str, Recording]) -> None:
    recording, settings = whole[region], committed(region)
    (cluster,) = recording.of("aws:eks/cluster:Cluster")
    vpc_config = cluster.inputs["vpcConfig"]
    assert (vpc_config["endpointPublicAccess"], vpc_config["endpointPrivateAccess"]) == (False, True)
    assert len(vpc_config["subnetIds"]) == 3
    (vpc,) = recording.of("aws:ec2/vpc:Vpc")
    assert vpc.inputs["cidrBlock"].partition("/")[0] == settings["moltghost:region"]["block"].partition("/")[0]
    (database,) = recording.of("aws:rds/instance:Instance")
    assert (database.inputs["multiAz"], database.inputs["manageMasterUserPassword"]) == (True, True)
    assert recording.exports["database"]["secret_arn"].startswith("arn:aws:secretsmanager:")


@pytest.mark.parametrize("region", REGIONS)
def test_nodes_come_after_their_network_and_the_platform_after_them(region: str, whole: dict[str, Recording]) -> None:
    recording = whole[region]
    groups = recording.of("aws:eks/nodeGroup:NodeGroup")
    system = next(each for each in groups if "pool-system" in each.name)
    assert any("cilium" in urn for urn in system.depends_on)
    platform = recording.one("moltghost:cluster:Cluster", f"platform-{region}-cluster")
    assert any("pool-system" in urn for urn in platform.depends_on)


@pytest.mark.parametrize("region", REGIONS)
def test_a_regions_only_way_in_is_its_tunnel(region: str, whole: dict[str, Recording]) -> None:
    recording = whole[region]
    (balancer,) = recording.of("cloudflare:index/loadBalancer:LoadBalancer")
    assert balancer.inputs["name"] == f"origin-{region}.moltghost.example"
    secret = recording.one("kubernetes:core/v1:Secret", f"platform-{region}-connector")
    assert isinstance(secret.inputs["data"]["token"], Secret)
    assert TUNNEL_SECRET not in str([each.inputs for each in recording.resources if "kubernetes" in each.type])
    services = recording.of("kubernetes:core/v1:Service")
    assert {each.inputs["spec"].get("type", "ClusterIP") for each in services} == {"ClusterIP"}


def test_a_customer_with_failover_is_whole_in_both_regions(whole: dict[str, Recording]) -> None:
    sandboxes = whole["acme"].of("kubernetes:agents.x-k8s.io/v1beta1:Sandbox")
    assert names(sandboxes) == {f"acme-{region}-{agent}" for region in REGIONS for agent in ("helper", "analyst")}
    for region in REGIONS:
        assert {f"acme-{region}-namespace", f"acme-{region}-quota"} <= names(whole["acme"].resources)


def test_a_customers_routes_name_its_home_first(whole: dict[str, Recording]) -> None:
    records = {
        each.inputs["keyName"]: each.inputs["value"]
        for each in whole["acme"].of("cloudflare:index/workersKv:WorkersKv")
    }
    for agent in ("helper", "analyst"):
        assert json.loads(records[edge.route_key("acme", agent)])["regions"] == ["use1", "usw2"]


def test_a_customer_without_failover_is_at_home_alone(whole: dict[str, Recording]) -> None:
    config = committed("acme")
    config["moltghost:placement"] = {"home": "use1", "residency": ["use1", "usw2"]}
    del config["moltghost:region_stacks"]["usw2"]
    recording = run(config, whole)
    assert names(recording.of("kubernetes:agents.x-k8s.io/v1beta1:Sandbox")) == {
        "acme-use1-helper",
        "acme-use1-analyst",
    }
    assert not [each.name for each in recording.resources if "usw2" in each.name]


def sources(recording: Recording) -> dict[str, str | None]:
    """Where each agent goes on from, by its Sandbox's name."""
    return {
        each.name: {one["name"]: one["value"] for one in container["env"]}.get(env.RESUME_FROM)
        for each in recording.of("kubernetes:agents.x-k8s.io/v1beta1:Sandbox")
        for container in each.inputs["spec"]["podTemplate"]["spec"]["containers"]
    }


def test_agents_with_failover_go_on_from_what_is_copied_to_their_own_region(whole: dict[str, Recording]) -> None:
    acme = whole["acme"]
    buckets = {region: acme.exports["regions"][region]["bucket"] for region in REGIONS}
    assert sources(acme) == {
        f"acme-{region}-{agent}": f"s3://{buckets[region]}/{agent}/"
        for region in REGIONS
        for agent in ("helper", "analyst")
    }
    copied = [
        rule["destination"]["bucket"].rpartition(":")[2]
        for each in acme.of("aws:s3/bucketReplicationConfig:BucketReplicationConfig")
        for rule in each.inputs["rules"]
    ]
    assert sorted(copied) == sorted(buckets.values())
    assert acme.exports["when_lost"]["use1"].startswith("agents are carried on in usw2")


@pytest.mark.parametrize(
    ("residency", "why"),
    [(["use1"], "residency allows no other"), (["use1", "usw2"], "no failover is named, though it may be in usw2")],
)
def test_agents_without_failover_go_on_nowhere_and_their_stack_says_why(
    residency: list[str], why: str, whole: dict[str, Recording]
) -> None:
    config = committed("acme")
    config["moltghost:placement"] = {"home": "use1", "residency": residency}
    del config["moltghost:region_stacks"]["usw2"]
    recording = run(config, whole)
    assert set(sources(recording).values()) == {None}
    assert not recording.of("aws:s3/bucketReplicationConfig:BucketReplicationConfig")
    assert recording.exports["when_lost"] == {
        "use1": f"agents answer nowhere else: their data is in use1 alone, and {why}"
    }


def test_nothing_of_a_customer_leaves_its_residency(whole: dict[str, Recording]) -> None:
    providers = whole["acme"].of("pulumi:providers:aws")
    assert {each.inputs["region"] for each in providers} == {"us-east-1", "us-west-2"}


def test_a_cluster_is_reached_with_what_its_region_exports_as_a_secret(whole: dict[str, Recording]) -> None:
    for provider in whole["acme"].of("pulumi:providers:kubernetes"):
        assert isinstance(provider.inputs["kubeconfig"], Secret)


def test_a_region_that_is_not_up_yet_is_said_so(whole: dict[str, Recording]) -> None:
    with pytest.raises(Exception, match=r"organization/moltghost/usw2 exports no .*: deploy it"):
        run(committed("acme"), {"global": whole["global"], "use1": whole["use1"]})


def test_a_region_beside_home_takes_nothing_over(whole: dict[str, Recording]) -> None:
    beside = committed("usw2")
    beside["moltghost:region"]["aws"]["region"] = "us-east-1"
    beside["moltghost:eks"]["zones"] = ["us-east-1a", "us-east-1b", "us-east-1c"]
    for pool, zone in {"a100": "us-east-1b", "h100": "us-east-1a"}.items():
        beside["moltghost:pools"][pool]["zones"] = [zone]
    stacks = {**whole, "usw2": run(beside, {"global": whole["global"]})}
    with pytest.raises(Exception, match="use1 and usw2 are both us-east-1 at AWS: what takes over must be elsewhere"):
        run(committed("acme"), stacks)
