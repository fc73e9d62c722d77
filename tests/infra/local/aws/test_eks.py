"""A cluster on the local EKS is a real API server: reached, entered and left as on AWS."""

import base64
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError
from botocore.session import Session

from components.cluster.cilium_manifests import NOT_READY_TAINT
from infra.eks_token import make_token
from infra.local.aws.deployer import sign_in
from infra.local.aws.eks.hosting import TOOLS
from infra.local.orphans import instance_processes
from infra.local.probes import http_serves
from infra.local.processes import Processes
from tests.infra.local.providers.control_plane import tool
from tests.loopback import free_port
from tests.waiting import eventually

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

SLOT = 10
REGION = "ap-southeast-1"
ROLE = "arn:aws:iam::123456789012:role/deployer"
ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
GROUP = {"clusterName": "one", "nodegroupName": "gpu"}


@dataclass
class Cloud:
    """The server, and clients of it."""

    url: str
    state: Path
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A client of boto's own."""
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        if service not in self.clients:
            made = Session().create_client(service, endpoint_url=self.url, region_name=REGION, **keys)
            self.clients[service] = made
        return self.clients[service]

    @cached_property
    def cluster(self) -> dict[str, Any]:
        """The cluster, once it is ACTIVE."""

        def active() -> Any:
            found = self.client("eks").describe_cluster(name="one")["cluster"]
            assert found["status"] != "FAILED"
            return found if found["status"] == "ACTIVE" else None

        return dict(eventually(active, "the cluster is ACTIVE", 60))

    def group(self) -> dict[str, Any]:
        """The node group, once it is ACTIVE."""

        def active() -> Any:
            found = self.client("eks").describe_nodegroup(**GROUP)["nodegroup"]
            assert "FAILED" not in found["status"]
            return found if found["status"] == "ACTIVE" else None

        return dict(eventually(active, "the node group is ACTIVE", 60))

    def api(self, cluster: str = "one", session: dict[str, str] | None = None) -> httpx.Client:
        """A client of the API server, with a token for `cluster` made from these credentials."""
        own = session or sign_in(self.url, REGION, ROLE)
        with pytest.MonkeyPatch.context() as environment:
            for name, value in own.items():
                environment.setenv(name, value)
            token = make_token(Session(), REGION, cluster)
        authority = base64.b64decode(self.cluster["certificateAuthority"]["data"]).decode()
        return httpx.Client(
            base_url=self.cluster["endpoint"],
            verify=ssl.create_default_context(cadata=authority),
            headers={"authorization": f"Bearer {token}"},
            trust_env=False,
        )

    def nodes(self) -> list[dict[str, Any]]:
        with self.api() as api:
            found: list[dict[str, Any]] = api.get("/api/v1/nodes").raise_for_status().json()["items"]
        return found


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A server with one cluster, and its deployer's access entry."""
    state, port = tmp_path_factory.mktemp("eks"), free_port()
    tools = json.dumps({name: str(tool(name)) for name in TOOLS})
    own = [f"--clusters={state}", f"--slot={SLOT}", f"--tools={tools}", f"-p{port}"]
    made = Cloud(f"http://127.0.0.1:{port}", state)
    with (state / "server.log").open("w") as log:
        server = subprocess.Popen([sys.executable, "-P", "-m", "infra.local.aws", *own], stdout=log, stderr=log)
    try:
        eventually(lambda: _serves(made.url), "the server answers", 60)
        create_cluster(made)
        yield made
    finally:
        for client in made.clients.values():
            client.close()
        server.terminate()
        server.wait()
        Processes(state).shutdown()


def _serves(url: str) -> bool:
    try:
        return http_serves(f"{url}/moto-api/data.json")()
    except httpx.TransportError:
        return False


def create_cluster(cloud: Cloud) -> None:
    ec2, eks = cloud.client("ec2"), cloud.client("eks")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.1.{at}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]
        for at, zone in enumerate("abc")
    ]
    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    eks.create_cluster(
        name="one",
        version="1.36",
        roleArn=ROLE,
        resourcesVpcConfig={
            "subnetIds": [one["SubnetId"] for one in subnets],
            "endpointPrivateAccess": True,
            "endpointPublicAccess": False,
        },
        accessConfig={"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
        encryptionConfig=[{"provider": {"keyArn": key}, "resources": ["secrets"]}],
    )
    assert cloud.cluster["resourcesVpcConfig"]["vpcId"] == vpc


def refusal(operation: Any, **request: Any) -> str:
    """The code a request is refused with."""
    with pytest.raises(ClientError) as refused:
        operation(**request)
    return str(refused.value.response["Error"]["Code"])


def test_nobody_without_an_access_entry_gets_in(cloud: Cloud) -> None:
    with cloud.api() as api:
        assert api.get("/api/v1/namespaces").status_code == 401


def test_an_entry_lets_in_and_its_policy_gives_rights(cloud: Cloud) -> None:
    eks = cloud.client("eks")
    eks.create_access_entry(clusterName="one", principalArn=ROLE)
    with cloud.api() as api:
        assert api.get("/api/v1/namespaces").status_code == 403
    eks.associate_access_policy(clusterName="one", principalArn=ROLE, policyArn=ADMIN, accessScope={"type": "cluster"})
    with cloud.api() as api:
        assert api.get("/api/v1/namespaces").status_code == 200
    for stranger in (
        cloud.api("two"),
        cloud.api(session=sign_in(cloud.url, REGION, ROLE.replace("deployer", "stranger"))),
        cloud.api(session=sign_in(cloud.url, REGION, ROLE) | {"AWS_SECRET_ACCESS_KEY": "guessed"}),
    ):
        with stranger as api:
            assert api.get("/api/v1/namespaces").status_code == 401


def test_a_node_group_is_instances_and_nodes(cloud: Cloud) -> None:
    eks, ec2 = cloud.client("eks"), cloud.client("ec2")
    data = {"InstanceType": "p5.48xlarge"}
    template = ec2.create_launch_template(LaunchTemplateName="gpu", LaunchTemplateData=data)["LaunchTemplate"]
    eks.create_nodegroup(
        **GROUP,
        nodeRole=ROLE,
        subnets=cloud.cluster["resourcesVpcConfig"]["subnetIds"][:1],
        scalingConfig={"minSize": 1, "maxSize": 3, "desiredSize": 2},
        launchTemplate={"id": template["LaunchTemplateId"], "version": "1"},
        labels={"pool": "h100"},
        taints=[
            {"key": NOT_READY_TAINT, "value": "true", "effect": "NO_EXECUTE"},
            {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"},
        ],
    )
    scaled = cloud.group()["resources"]["autoScalingGroups"][0]["name"]
    (asg,) = cloud.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[scaled])[
        "AutoScalingGroups"
    ]
    nodes = cloud.nodes()
    assert {node["spec"]["providerID"].rpartition("/")[2] for node in nodes} == {
        one["InstanceId"] for one in asg["Instances"]
    }
    for node in nodes:
        assert (
            node["metadata"]["labels"].items() >= {"pool": "h100", "topology.kubernetes.io/zone": f"{REGION}a"}.items()
        )
        assert {taint["key"] for taint in node["spec"]["taints"]} >= {NOT_READY_TAINT, "nvidia.com/gpu"}
        # No device plugin has told of its GPUs, and no Cilium lets pods onto it.
        assert "nvidia.com/gpu" not in node["status"]["allocatable"]
        assert node["status"]["capacity"]["cpu"] == "192"


def test_what_would_run_on_a_node_makes_it_ready(cloud: Cloud) -> None:
    with cloud.api() as api:
        for name, own in (
            ("cilium", {"k8s-app": "cilium"}),
            ("plugin", {"app.kubernetes.io/name": "nvidia-device-plugin"}),
        ):
            api.post("/apis/apps/v1/namespaces/kube-system/daemonsets", json=daemon_set(name, own)).raise_for_status()

    def ready() -> bool:
        return all(
            node["status"]["allocatable"].get("nvidia.com/gpu") == "8"
            and [taint["key"] for taint in node["spec"]["taints"]] == ["nvidia.com/gpu"]
            for node in cloud.nodes()
        )

    eventually(ready, "nodes have their GPUs and let pods in", 60)


def daemon_set(name: str, own: dict[str, str]) -> dict[str, Any]:
    pod = {"tolerations": [{"operator": "Exists"}], "containers": [{"name": name, "image": "example.com/none"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": own}, "template": {"metadata": {"labels": own}, "spec": pod}},
    }


def test_a_claim_gets_an_encrypted_volume_where_the_driver_is_installed(cloud: Cloud) -> None:
    volumes = cloud.client("ec2").describe_volumes
    before = len(volumes()["Volumes"])
    with cloud.api() as api:
        objects = {
            "/apis/storage.k8s.io/v1/storageclasses": {
                "metadata": {"name": "ebs"},
                "provisioner": "ebs.csi.aws.com",
                "reclaimPolicy": "Delete",
                "volumeBindingMode": "WaitForFirstConsumer",
                "parameters": {"type": "gp3", "encrypted": "true"},
            },
            "/api/v1/namespaces/default/persistentvolumeclaims": {
                "metadata": {"name": "data"},
                "spec": {
                    "storageClassName": "ebs",
                    "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": "50G"}},
                },
            },
            "/api/v1/namespaces/default/pods": {
                "metadata": {"name": "agent"},
                "spec": {
                    "tolerations": [{"operator": "Exists"}],
                    "automountServiceAccountToken": False,
                    "containers": [{"name": "agent", "image": "example.com/none"}],
                    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
                },
            },
        }
        for path, body in objects.items():
            eventually(lambda path=path, body=body: api.post(path, json=body).is_success, f"{path} is taken", 30)  # type: ignore[misc]
        cloud.client("eks").create_addon(
            clusterName="one", addonName="aws-ebs-csi-driver", addonVersion="v1.54.0-eksbuild.1"
        )
        claim = "/api/v1/namespaces/default/persistentvolumeclaims/data"
        # A claim that came before the driver is looked at again when it changes.
        api.patch(
            claim,
            json={"metadata": {"labels": {"seen": "yes"}}},
            headers={"content-type": "application/merge-patch+json"},
        )
        eventually(lambda: api.get(claim).json()["status"]["phase"] == "Bound", "the claim is bound", 30)
        (volume,) = api.get("/api/v1/persistentvolumes").json()["items"]
        (made,) = volumes(VolumeIds=[volume["spec"]["csi"]["volumeHandle"]])["Volumes"]
        assert (made["Encrypted"], made["Size"], made["AvailabilityZone"]) == (True, 47, f"{REGION}a")
        api.delete("/api/v1/namespaces/default/pods/agent", params={"gracePeriodSeconds": 0})
        api.delete(claim)
        eventually(lambda: len(volumes()["Volumes"]) == before, "the volume goes with its claim", 60)
    cloud.client("eks").delete_addon(clusterName="one", addonName="aws-ebs-csi-driver")


def test_a_changed_group_changes_its_nodes(cloud: Cloud) -> None:
    cloud.client("eks").update_nodegroup_config(
        **GROUP,
        labels={"addOrUpdateLabels": {"class": "big"}},
        scalingConfig={"minSize": 1, "maxSize": 3, "desiredSize": 1},
    )
    cloud.group()
    (node,) = cloud.nodes()
    assert node["metadata"]["labels"]["class"] == "big"
    old = node["metadata"]["uid"]
    cloud.client("eks").update_nodegroup_version(**GROUP, releaseVersion="1.36.3-20260901")
    assert cloud.group()["releaseVersion"] == "1.36.3-20260901"
    (node,) = cloud.nodes()
    assert node["metadata"]["uid"] != old, "every node is replaced by one of the new release"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"version": "1.30"}, "InvalidParameterException"),
        ({"accessConfig": {"authenticationMode": "CONFIG_MAP"}}, "InvalidParameterException"),
        ({"name": "one"}, "ResourceInUseException"),
        (
            {"encryptionConfig": [{"provider": {"keyArn": "arn:aws:kms:::key/none"}, "resources": ["secrets"]}]},
            "InvalidParameterException",
        ),
    ],
)
def test_a_cluster_that_cannot_be_is_refused(cloud: Cloud, change: dict[str, Any], says: str) -> None:
    request = {
        "name": "two",
        "version": "1.36",
        "roleArn": ROLE,
        "resourcesVpcConfig": {"subnetIds": cloud.cluster["resourcesVpcConfig"]["subnetIds"]},
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
    }
    assert refusal(cloud.client("eks").create_cluster, **{**request, **change}) == says
    assert cloud.client("eks").list_clusters()["clusters"] == ["one"]


def test_subnets_of_one_zone_are_refused(cloud: Cloud) -> None:
    one = cloud.cluster["resourcesVpcConfig"]["subnetIds"][:1]
    update = cloud.client("eks").update_cluster_config
    assert refusal(update, name="one", resourcesVpcConfig={"subnetIds": one}) == "InvalidParameterException"


def test_a_deleted_cluster_leaves_nothing_running(cloud: Cloud) -> None:
    eks = cloud.client("eks")
    assert refusal(eks.delete_cluster, name="one") == "ResourceInUseException"
    eks.delete_nodegroup(**GROUP)
    eventually(lambda: not eks.list_nodegroups(clusterName="one")["nodegroups"], "the node group is gone")
    assert cloud.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == []
    eks.update_cluster_config(name="one", deletionProtection=True)
    assert refusal(eks.delete_cluster, name="one") == "InvalidRequestException"
    eks.update_cluster_config(name="one", deletionProtection=False)
    eks.delete_cluster(name="one")
    eventually(lambda: not eks.list_clusters()["clusters"], "the cluster is gone")
    assert Processes(cloud.state).status() == []
    assert not (cloud.state / "eks" / f"{REGION}.one").exists()
    commands = [" ".join(one.cmdline()) for one in instance_processes(cloud.state)]
    assert [command for command in commands if "supervisord" not in command] == []
