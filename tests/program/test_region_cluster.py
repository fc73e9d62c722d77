"""A region's cluster on AWS, as the engine is told of it, and what must hold of every such one."""

import copy
import itertools
import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pulumi
import pytest
from pulumi.runtime.mocks import MockResourceArgs

from components.cluster.catalogue import INSTANCE_TYPES
from tests.components.specs import DEVICES, EKS, POOLS
from tests.program import recording
from tests.program.recording import Recording, Registered, Secret, record_declaring
from tests.program.test_stand_ins import handed_over
from tests.stack_files import PROJECT

CLUSTER = "aws:eks/cluster:Cluster"
GROUP = "aws:eks/nodeGroup:NodeGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
ADDON = "aws:eks/addon:Addon"
ENDPOINT = "https://endpoint.example.com"
KNOWN: dict[str, Callable[[str], dict[str, Any]]] = {
    CLUSTER: lambda name: {
        "arn": f"arn:aws:eks:us-east-1:{EKS.account_id}:cluster/{name}",
        "endpoint": ENDPOINT,
        "certificateAuthority": {"data": "bm9uZQ=="},
        "vpcConfig": {"clusterSecurityGroupId": "sg-cluster", "subnetIds": []},
    },
    GROUP: lambda name: {"resources": [{"autoscalingGroups": [{"name": f"asg-{name}"}]}]},
    TEMPLATE: lambda _: {"latestVersion": 1},
    "aws:iam/role:Role": lambda name: {"arn": f"arn:aws:iam::{EKS.account_id}:role/{name}"},
}
"""What only AWS knows of a resource, by its type."""


def declare() -> None:
    with warnings.catch_warnings():
        # The SDK warns of its own deprecated classes when a part of it is first used.
        warnings.filterwarnings("ignore", ".* has been deprecated in favor of", DeprecationWarning)
        declare_region()


def declare_region() -> None:
    import pulumi_aws as aws
    import pulumi_kubernetes as kubernetes

    from components.cluster.cilium import Cilium, CiliumArgs
    from components.cluster.devices import Devices, DevicesArgs
    from components.cluster.eks import Addons, AddonsArgs, Eks, EksArgs
    from components.cluster.pools import Pools, PoolsArgs

    account = aws.Provider("aws", region="us-east-1")
    subnets = ["subnet-a", "subnet-b", "subnet-c"]
    eks = Eks("eks", EksArgs(spec=EKS, subnets=subnets, security_groups=["sg-control-plane"], aws=account))
    cluster = kubernetes.Provider("kubernetes", kubeconfig=eks.kubeconfig)
    network = Cilium("cilium", CiliumArgs(spec=EKS, endpoint=eks.endpoint, kubernetes=cluster, needs=eks.ready))
    pools = Pools(
        "pools",
        PoolsArgs(
            spec=POOLS,
            cluster=eks.name,
            subnets={f"us-east-1{zone}": f"subnet-{zone}" for zone in "abc"},
            security_groups=["sg-nodes"],
            aws=account,
            needs=network.ready,
        ),
    )
    addons = Addons("addons", AddonsArgs(spec=EKS, cluster=eks.name, aws=account, needs=pools.system))
    needs = [*network.ready, *addons.ready]
    Devices(
        "devices",
        DevicesArgs(spec=DEVICES, account_id=EKS.account_id, aws=account, kubernetes=cluster, needs=needs),
    )
    pulumi.export("kubeconfig", eks.kubeconfig)


@pytest.fixture(scope="module")
def region() -> Recording:
    return record_as_aws(declare)


def record_as_aws(program: Callable[[], None]) -> Recording:
    """Record a program to which resources answer as AWS's do."""
    answer = recording.Provider.new_resource

    def new_resource(provider: recording.Provider, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        known, state = answer(provider, args)
        return known, {**state, **KNOWN.get(args.typ, lambda _: {})(args.name)}  # type: ignore[no-untyped-call]

    with patch.object(recording.Provider, "new_resource", new_resource):
        return record_declaring(program)


def has_no_public_way_in(region: Recording) -> bool:
    vpc = region.of(CLUSTER)[0].inputs["vpcConfig"]
    interfaces = [each for template in region.of(TEMPLATE) for each in template.inputs["networkInterfaces"]]
    return (
        (vpc["endpointPublicAccess"], vpc["endpointPrivateAccess"]) == (False, True)
        and len(interfaces) == len(region.of(GROUP))
        and all(each["associatePublicIpAddress"] == "false" for each in interfaces)
    )


def is_encrypted_with_keys_of_ours(region: Recording) -> bool:
    cluster = region.of(CLUSTER)[0].inputs
    disks = [disk["ebs"] for each in region.of(TEMPLATE) for disk in each.inputs["blockDeviceMappings"]]
    keys = region.of("aws:kms/key:Key")
    return (
        cluster.get("encryptionConfig", {}).get("resources") == ["secrets"]
        and bool(cluster["encryptionConfig"]["provider"].get("keyArn"))
        and all(disk.get("encrypted") == "true" and disk.get("kmsKeyId") for disk in disks)
        and all(each.inputs.get("kmsKeyId") for each in region.of("aws:cloudwatch/logGroup:LogGroup"))
        and all(key.inputs.get("enableKeyRotation") is True and "policy" in key.inputs for key in keys)
    )


def logs_everything_for_a_time(region: Recording) -> bool:
    logs = {"api", "audit", "authenticator", "controllerManager", "scheduler"}
    groups = region.of("aws:cloudwatch/logGroup:LogGroup")
    return (
        set(region.of(CLUSTER)[0].inputs["enabledClusterLogTypes"]) == logs
        and [each.inputs["name"] for each in groups] == [f"/aws/eks/{EKS.name}/cluster"]
        and all(each.inputs.get("retentionInDays", 0) > 0 for each in groups)
    )


def has_named_administrators_alone(region: Recording) -> bool:
    access = region.of(CLUSTER)[0].inputs["accessConfig"]
    entries = {each.inputs["principalArn"] for each in region.of("aws:eks/accessEntry:AccessEntry")}
    return access == {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False} and entries == set(
        EKS.admins
    )


def leaves_the_network_to_cilium(region: Recording) -> bool:
    addons = {each.inputs["addonName"] for each in region.of(ADDON)}
    return region.of(CLUSTER)[0].inputs["bootstrapSelfManagedAddons"] is False and not addons & {
        "vpc-cni",
        "kube-proxy",
    }


def pins_every_version(region: Recording) -> bool:
    groups = [each.inputs for each in region.of(GROUP)]
    return (
        all("addonVersion" in each.inputs for each in region.of(ADDON))
        and all(group.get("version") and group.get("releaseVersion") for group in groups)
        and all("version" in group["launchTemplate"] for group in groups)
    )


def lets_no_node_into_the_group_that_may_send_anywhere(region: Recording) -> bool:
    groups = [
        each["securityGroups"] for template in region.of(TEMPLATE) for each in template.inputs["networkInterfaces"]
    ]
    return all(group == ["sg-nodes"] for group in groups)


def hides_the_metadata_service(region: Recording) -> bool:
    options = [each.inputs.get("metadataOptions", {}) for each in region.of(TEMPLATE)]
    return all((each.get("httpTokens"), each.get("httpPutResponseHopLimit")) == ("required", 1) for each in options)


def taints_every_node_until_it_is_enforced(region: Recording) -> bool:
    return all(
        {"key": "node.cilium.io/agent-not-ready", "value": "true", "effect": "NO_EXECUTE"} in each.inputs["taints"]
        for each in region.of(GROUP)
    )


def taints_every_gpu_node(region: Recording) -> bool:
    types = {each.inputs["name"]: each.inputs["instanceType"] for each in region.of(TEMPLATE)}
    return all(
        any(taint["key"] == "nvidia.com/gpu" and taint["effect"] == "NO_SCHEDULE" for taint in each.inputs["taints"])
        for each in region.of(GROUP)
        if INSTANCE_TYPES[types[each.inputs["nodeGroupName"]]].gpus
    )


def replaces_one_node_at_a_time(region: Recording) -> bool:
    return all(each.inputs["updateConfig"]["maxUnavailable"] == 1 for each in region.of(GROUP))


def leaves_the_size_to_the_autoscaler(region: Recording) -> bool:
    return all(each.ignore_changes == ("scalingConfig.desiredSize",) for each in region.of(GROUP))


def can_fill_an_empty_group(region: Recording) -> bool:
    told: dict[str, set[str]] = {}
    for each in region.of("aws:autoscaling/tag:Tag"):
        told.setdefault(each.inputs["autoscalingGroupName"], set()).add(each.inputs["tag"]["key"])
    needed = "k8s.io/cluster-autoscaler/node-template/resources/nvidia.com/gpu"
    gpus = [each.inputs["nodeGroupName"] for each in region.of(GROUP) if "NVIDIA" in each.inputs["amiType"]]
    return all(needed in told.get(f"asg-{name}", set()) for name in gpus)


def gives_roles_to_this_cluster_alone(region: Recording) -> bool:
    policies = [json.loads(each.inputs["assumeRolePolicy"]) for each in region.of("aws:iam/role:Role")]
    for policy in policies:
        (statement,) = policy["Statement"]
        if statement["Principal"] != {"Service": "ec2.amazonaws.com"} and "Condition" not in statement:
            return False
    return len(policies) == 5


INVARIANTS: list[Callable[[Recording], bool]] = [
    has_no_public_way_in,
    is_encrypted_with_keys_of_ours,
    logs_everything_for_a_time,
    has_named_administrators_alone,
    leaves_the_network_to_cilium,
    pins_every_version,
    lets_no_node_into_the_group_that_may_send_anywhere,
    hides_the_metadata_service,
    taints_every_node_until_it_is_enforced,
    taints_every_gpu_node,
    replaces_one_node_at_a_time,
    leaves_the_size_to_the_autoscaler,
    can_fill_an_empty_group,
    gives_roles_to_this_cluster_alone,
]


@pytest.mark.parametrize("holds", INVARIANTS, ids=lambda holds: holds.__name__)
def test_it_holds_of_the_region(region: Recording, holds: Callable[[Recording], bool]) -> None:
    assert holds(region)


def put(kind: str, value: Any, *path: str | int) -> Callable[[Recording], None]:
    """A change of one input of the last resource of a kind; None takes it away."""

    def change(region: Recording) -> None:
        at = max(index for index, each in enumerate(region.resources) if each.type == kind)
        inputs = copy.deepcopy(region.resources[at].inputs)
        place: Any = inputs
        for step in path[:-1]:
            place = place[step]
        if value is None:
            del place[path[-1]]
        else:
            place[path[-1]] = value
        region.resources[at] = replace(region.resources[at], inputs=inputs)

    return change


def forget(kind: str) -> Callable[[Recording], None]:
    def change(region: Recording) -> None:
        region.resources = [each for each in region.resources if each.type != kind]

    return change


def resize_by_hand(region: Recording) -> None:
    region.resources = [replace(each, ignore_changes=()) for each in region.resources]


TAINTS = [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]
CILIUM = [{"key": "node.cilium.io/agent-not-ready", "value": "true", "effect": "NO_EXECUTE"}]
MUTANTS: list[tuple[str, Callable[[Recording], bool], Callable[[Recording], None]]] = [
    ("public endpoint", has_no_public_way_in, put(CLUSTER, True, "vpcConfig", "endpointPublicAccess")),
    ("public node", has_no_public_way_in, put(TEMPLATE, "true", "networkInterfaces", 0, "associatePublicIpAddress")),
    ("plain secrets", is_encrypted_with_keys_of_ours, put(CLUSTER, None, "encryptionConfig")),
    (
        "plain disk",
        is_encrypted_with_keys_of_ours,
        put(TEMPLATE, "false", "blockDeviceMappings", 0, "ebs", "encrypted"),
    ),
    ("AWS's key", is_encrypted_with_keys_of_ours, put(TEMPLATE, None, "blockDeviceMappings", 0, "ebs", "kmsKeyId")),
    ("plain logs", is_encrypted_with_keys_of_ours, put("aws:cloudwatch/logGroup:LogGroup", None, "kmsKeyId")),
    ("old key", is_encrypted_with_keys_of_ours, put("aws:kms/key:Key", False, "enableKeyRotation")),
    ("no audit", logs_everything_for_a_time, put(CLUSTER, ["api"], "enabledClusterLogTypes")),
    ("logs for ever", logs_everything_for_a_time, put("aws:cloudwatch/logGroup:LogGroup", None, "retentionInDays")),
    (
        "silent administrator",
        has_named_administrators_alone,
        put(CLUSTER, True, "accessConfig", "bootstrapClusterCreatorAdminPermissions"),
    ),
    (
        "config map",
        has_named_administrators_alone,
        put(CLUSTER, "API_AND_CONFIG_MAP", "accessConfig", "authenticationMode"),
    ),
    ("two networks", leaves_the_network_to_cilium, put(ADDON, "vpc-cni", "addonName")),
    ("defaults", leaves_the_network_to_cilium, put(CLUSTER, True, "bootstrapSelfManagedAddons")),
    ("latest addon", pins_every_version, put(ADDON, None, "addonVersion")),
    ("latest image", pins_every_version, put(GROUP, None, "releaseVersion")),
    (
        "EKS's group",
        lets_no_node_into_the_group_that_may_send_anywhere,
        put(TEMPLATE, ["sg-cluster", "sg-nodes"], "networkInterfaces", 0, "securityGroups"),
    ),
    ("two hops", hides_the_metadata_service, put(TEMPLATE, 2, "metadataOptions", "httpPutResponseHopLimit")),
    ("IMDSv1", hides_the_metadata_service, put(TEMPLATE, "optional", "metadataOptions", "httpTokens")),
    ("not waited for", taints_every_node_until_it_is_enforced, put(GROUP, TAINTS, "taints")),
    ("anybody's GPU", taints_every_gpu_node, put(GROUP, CILIUM, "taints")),
    ("all at once", replaces_one_node_at_a_time, put(GROUP, 3, "updateConfig", "maxUnavailable")),
    ("a tug of war", leaves_the_size_to_the_autoscaler, resize_by_hand),
    ("never filled", can_fill_an_empty_group, forget("aws:autoscaling/tag:Tag")),
    ("anybody's role", gives_roles_to_this_cluster_alone, forget("aws:iam/role:Role")),
]


@pytest.mark.parametrize(("name", "holds", "change"), MUTANTS, ids=[name for name, *_ in MUTANTS])
def test_a_region_without_it_is_seen(
    region: Recording, name: str, holds: Callable[[Recording], bool], change: Callable[[Recording], None]
) -> None:
    changed = Recording(resources=list(region.resources))
    change(changed)
    assert not holds(changed)


def test_every_invariant_has_a_mutant() -> None:
    assert {holds for _, holds, _ in MUTANTS} == set(INVARIANTS)


def test_every_child_was_awaited(region: Recording) -> None:
    assert {each.urn for each in region.resources} <= region.awaited


def before(region: Recording, urn: str) -> set[str]:
    """All a resource waits for, directly or not."""
    known = {each.urn: each for each in region.resources}
    found: set[str] = set()
    todo = [urn]
    while todo:
        for needed in known[todo.pop()].depends_on:
            if needed not in found and needed in known:
                found.add(needed)
                todo.append(needed)
    return found


def groups_of(region: Recording, pool: str) -> list[Registered]:
    return [each for each in region.of(GROUP) if each.inputs["nodeGroupName"].startswith(f"platform-use1-pool-{pool}-")]


def test_no_node_joins_before_its_network_is_declared(region: Recording) -> None:
    (agent,) = region.of("kubernetes:apps/v1:DaemonSet")[:1]
    assert agent.inputs["metadata"]["name"] == "cilium"
    assert all(agent.urn in before(region, group.urn) for group in region.of(GROUP))


def test_pools_are_changed_one_after_the_other(region: Recording) -> None:
    order = ["system", "epyc", "agents-h100", "agents-l40s", "agents-a100"]
    for first, then in itertools.pairwise(order):
        for group in groups_of(region, then):
            assert {each.urn for each in groups_of(region, first)} <= before(region, group.urn)


def test_addons_wait_for_nodes_of_the_platform_and_not_for_agents(region: Recording) -> None:
    needed = before(region, region.one(ADDON, "platform-use1-coredns").urn)
    assert {each.urn for each in groups_of(region, "system")} <= needed
    assert not {each.urn for each in groups_of(region, "agents-h100")} & needed


def test_the_log_group_is_there_before_eks_would_make_its_own(region: Recording) -> None:
    (group,) = region.of("aws:cloudwatch/logGroup:LogGroup")
    assert group.urn in before(region, region.of(CLUSTER)[0].urn)


def test_the_kubeconfig_waits_for_access_and_holds_no_secret(region: Recording) -> None:
    kubeconfig = region.exports["kubeconfig"]
    assert not isinstance(kubeconfig, Secret)
    assert "eks-token" in kubeconfig
    assert ENDPOINT in kubeconfig
    assert not any(word in kubeconfig for word in ("token:", "client-key", "password"))


def test_cilium_asks_this_clusters_api(region: Recording) -> None:
    (agent,) = [each for each in region.of("kubernetes:apps/v1:Deployment") if "cilium" in each.name]
    (container,) = handed_over(agent.inputs)["spec"]["template"]["spec"]["containers"]
    variables = {each["name"]: each.get("value") for each in container["env"]}
    assert variables["KUBERNETES_SERVICE_HOST"] == "endpoint.example.com"
    assert variables["KUBERNETES_SERVICE_PORT"] == "443"


def declare_control_plane(running: str) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* has been deprecated in favor of", DeprecationWarning)
        import pulumi_aws as aws

        from components.cluster.eks import Eks, EksArgs

        account = aws.Provider("aws", region="us-east-1")
        spec = EKS.model_copy(update={"admins": (), "api_sources": ()})
        Eks("eks", EksArgs(spec=spec, subnets=["subnet-a"], aws=account, running=pulumi.Output.from_input(running)))


REFUSED = """
from tests.program.test_region_cluster import declare_control_plane, record_as_aws

record_as_aws(lambda: declare_control_plane("1.34"))
"""


def test_a_skipped_minor_version_never_reaches_eks() -> None:
    # In a process of its own: the SDK leaves futures behind that fail, and they would be told of in another test.
    ended = subprocess.run([sys.executable, "-c", REFUSED], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "the cluster runs 1.34; 1.36 skips 1.35: set version to 1.35 first" in ended.stderr


def test_one_step_up_is_declared() -> None:
    assert record_as_aws(lambda: declare_control_plane("1.35")).of(CLUSTER)[0].inputs["version"] == "1.36"
