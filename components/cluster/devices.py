"""What runs beside agents on nodes: GPUs, local disks, and the autoscaler that adds nodes and takes them away."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.cluster import device_manifests as manifests
from components.cluster.devices_spec import DevicesSpec
from components.cluster.eks_manifests import build_pod_identity_trust
from components.naming import PLATFORM, resource_name
from components.objects import declare
from components.values import Manifest


@dataclass(frozen=True, kw_only=True)
class DevicesArgs:
    """What Devices are made from; `needs` is what must be there first: the network, pods' AWS identities."""

    spec: DevicesSpec
    account_id: str
    aws: pulumi.ProviderResource
    kubernetes: pulumi.ProviderResource
    needs: Sequence[pulumi.Resource] = ()


class Devices(pulumi.ComponentResource):
    """Whole GPUs, disks as volumes where a pool has them, and nodes as they are needed. `ready` is all of it."""

    def __init__(self, name: str, args: DevicesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:cluster:Devices", name, None, opts)
        self._args = args
        spec = args.spec
        self._kubernetes = pulumi.ResourceOptions(parent=self, provider=args.kubernetes)
        self._aws = pulumi.ResourceOptions(parent=self, provider=args.aws)

        namespace = self._declare("nodes", manifests.build_namespace(spec), args.needs)
        isolation = [
            self._declare(f"{policy['metadata']['name']}-policy", policy, [namespace])
            for policy in manifests.build_isolation(spec)
        ]
        plugin = self._declare(manifests.PLUGIN, manifests.build_device_plugin(spec), isolation)
        self.ready: list[pulumi.Resource] = [plugin]
        if spec.local_disks_image is not None:
            disks = manifests.build_local_disks(spec, spec.local_disks_image)
            self.ready += self._in_order(manifests.DISKS, disks, isolation)
        identity = self._identity()
        self.ready += self._in_order(
            manifests.AUTOSCALER, manifests.build_autoscaler(spec), [*isolation, *identity, *args.needs]
        )
        self.register_outputs({"namespace": manifests.NAMESPACE})

    def _named(self, role: str) -> str:
        return resource_name(PLATFORM, self._args.spec.region, role)

    def _declare(self, role: str, manifest: Manifest, needs: Sequence[pulumi.Resource]) -> pulumi.CustomResource:
        options = pulumi.ResourceOptions.merge(self._kubernetes, pulumi.ResourceOptions(depends_on=list(needs)))
        return declare(self._named(role), manifest, options)

    def _in_order(
        self, role: str, objects: Sequence[Manifest], needs: Sequence[pulumi.Resource]
    ) -> list[pulumi.Resource]:
        """Declare objects, the last one, which runs, after all others."""
        *first, last = objects
        made: list[pulumi.Resource] = [self._declare(role, manifest, needs) for manifest in first]
        return [*made, self._declare(role, last, [*needs, *made])]

    def _identity(self) -> list[pulumi.Resource]:
        """The autoscaler's AWS role, and that its service account has it."""
        spec = self._args.spec
        named = self._named(manifests.AUTOSCALER)
        role = aws.iam.Role(
            named,
            name=named,
            description=f"Autoscaler of {spec.cluster}",
            assume_role_policy=build_pod_identity_trust(self._args.account_id, spec.aws_region, spec.cluster),
            opts=self._aws,
        )
        policy = aws.iam.RolePolicy(
            named,
            name="scale",
            role=role.name,
            policy=manifests.build_autoscaler_permissions(spec.cluster),
            opts=self._aws,
        )
        association = aws.eks.PodIdentityAssociation(
            named,
            cluster_name=spec.cluster,
            namespace=manifests.AUTOSCALER_NAMESPACE,
            service_account=manifests.AUTOSCALER,
            role_arn=role.arn,
            opts=pulumi.ResourceOptions.merge(self._aws, pulumi.ResourceOptions(depends_on=list(self._args.needs))),
        )
        return [role, policy, association]
