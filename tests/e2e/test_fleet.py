"""Stacks of every kind, by the real engine: what regions share, two regions that make their clusters, and customers.

What is there is asked of AWS by boto3, and of each cluster by kubectl with the kubeconfig its stack tells.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from components.cluster.cilium_manifests import NOT_READY_TAINT
from infra.local.aws.eks.hosting import PREFIX, TOOLS
from infra.local.machine import Mode
from infra.local.orphans import instance_processes
from infra.local.region import LocalRegion
from infra.settings import GlobalSettings, load_settings
from runtime.contract import labels
from tests.e2e.conftest import PROJECT
from tests.e2e.fleet import MadeFleet

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

SLOT = 12
AWS_REGIONS = {"use1": "us-east-1", "usw2": "us-west-2"}
REGIONS = tuple(AWS_REGIONS)
PLACEMENTS: dict[str, dict[str, Any]] = {
    "acme": {"home": "use1", "failover": "usw2", "residency": ["use1", "usw2"]},
    "globex": {"home": "use1", "residency": ["use1"]},
}
ENDPOINTS = {
    "s3",
    "ecr.api",
    "ecr.dkr",
    "sts",
    "kms",
    "logs",
    "eks",
    "eks-auth",
    "ec2",
    "autoscaling",
    "secretsmanager",
}
"""The services nodes reach without leaving the VPC."""


@pytest.fixture(scope="module")
def fleet() -> Iterator[MadeFleet]:
    """The fleet, deployed; what an interrupted run left is cleared first."""
    clouds = LocalRegion(PROJECT / f".state-{SLOT}", SLOT, Mode.CLOUDS)
    made = MadeFleet(dict.fromkeys(REGIONS, clouds), PLACEMENTS)
    made.down()
    try:
        made.start()
        made.up()
        yield made
    finally:
        made.down()


@dataclass(frozen=True)
class Account:
    """One AWS region, looked at from outside."""

    fleet: MadeFleet
    name: str

    def client(self, service: str) -> Any:
        """A client of boto3's own, which knows nothing of the provider."""
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.fleet.clouds.addresses.aws}",
            region_name=AWS_REGIONS[self.name],
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    @cached_property
    def ec2(self) -> Any:
        return self.client("ec2")

    @property
    def vpcs(self) -> list[str]:
        """The networks that stacks made."""
        return [one["VpcId"] for one in self.ec2.describe_vpcs()["Vpcs"] if not one["IsDefault"]]

    def of_vpc(self, what: str, key: str) -> list[dict[str, Any]]:
        """Things of the region's one network."""
        (vpc,) = self.vpcs
        found: list[dict[str, Any]] = getattr(self.ec2, what)(Filters=[{"Name": "vpc-id", "Values": [vpc]}])[key]
        return found

    def subnets(self, role: str) -> dict[str, str]:
        """The zones of the subnets of a role, by their ids."""
        return {
            one["SubnetId"]: one["AvailabilityZone"]
            for one in self.of_vpc("describe_subnets", "Subnets")
            if any(tag["Key"] == "moltghost:role" and tag["Value"].startswith(f"{role}-") for tag in one["Tags"])
        }

    def groups(self) -> list[dict[str, Any]]:
        """Every node group of the cluster."""
        eks = self.client("eks")
        (cluster,) = eks.list_clusters()["clusters"]
        names = eks.list_nodegroups(clusterName=cluster)["nodegroups"]
        return [eks.describe_nodegroup(clusterName=cluster, nodegroupName=name)["nodegroup"] for name in names]

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl as the deployer, with the kubeconfig that the region's stack tells."""
        state = self.fleet.clouds.state
        kubeconfig = state / f"{self.name}.kubeconfig"
        if not kubeconfig.exists():
            kubeconfig.write_text(self.fleet.engines[self.name].stack_output(show_secrets=True)["kubeconfig"])
        program = self.fleet.clouds.tools.ensure(["kubectl"], lambda _line: None)["kubectl"]
        path = os.pathsep.join([str(Path(sys.executable).parent), os.defpath])
        done = subprocess.run(
            [str(program), f"--kubeconfig={kubeconfig}", *arguments],
            env={**self.fleet.deployer, "PATH": path, "HOME": str(state)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def objects(self, *what: str) -> list[dict[str, Any]]:
        """Objects of the cluster."""
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", *what, "-o", "json"))["items"]
        return found


@pytest.fixture(params=REGIONS)
def account(request: pytest.FixtureRequest, fleet: MadeFleet) -> Account:
    return Account(fleet, request.param)


def routes(fleet: MadeFleet) -> dict[str, list[str]]:
    """Where each agent lives, as the Worker reads it."""
    account = load_settings(fleet.engines["global"].config_file, GlobalSettings).edge.account_id
    namespace = fleet.engines["global"].stack_output()["namespaces"]["routes"]
    root = f"http://127.0.0.1:{fleet.clouds.addresses.cloudflare}/client/v4/accounts/{account}/storage/kv/namespaces"
    with httpx.Client(headers={"authorization": "Bearer local"}, trust_env=False) as client:
        keys = [one["name"] for one in client.get(f"{root}/{namespace}/keys").raise_for_status().json()["result"]]
        values = {key: client.get(f"{root}/{namespace}/values/{key}").raise_for_status().json() for key in keys}
    return {key: value["regions"] for key, value in values.items() if "regions" in value}


def test_a_second_preview_of_every_stack_is_empty(fleet: MadeFleet) -> None:
    with ThreadPoolExecutor(2) as pool:
        previews = dict(
            zip(fleet.engines, pool.map(lambda one: one.preview_json(), fleet.engines.values()), strict=True)
        )
    for stack, preview in previews.items():
        assert set(preview["changeSummary"]) == {"same"}, f"{stack}: {preview['changeSummary']}"


def test_nodes_and_databases_have_no_way_to_or_from_the_internet(account: Account) -> None:
    private = {**account.subnets("nodes"), **account.subnets("database")}
    assert len(private) == 6
    assert len(set(private.values())) == 3, "three zones"
    assert not any(one["MapPublicIpOnLaunch"] for one in account.of_vpc("describe_subnets", "Subnets"))
    tables = {
        association["SubnetId"]: table["Routes"]
        for table in account.of_vpc("describe_route_tables", "RouteTables")
        for association in table["Associations"]
        if "SubnetId" in association
    }
    for subnet in private:
        assert not any(route.get("GatewayId", "").startswith("igw-") for route in tables[subnet]), subnet
        assert "0.0.0.0/0" not in {route.get("DestinationCidrBlock") for route in tables[subnet]}, subnet
    running = [one for each in account.ec2.describe_instances()["Reservations"] for one in each["Instances"]]
    assert {one["SubnetId"] for one in running} <= set(account.subnets("nodes"))
    assert not any(one.get("PublicIpAddress") for one in running)


def test_the_services_nodes_need_are_in_the_network(account: Account) -> None:
    found = account.of_vpc("describe_vpc_endpoints", "VpcEndpoints")
    prefix = f"com.amazonaws.{AWS_REGIONS[account.name]}."
    assert {one["ServiceName"].removeprefix(prefix) for one in found} == ENDPOINTS
    inside = [one for one in found if one["VpcEndpointType"] == "Interface"]
    assert all(set(one["SubnetIds"]) == set(account.subnets("nodes")) for one in inside)


def test_the_control_plane_is_private_encrypted_and_logged(account: Account) -> None:
    eks = account.client("eks")
    (name,) = eks.list_clusters()["clusters"]
    cluster = eks.describe_cluster(name=name)["cluster"]
    network = cluster["resourcesVpcConfig"]
    assert (network["endpointPrivateAccess"], network["endpointPublicAccess"]) == (True, False)
    assert set(network["subnetIds"]) == set(account.subnets("nodes"))
    (encryption,) = cluster["encryptionConfig"]
    assert encryption["resources"] == ["secrets"]
    key = account.client("kms").describe_key(KeyId=encryption["provider"]["keyArn"])["KeyMetadata"]
    assert (key["KeyManager"], key["KeyState"]) == ("CUSTOMER", "Enabled")
    assert {"api", "audit", "authenticator"} <= set(cluster["logging"]["clusterLogging"][0]["types"])
    admins = eks.list_access_entries(clusterName=name)["accessEntries"]
    assert admins == ["arn:aws:iam::123456789012:role/moltghost-deployer"]


def test_pools_are_nodes_with_their_labels_taints_and_gpus(account: Account) -> None:
    groups = account.groups()
    gpu = [group for group in groups if "-l40s-" in group["nodegroupName"]]
    assert len(gpu) == 3, "one a zone"
    for group in groups:
        assert NOT_READY_TAINT in {taint["key"] for taint in group["taints"]}
    for group in gpu:
        assert {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"} in group["taints"]
    (asg,) = account.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=[gpu[0]["resources"]["autoScalingGroups"][0]["name"]]
    )["AutoScalingGroups"]
    tags = {tag["Key"]: tag["Value"] for tag in asg["Tags"]}
    assert tags["k8s.io/cluster-autoscaler/node-template/resources/nvidia.com/gpu"] == "1"

    nodes = account.objects("nodes", "-l", f"{labels.GPU_CLASS}=l40s")
    assert {node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes} == set(
        account.subnets("nodes").values()
    )
    for node in nodes:
        # Cilium's own is gone: its pod is there.
        assert [taint["key"] for taint in node["spec"]["taints"]] == ["nvidia.com/gpu"]
        assert node["status"]["allocatable"]["nvidia.com/gpu"] == "1"


def test_the_platform_is_applied_and_on_the_system_pool(account: Account) -> None:
    system = {one["metadata"]["name"] for one in account.objects("nodes", "-l", f"{labels.PURPOSE}=system")}
    assert len(system) == 3
    gateways = account.objects("pods", "-n", "moltghost-system", "-l", f"{labels.ROLE}={labels.ROLE_GATEWAY}")
    assert {one["spec"]["nodeName"] for one in gateways} == system, "one gateway a node"
    assert account.objects("daemonsets", "-n", "kube-system", "-l", "k8s-app=cilium")


def test_the_database_is_in_two_zones_encrypted_and_private(account: Account) -> None:
    (database,) = account.client("rds").describe_db_instances()["DBInstances"]
    assert (database["MultiAZ"], database["StorageEncrypted"], database["PubliclyAccessible"]) == (True, True, False)
    assert database["BackupRetentionPeriod"] == 14
    in_group = {one["SubnetIdentifier"] for one in database["DBSubnetGroup"]["Subnets"]}
    assert in_group == set(account.subnets("database"))


def test_snapshots_are_copied_to_the_other_region_where_there_is_one(fleet: MadeFleet) -> None:
    s3 = Account(fleet, "use1").client("s3")
    buckets = [one["Name"] for one in s3.list_buckets()["Buckets"]]
    home, failover = (next(one for one in buckets if f"-acme-{region}-" in one) for region in REGIONS)
    for source, target, region in ((home, failover, "usw2"), (failover, home, "use1")):
        replication = s3.get_bucket_replication(Bucket=source)["ReplicationConfiguration"]
        (rule,) = replication["Rules"]
        destination = rule["Destination"]
        assert (rule["Status"], destination["Bucket"]) == ("Enabled", f"arn:aws:s3:::{target}")
        key = destination["EncryptionConfiguration"]["ReplicaKmsKeyID"]
        about = Account(fleet, region).client("kms").describe_key(KeyId=key)["KeyMetadata"]
        assert (about["MultiRegion"], about["KeyState"]) == (True, "Enabled")
        assert Account(fleet, "use1").client("iam").get_role(RoleName=replication["Role"].rpartition("/")[2])
    (kept,) = [one for one in buckets if "-globex-" in one]
    with pytest.raises(s3.exceptions.ClientError, match="ReplicationConfigurationNotFoundError"):
        s3.get_bucket_replication(Bucket=kept)


def test_a_customer_is_where_its_placement_says_and_nowhere_else(fleet: MadeFleet) -> None:
    wanted = {
        "use1": {"acme-use1-agents/helper", "globex-use1-agents/analyst"},
        "usw2": {"acme-usw2-agents/helper"},
    }
    for region, agents in wanted.items():
        account = Account(fleet, region)
        found = account.objects("sandboxes", "-A")
        assert {f"{one['metadata']['namespace']}/{one['metadata']['labels'][labels.AGENT]}" for one in found} == agents
        conditions = [{each["type"]: each["status"] for each in one["status"]["conditions"]} for one in found]
        assert all(each["Ready"] == "True" for each in conditions)
        for volume in data_volumes(account):
            key = account.client("kms").describe_key(KeyId=volume["KmsKeyId"])["KeyMetadata"]
            assert (volume["Encrypted"], key["KeyManager"]) == (True, "CUSTOMER")
        assert len(data_volumes(account)) == len(agents)
    assert sorted(routes(fleet).values()) == [["use1"], ["use1", "usw2"]]


def data_volumes(account: Account) -> list[dict[str, Any]]:
    """What agents' claims were given."""
    made = [{"Name": "tag-key", "Values": ["kubernetes.io/created-for/pvc/name"]}]
    found: list[dict[str, Any]] = account.ec2.describe_volumes(Filters=made)["Volumes"]
    return found


def test_no_secret_is_in_a_state_or_an_output_in_the_clear(fleet: MadeFleet) -> None:
    assert fleet.engines["use1"].stack_output()["kubeconfig"] == "[secret]"
    hidden = [fleet.clouds.credentials.pepper(), fleet.deployer["AWS_SECRET_ACCESS_KEY"]]
    files = list((fleet.clouds.state / "pulumi").rglob("*.json"))
    assert files
    for file in files:
        text = file.read_text()
        assert not any(one in text for one in hidden), file


def left(account: Account) -> dict[str, list[Any]]:
    """Everything there is of what stacks made, by its kind; what AWS keeps of itself is left out."""
    ec2 = account.ec2
    roles = account.client("iam").list_roles()["Roles"]
    pages = account.client("kms").get_paginator("list_keys").paginate()
    keys = [account.client("kms").describe_key(KeyId=one["KeyId"]) for page in pages for one in page["Keys"]]
    return {
        "networks": account.vpcs,
        "addresses": ec2.describe_addresses()["Addresses"],
        "endpoints": [one for one in ec2.describe_vpc_endpoints()["VpcEndpoints"] if one["State"] != "deleted"],
        "gateways": [one for one in ec2.describe_nat_gateways()["NatGateways"] if one["State"] != "deleted"],
        "instances": [
            one["InstanceId"]
            for each in ec2.describe_instances()["Reservations"]
            for one in each["Instances"]
            if one["State"]["Name"] != "terminated"
        ],
        "templates": ec2.describe_launch_templates()["LaunchTemplates"],
        "scaling groups": account.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"],
        "clusters": account.client("eks").list_clusters()["clusters"],
        "databases": account.client("rds").describe_db_instances()["DBInstances"],
        "buckets": account.client("s3").list_buckets()["Buckets"],
        "logs": account.client("logs").describe_log_groups()["logGroups"],
        "roles": [one["RoleName"] for one in roles if one["RoleName"] != "moltghost-deployer"],
        "keys": [one["KeyMetadata"]["Arn"] for one in keys if one["KeyMetadata"]["KeyState"] != "PendingDeletion"],
    }


def test_a_destroy_in_the_other_order_leaves_nothing(fleet: MadeFleet) -> None:
    """The last test: the fleet isn't brought up again. Only customers' volumes stay, as their class says."""
    kept = {region: len(data_volumes(Account(fleet, region))) for region in REGIONS}
    fleet.destroy()
    for region in REGIONS:
        account = Account(fleet, region)
        assert {kind: found for kind, found in left(account).items() if found} == {}, region
        assert len(data_volumes(account)) == kept[region] > 0
    assert not [one.name for one in fleet.clouds.machine.status() if one.name.startswith(PREFIX)]
    programs = {Path(one.cmdline()[0]).name for one in instance_processes(fleet.clouds.state)}
    assert programs.isdisjoint(TOOLS), "no control plane runs"
