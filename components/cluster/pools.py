"""A region's pools of nodes: node groups by zone, changed one pool at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.cluster import eks_manifests
from components.cluster import pools_manifests as manifests
from components.cluster.pools_manifests import Group
from components.cluster.pools_spec import PoolsSpec
from components.cluster.upgrades import require_skew
from components.naming import PLATFORM, resource_name

_ROTATION_DAYS = 365


@dataclass(frozen=True, kw_only=True)
class PoolsArgs:
    """What Pools are made from.

    `cluster` is its name; `subnets` the private subnet of each zone; `needs` what must be there before a node is: the
    network. `security_groups` are what every node is in. The group EKS makes is better not among them: it lets its
    members send anything anywhere.
    """

    spec: PoolsSpec
    cluster: pulumi.Input[str]
    subnets: Mapping[str, pulumi.Input[str]]
    security_groups: Sequence[pulumi.Input[str]]
    aws: pulumi.ProviderResource
    needs: Sequence[pulumi.Resource] = ()


class Pools(pulumi.ComponentResource):
    """All nodes of a region.

    Raises PoolsError for pools that can't be, UpgradeError for one whose version the cluster's doesn't allow.

    `disks_key_arn` encrypts nodes' and agents' volumes; `system` is what the platform's own pods wait for, `ready` all.
    """

    def __init__(self, name: str, args: PoolsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:cluster:Pools", name, None, opts)
        manifests.require_pools(args.spec)
        require_skew(args.spec.cluster_version, args.spec.pools)
        self._args = args
        self._options = pulumi.ResourceOptions(parent=self, provider=args.aws)
        key = self._key()
        self._role, rights = self._node_role()

        self.system: list[pulumi.Resource] = []
        self.ready: list[pulumi.Resource] = []
        before: list[pulumi.Resource] = [*args.needs, *rights]
        for groups in manifests.plan_groups(args.spec):
            # Each pool waits for the one before it, so that an upgrade is never in two at once.
            made: list[pulumi.Resource] = [self._group(group, key, before) for group in groups]
            if groups[0].pool.purpose == "system":
                self.system += made
            self.ready += made
            before = made
        self.disks_key_arn: pulumi.Output[str] = key.arn
        self.node_role_arn: pulumi.Output[str] = self._role.arn
        self.register_outputs({"disks_key_arn": key.arn, "node_role_arn": self._role.arn})

    def _named(self, role: str) -> str:
        return resource_name(PLATFORM, self._args.spec.region, role)

    def _key(self) -> aws.kms.Key:
        spec = self._args.spec
        key = aws.kms.Key(
            self._named("disks"),
            description=f"Volumes of {spec.cluster}",
            policy=eks_manifests.build_disks_key_policy(spec.account_id, spec.aws_region),
            enable_key_rotation=True,
            rotation_period_in_days=_ROTATION_DAYS,
            deletion_window_in_days=spec.key_deletion_window_days,
            opts=pulumi.ResourceOptions.merge(self._options, pulumi.ResourceOptions(protect=spec.deletion_protection)),
        )
        aws.kms.Alias(
            self._named("disks"),
            name=f"alias/moltghost/{spec.region}/disks",
            target_key_id=key.key_id,
            opts=self._options,
        )
        return key

    def _node_role(self) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        role = aws.iam.Role(
            self._named("nodes"),
            name=self._named("nodes"),
            description=f"Nodes of {self._args.spec.cluster}",
            assume_role_policy=eks_manifests.build_node_trust(),
            opts=self._options,
        )
        rights: list[pulumi.Resource] = [
            aws.iam.RolePolicyAttachment(
                self._named(f"nodes-{at}"), role=role.name, policy_arn=policy, opts=self._options
            )
            for at, policy in enumerate(manifests.NODE_POLICIES)
        ]
        return role, rights

    def _group(self, group: Group, key: aws.kms.Key, needs: Sequence[pulumi.Resource]) -> aws.eks.NodeGroup:
        named = self._named(f"pool-{group.role}")
        template = aws.ec2.LaunchTemplate(
            named,
            name=named,
            **manifests.build_launch_template(group, key.arn, list(self._args.security_groups)),
            opts=self._options,
        )
        made = aws.eks.NodeGroup(
            named,
            cluster_name=self._args.cluster,
            node_group_name=named,
            node_role_arn=self._role.arn,
            subnet_ids=[self._args.subnets[group.zone]],
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            **manifests.build_node_group(group),
            opts=pulumi.ResourceOptions.merge(
                self._options,
                # The autoscaler moves it.
                pulumi.ResourceOptions(depends_on=list(needs), ignore_changes=["scalingConfig.desiredSize"]),
            ),
        )
        scaling_group = made.resources.apply(_scaling_group)
        for at, (tag, value) in enumerate(sorted(manifests.build_autoscaler_tags(group).items())):
            aws.autoscaling.Tag(
                f"{named}-{at}",
                autoscaling_group_name=scaling_group,
                tag={"key": tag, "value": value, "propagate_at_launch": False},
                opts=self._options,
            )
        return made


def _scaling_group(resources: Sequence[aws.eks.outputs.NodeGroupResource]) -> str:
    """The name of the Auto Scaling group behind a node group; EKS makes exactly one."""
    groups = resources[0].autoscaling_groups
    if not groups or groups[0].name is None:
        raise ValueError("EKS names no Auto Scaling group of the node group: it was never made whole, delete it")
    return groups[0].name
