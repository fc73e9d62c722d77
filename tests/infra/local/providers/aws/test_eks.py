"""The types of EKS against its record: no cluster runs here."""

from collections.abc import Iterator
from ipaddress import IPv4Network

import pytest

from infra.local.aws.eks import hosting
from infra.local.aws.eks.hosting import Access, Identity
from infra.local.cluster.shell import MachineError
from infra.local.providers.aws.provider import AwsProvider
from infra.local.providers.base import ProviderError, UnfinishedError
from tests.infra.local.providers.aws.conftest import NoMachine
from tests.infra.local.providers.aws.described import Case, Inputs, World

TRUST = '{"Version":"2012-10-17","Statement":[]}'
PRINCIPAL = "arn:aws:iam::123456789012:role/deployer"
ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"


def role(world: World, name: str = "eks") -> str:
    made = world.make("aws:iam/role:Role", {"name": name, "assumeRolePolicy": TRUST})
    return str(made.state["arn"])


def cluster(world: World) -> Inputs:
    vpc = world.vpc()
    return {
        "name": "moltghost-sin",
        "roleArn": role(world),
        "version": "1.36",
        "enabledClusterLogTypes": ["api", "audit"],
        "bootstrapSelfManagedAddons": False,
        "deletionProtection": False,
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
        "encryptionConfig": {
            "provider": {"keyArn": world.make("aws:kms/key:Key", {}).state["arn"]},
            "resources": ["secrets"],
        },
        "kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.100.0.0/16", "ipFamily": "ipv4"},
        "remoteNetworkConfig": {"remoteNodeNetworks": {"cidrs": ["10.32.0.0/24"]}},
        "upgradePolicy": {"supportType": "STANDARD"},
        "vpcConfig": {
            "subnetIds": [world.subnet(vpc, number) for number in range(3)],
            "securityGroupIds": [world.group(vpc)],
            "endpointPrivateAccess": True,
            "endpointPublicAccess": False,
        },
        "tags": {"tier": "platform"},
    }


def made_cluster(world: World) -> Inputs:
    """The inputs of a cluster that is there."""
    inputs = cluster(world)
    world.make("aws:eks/cluster:Cluster", inputs)
    return inputs


def node_group(world: World) -> Inputs:
    of = made_cluster(world)
    template = world.make(
        "aws:ec2/launchTemplate:LaunchTemplate", {"name": "gpu", "instanceType": "g6e.2xlarge", "userData": "eA=="}
    )
    return {
        "clusterName": of["name"],
        "nodeGroupName": "gpu-a",
        "nodeRoleArn": role(world, "nodes"),
        "subnetIds": of["vpcConfig"]["subnetIds"][:1],
        "amiType": "AL2023_x86_64_NVIDIA",
        "capacityType": "ON_DEMAND",
        "version": "1.36",
        "releaseVersion": "1.36.2-20260728",
        "scalingConfig": {"minSize": 1, "maxSize": 3, "desiredSize": 1},
        "updateConfig": {"maxUnavailable": 1, "updateStrategy": "MINIMAL"},
        "labels": {"pool": "gpu", "class": "l40s"},
        "taints": [
            {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"},
            {"key": "tenant", "value": "acme", "effect": "NO_SCHEDULE"},
        ],
        "launchTemplate": {"id": template.id, "version": "1"},
        "tags": {"pool": "gpu"},
    }


def addon(world: World) -> Inputs:
    return {
        "clusterName": made_cluster(world)["name"],
        "addonName": "aws-ebs-csi-driver",
        "addonVersion": "v1.54.0-eksbuild.1",
        "configurationValues": '{"controller": {"replicaCount": 2}}',
        "podIdentityAssociations": [{"roleArn": role(world, "ebs"), "serviceAccount": "ebs-csi-controller-sa"}],
        "resolveConflictsOnCreate": "OVERWRITE",
        "resolveConflictsOnUpdate": "OVERWRITE",
    }


def changed_addon(world: World, _: Inputs) -> Inputs:
    return {
        "addonVersion": "v1.55.0-eksbuild.1",
        "podIdentityAssociations": [{"roleArn": role(world, "other"), "serviceAccount": "ebs-csi-controller-sa"}],
    }


def entry(world: World) -> Inputs:
    return {
        "clusterName": made_cluster(world)["name"],
        "principalArn": PRINCIPAL,
        "userName": "deployer",
        "kubernetesGroups": ["deployers", "readers"],
    }


def association(world: World) -> Inputs:
    of = entry(world)
    world.make("aws:eks/accessEntry:AccessEntry", of)
    return {
        "clusterName": of["clusterName"],
        "principalArn": PRINCIPAL,
        "policyArn": ADMIN,
        "accessScope": {"type": "cluster"},
    }


def identity(world: World) -> Inputs:
    return {
        "clusterName": made_cluster(world)["name"],
        "namespace": "kube-system",
        "serviceAccount": "cluster-autoscaler",
        "roleArn": role(world, "autoscaler"),
    }


CASES = {
    "aws:eks/cluster:Cluster": Case(
        cluster,
        lambda _, old: {
            "enabledClusterLogTypes": ["api", "audit", "authenticator"],
            "vpcConfig": {**old["vpcConfig"], "endpointPublicAccess": True},
            "remoteNetworkConfig": {"remoteNodeNetworks": {"cidrs": ["10.32.0.0/24", "192.168.7.0/24"]}},
            "upgradePolicy": {"supportType": "EXTENDED"},
            "tags": {"tier": "other"},
        },
        {
            "name": "other",
            "roleArn": PRINCIPAL,
            "encryptionConfig": {"provider": {"keyArn": "arn:aws:kms:::key/x"}, "resources": ["secrets"]},
            "kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.200.0.0/16", "ipFamily": "ipv4"},
            "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},
        },
        {"arn": "arn:aws:eks:ap-southeast-1:123456789012:cluster/", "endpoint": "https://", "status": "ACTIVE"},
    ),
    "aws:eks/nodeGroup:NodeGroup": Case(
        node_group,
        lambda *_: {
            "labels": {"pool": "gpu"},
            "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}],
            "scalingConfig": {"minSize": 0, "maxSize": 4, "desiredSize": 2},
            "releaseVersion": "1.36.3-20260901",
        },
        {
            "clusterName": "other",
            "nodeGroupName": "other",
            "nodeRoleArn": PRINCIPAL,
            "subnetIds": ["subnet-1"],
            "amiType": "AL2023_x86_64_STANDARD",
            "capacityType": "SPOT",
            "launchTemplate": {"id": "lt-0", "version": "1"},
        },
        {"arn": "arn:aws:eks:ap-southeast-1:123456789012:nodegroup/moltghost-sin/gpu-a/", "resources": "[{'auto"},
    ),
    "aws:eks/addon:Addon": Case(
        addon,
        changed_addon,
        {"clusterName": "other", "addonName": "coredns"},
        {"arn": "arn:aws:eks:ap-southeast-1:123456789012:addon/moltghost-sin/aws-ebs-csi-driver/"},
    ),
    "aws:eks/accessEntry:AccessEntry": Case(
        entry,
        lambda *_: {"userName": "other", "kubernetesGroups": ["readers"]},
        {"clusterName": "other", "principalArn": "arn:aws:iam::123456789012:role/other", "type": "EC2_LINUX"},
        {"accessEntryArn": "arn:aws:eks:ap-southeast-1:123456789012:access-entry/moltghost-sin/role/"},
    ),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": Case(
        association,
        replaces={"policyArn": VIEW, "accessScope": {"type": "namespace", "namespaces": ["a"]}, "clusterName": "other"},
        tags=False,
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": Case(
        identity,
        lambda world, _: {"roleArn": role(world, "another")},
        {"clusterName": "other", "namespace": "default", "serviceAccount": "other"},
        {"associationArn": "arn:aws:eks:ap-southeast-1:123456789012:podidentityassociation/moltghost-sin/a-"},
    ),
}


class Full(NoMachine):
    """Has no room for a cluster."""

    def start(self, cluster: Identity, services: IPv4Network, data_key: bytes | None) -> Access:
        raise MachineError("there is no room")


@pytest.fixture
def host(server: str) -> Iterator[None]:
    """What runs clusters may be changed; it is put back."""
    assert server
    yield
    hosting.configure(NoMachine())


@pytest.mark.usefixtures("host")
def test_a_cluster_that_fails_says_why(provider: AwsProvider) -> None:
    hosting.configure(Full())
    with pytest.raises(UnfinishedError, match="moltghost-sin is FAILED: there is no room"):
        made_cluster(World(provider))


@pytest.mark.usefixtures("host")
def test_a_server_that_runs_no_clusters_says_so(provider: AwsProvider) -> None:
    hosting.configure(None)
    with pytest.raises(ProviderError, match="hosts no clusters"):
        made_cluster(World(provider))


@pytest.mark.parametrize(
    ("cidr", "says"), [("10.64.8.0/24", "overlaps the VPC's 10.64.0.0/16"), ("100.64.0.0/24", "is not in 10.0.0.0/8")]
)
def test_nodes_elsewhere_have_private_addresses_of_their_own(provider: AwsProvider, cidr: str, says: str) -> None:
    world = World(provider)
    inputs = {**cluster(world), "remoteNetworkConfig": {"remoteNodeNetworks": {"cidrs": [cidr]}}}
    with pytest.raises(ProviderError, match=says):
        world.make("aws:eks/cluster:Cluster", inputs)


def test_machines_of_other_sites_come_in_as_nodes(provider: AwsProvider) -> None:
    world = World(provider)
    of, machines = made_cluster(world)["name"], role(world, "site-nodes")
    inputs = {"clusterName": of, "principalArn": machines, "type": "HYBRID_LINUX"}
    world.make("aws:eks/accessEntry:AccessEntry", inputs)
    eks = world.session.client("eks")
    made = eks.describe_access_entry(clusterName=of, principalArn=machines)["accessEntry"]
    assert (made["username"], made["kubernetesGroups"]) == ("system:node:{{SessionName}}", ["system:nodes"])
    with pytest.raises(ProviderError, match="FARGATE_LINUX isn't played here"):
        world.make(
            "aws:eks/accessEntry:AccessEntry", {**inputs, "principalArn": machines + "-2", "type": "FARGATE_LINUX"}
        )
