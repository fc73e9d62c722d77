"""The tenant component: one customer's place in one region."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.naming import resource_name
from components.objects import declare
from components.tenant import key, manifests
from components.tenant.spec import TenantKeySpec, TenantSpec
from components.values import Manifest


@dataclass(frozen=True, kw_only=True)
class TenantArgs:
    """What a Tenant is made from."""

    spec: TenantSpec
    key: TenantKeySpec
    kubernetes: pulumi.ProviderResource
    aws: pulumi.ProviderResource


class Tenant(pulumi.ComponentResource):
    """A namespace with its ceilings, its network policies, its account and its key.

    `key_arn` encrypts the tenant's snapshots; `ready` is what an agent of the tenant waits for: no pod starts before
    the policies that hold it.
    """

    def __init__(self, name: str, args: TenantArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:tenant:Tenant", name, None, opts)
        spec = args.spec
        self._spec = spec
        self._options = pulumi.ResourceOptions(parent=self, provider=args.kubernetes)

        namespace = self._declare("namespace", manifests.build_namespace(spec), [])
        held: list[pulumi.Resource] = [
            self._declare("quota", manifests.build_quota(spec), [namespace]),
            self._declare("limits", manifests.build_limits(spec), [namespace]),
            self._declare("account", manifests.build_service_account(spec), [namespace]),
            *(
                self._declare(policy["metadata"]["name"], policy, [namespace])
                for policy in manifests.build_policies(spec)
            ),
        ]
        own_key = self._key(args)

        self.namespace = spec.namespace
        self.key_arn: pulumi.Output[str] = own_key.arn
        self.ready: list[pulumi.Resource] = [namespace, *held]
        self.register_outputs({"namespace": spec.namespace, "key_arn": own_key.arn})

    def _declare(self, role: str, manifest: Manifest, needs: Sequence[pulumi.Resource]) -> pulumi.CustomResource:
        options = pulumi.ResourceOptions.merge(self._options, pulumi.ResourceOptions(depends_on=list(needs)))
        return declare(resource_name(self._spec.tenant, self._spec.region, role), manifest, options)

    def _key(self, args: TenantArgs) -> aws.kms.Key:
        options = pulumi.ResourceOptions(parent=self, provider=args.aws)
        own_key = aws.kms.Key(
            resource_name(args.key.tenant, args.key.region, "snapshots"),
            description=f"Snapshots of {args.key.tenant} in {args.key.region}",
            policy=key.build_key_policy(args.key),
            enable_key_rotation=True,
            rotation_period_in_days=365,
            deletion_window_in_days=args.key.deletion_window_days,
            tags={"moltghost:tenant": args.key.tenant},
            opts=options,
        )
        aws.kms.Alias(
            resource_name(args.key.tenant, args.key.region, "snapshots"),
            name=key.alias_name(args.key),
            target_key_id=own_key.key_id,
            opts=options,
        )
        return own_key
