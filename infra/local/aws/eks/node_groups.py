"""Node groups: moto's record and Auto Scaling group, and a simulated node for each instance of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from moto.autoscaling.models import FakeAutoScalingGroup, autoscaling_backends
from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.eks.models import Cluster, EKSBackend, Nodegroup

from infra.local.aws.eks import hosting
from infra.local.aws.eks.clusters import aside, cluster_named, identity, update
from infra.local.aws.eks.nodes import Instance, InstanceKind, build_node, instance_kind
from infra.local.aws.eks.record import Asked, in_use, invalid, missing, refused

NOT_FOR_TEMPLATES = ("diskSize", "instanceTypes", "remoteAccess")
"""https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html"""


class NodeGroups(Asked):
    """Create, change and delete node groups. Each has a launch template that names its instance type."""

    def create_nodegroup(self) -> ActionResult:
        """CreateNodegroup: answered at once; the group is ACTIVE once its nodes are Ready."""
        asked, backend = self.asked, self.backend
        cluster = cluster_named(backend, self.named("name"))
        name = asked["nodegroupName"]
        if name in cluster.nodegroups:
            raise in_use(f"NodeGroup already exists with name {name} and cluster name {cluster.name}")
        _require_template(backend, asked)
        scaling = asked.get("scalingConfig") or {}
        _require_scaling(scaling)
        group = backend.create_nodegroup(
            cluster_name=cluster.name,
            node_role=asked["nodeRole"],
            nodegroup_name=name,
            subnets=asked["subnets"],
            scaling_config=dict(scaling),
            ami_type=asked.get("amiType"),
            labels=dict(asked.get("labels") or {}),
            taints=list(asked.get("taints") or []),
            tags=dict(asked.get("tags") or {}),
            launch_template=dict(asked["launchTemplate"]),
            capacity_type=asked.get("capacityType"),
            version=asked.get("version") or cluster.version,
            release_version=asked.get("releaseVersion"),
        )
        # What moto makes up of what only a group without a template has.
        group.disk_size = group.instance_types = group.remote_access = None  # type: ignore[assignment]
        group.resources = {"autoScalingGroups": [{"name": f"eks-{name}-{group.uuid}"}]}
        group.health = {"issues": []}
        group.update_config = asked.get("updateConfig") or {"maxUnavailable": 1}
        group.status = "CREATING"

        def start() -> None:
            _scale(backend, group)
            hosting.current().join(identity(backend, cluster.name), nodes_of(backend, group))
            group.status = "ACTIVE"

        aside(group, name, start, failed="CREATE_FAILED")
        return ActionResult({"nodegroup": group})

    def describe_nodegroup(self) -> ActionResult:
        """DescribeNodegroup."""
        return ActionResult({"nodegroup": self._group(self.cluster())})

    def update_nodegroup_config(self) -> ActionResult:
        """UpdateNodegroupConfig: sizes, labels and taints, on nodes that are there too."""
        cluster, backend, asked = self.cluster(), self.backend, self.asked
        group = self._group(cluster)
        if scaling := asked.get("scalingConfig"):
            _require_scaling(group.scaling_config | scaling)
        backend.update_nodegroup_config(
            cluster_name=cluster.name,
            nodegroup_name=group.nodegroup_name,
            labels=asked.get("labels"),
            taints=asked.get("taints"),
            scaling_config=asked.get("scalingConfig"),
            update_config=asked.get("updateConfig"),
        )
        self._bring(cluster, group)
        return update()

    def update_nodegroup_version(self) -> ActionResult:
        """UpdateNodegroupVersion: every instance is replaced by one of the new version."""
        cluster, backend, asked = self.cluster(), self.backend, self.asked
        group = self._group(cluster)
        group.version = asked.get("version") or group.version
        group.release_version = asked.get("releaseVersion") or group.release_version
        if asked.get("launchTemplate"):
            group.launch_template = {**(group.launch_template or {}), **asked["launchTemplate"]}
        old = [each["metadata"]["name"] for each in nodes_of(backend, group)]
        _unscale(backend, group)
        _scale(backend, group)
        self._bring(cluster, group, old)
        return update("VersionUpdate")

    def delete_nodegroup(self) -> ActionResult:
        """DeleteNodegroup: nodes, instances and their Auto Scaling group go first, then the record."""
        cluster, backend = self.cluster(), self.backend
        group = self._group(cluster)
        if group.status == "DELETING":
            raise refused(f"Nodegroup {group.nodegroup_name} is being deleted")
        group.status = "DELETING"

        def stop() -> None:
            names = [each["metadata"]["name"] for each in nodes_of(backend, group)]
            hosting.current().leave(identity(backend, cluster.name), names)
            _unscale(backend, group)
            backend.delete_nodegroup(cluster.name, group.nodegroup_name)

        aside(group, group.nodegroup_name, stop, failed="DELETE_FAILED")
        return ActionResult({"nodegroup": group})

    def _group(self, cluster: Cluster) -> Nodegroup:
        found = cluster.nodegroups.get(self.named("nodegroupName"))
        if found is None:
            raise missing(f"No node group found for name: {self.named('nodegroupName')}.")
        return found

    def _bring(self, cluster: Cluster, group: Nodegroup, old: Sequence[str] = ()) -> None:
        """Have exactly the group's nodes, as it is now."""
        backend = self.backend
        group.status = "UPDATING"

        def work() -> None:
            host, about = hosting.current(), identity(backend, cluster.name)
            before = {*old, *(each["metadata"]["name"] for each in nodes_of(backend, group))}
            scaled = _asg(backend, group)
            scaled.min_size, scaled.max_size = group.scaling_config["minSize"], group.scaling_config["maxSize"]
            scaled.set_desired_capacity(group.scaling_config["desiredSize"])
            nodes = nodes_of(backend, group)
            host.leave(about, sorted(before - {each["metadata"]["name"] for each in nodes}))
            host.join(about, nodes)
            group.status = "ACTIVE"

        aside(group, group.nodegroup_name, work, failed="DEGRADED")


def nodes_of(backend: EKSBackend, group: Nodegroup) -> list[dict[str, Any]]:
    """The Node of each of the group's instances."""
    scaled = autoscaling_backends[backend.account_id][backend.region_name].autoscaling_groups.get(_asg_name(group))
    if scaled is None:
        return []
    kind = _kind(backend, scaled.instance_type)
    return [
        build_node(
            group.nodegroup_name, group.labels, group.taints, kind, group.capacity_type, _instance(state.instance)
        )
        for state in scaled.instance_states
    ]


def _instance(instance: Any) -> Instance:
    return Instance(instance.id, instance.private_dns_name, instance.placement.zone)


def _kind(backend: EKSBackend, name: str) -> InstanceKind:
    (about,) = ec2_backends[backend.account_id][backend.region_name].describe_instance_types([name])
    return instance_kind(about)


def _asg_name(group: Nodegroup) -> str:
    resources: dict[str, Any] = group.resources
    return str(resources["autoScalingGroups"][0]["name"])


def _asg(backend: EKSBackend, group: Nodegroup) -> FakeAutoScalingGroup:
    return autoscaling_backends[backend.account_id][backend.region_name].autoscaling_groups[_asg_name(group)]


def _scale(backend: EKSBackend, group: Nodegroup) -> None:
    """Make the Auto Scaling group, of a launch template of EKS's own: the given one, and the image for its release."""
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    wanted = group.launch_template or {}
    given = ec2.get_launch_template(wanted["id"]).get_version(wanted.get("version") or "$Default").data
    image = ec2.describe_images(owners=["amazon"])[0].id
    template = ec2.create_launch_template(_asg_name(group), "", {**given, "ImageId": image}, {})
    autoscaling_backends[backend.account_id][backend.region_name].create_auto_scaling_group(
        name=_asg_name(group),
        availability_zones=sorted({ec2.get_subnet(each).availability_zone for each in group.subnets}),
        desired_capacity=group.scaling_config["desiredSize"],
        max_size=group.scaling_config["maxSize"],
        min_size=group.scaling_config["minSize"],
        launch_config_name="",
        launch_template={"LaunchTemplateId": template.id, "Version": "1"},
        vpc_zone_identifier=",".join(group.subnets),
        default_cooldown=None,
        health_check_period=None,
        health_check_type="EC2",
        load_balancers=[],
        target_group_arns=[],
        placement_group=None,
        termination_policies=[],
        tags=_tags(group),
    )


def _unscale(backend: EKSBackend, group: Nodegroup) -> None:
    """Take the Auto Scaling group, its instances and its template away; nothing happens where there is none."""
    scaling = autoscaling_backends[backend.account_id][backend.region_name]
    if _asg_name(group) in scaling.autoscaling_groups:
        scaling.delete_auto_scaling_group(_asg_name(group))
        ec2_backends[backend.account_id][backend.region_name].delete_launch_template(_asg_name(group), None)


def _tags(group: Nodegroup) -> list[dict[str, Any]]:
    """https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html: by these the autoscaler finds it."""
    tags = {
        "eks:cluster-name": group.cluster_name,
        "eks:nodegroup-name": group.nodegroup_name,
        "k8s.io/cluster-autoscaler/enabled": "true",
        f"k8s.io/cluster-autoscaler/{group.cluster_name}": "owned",
    }
    where: dict[str, Any] = {"ResourceId": _asg_name(group), "ResourceType": "auto-scaling-group"}
    return [{**where, "PropagateAtLaunch": True, "Key": key, "Value": value} for key, value in tags.items()]


def _require_template(backend: EKSBackend, asked: Mapping[str, Any]) -> None:
    if not (asked.get("launchTemplate") or {}).get("id"):
        raise invalid("launchTemplate.id: this machine has node groups of a launch template alone")
    for name in NOT_FOR_TEMPLATES:
        if asked.get(name):
            raise invalid(f"{name}: must be specified within the launch template")
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    ec2.get_launch_template(asked["launchTemplate"]["id"])
    for subnet in asked["subnets"]:
        ec2.get_subnet(subnet)


def _require_scaling(scaling: Mapping[str, int]) -> None:
    if not scaling["minSize"] <= scaling["desiredSize"] <= scaling["maxSize"]:
        raise invalid(
            f"Minimum capacity {scaling['minSize']}, desired {scaling['desiredSize']} and maximum "
            f"{scaling['maxSize']} are in no order"
        )
