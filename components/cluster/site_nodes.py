"""Machines of other sites as nodes of a region's cluster: whom they are to AWS, and that the cluster lets them in."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.cluster import site_nodes_manifests as manifests
from components.cluster.site_nodes_spec import SiteNodesSpec
from components.naming import PLATFORM, resource_name
from components.objects import declare


@dataclass(frozen=True, kw_only=True)
class SiteNodesArgs:
    """What SiteNodes are made from: `cluster` is its name, `kubernetes` its provider, `needs` what a node must find."""

    spec: SiteNodesSpec
    cluster: pulumi.Input[str]
    aws: pulumi.ProviderResource
    kubernetes: pulumi.ProviderResource
    needs: Sequence[pulumi.Resource] = ()


class SiteNodes(pulumi.ComponentResource):
    """The role machines are registered under, its entry in the cluster, and what holds them to be what they are there.

    `configs` are what `nodeadm` is given, by site: no machine is made here, and none joins without an activation.
    """

    def __init__(self, name: str, args: SiteNodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:cluster:SiteNodes", name, None, opts)
        spec, options = args.spec, pulumi.ResourceOptions(parent=self, provider=args.aws)
        named = resource_name(PLATFORM, spec.region, "site-nodes")
        role = aws.iam.Role(
            named,
            name=named,
            description=f"Nodes of {spec.cluster} at other sites",
            assume_role_policy=manifests.build_trust(spec),
            opts=options,
        )
        rights: list[pulumi.Resource] = [
            aws.iam.RolePolicyAttachment(named, role=role.name, policy_arn=manifests.IMAGES_POLICY, opts=options),
            aws.iam.RolePolicy(
                named, name="node", role=role.name, policy=manifests.build_permissions(spec), opts=options
            ),
        ]
        inside = pulumi.ResourceOptions(parent=self, provider=args.kubernetes, depends_on=list(args.needs))
        held = [
            declare(resource_name(PLATFORM, spec.region, f"site-nodes-{role}"), manifest, inside)
            for role, manifest in zip(("policy", "binding"), manifests.build_admission(spec), strict=True)
        ]
        aws.eks.AccessEntry(
            named,
            cluster_name=args.cluster,
            principal_arn=role.arn,
            type="HYBRID_LINUX",
            opts=pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[*held, *rights])),
        )
        self.role: pulumi.Output[str] = role.name
        self.configs: dict[str, str] = {each.site: manifests.build_node_config(spec, each) for each in spec.sites}
        self.register_outputs({"role": self.role})
