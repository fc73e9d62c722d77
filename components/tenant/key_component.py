"""The tenant key component: the key one customer's snapshots are encrypted with, in each of its regions."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.labels import Region
from components.naming import resource_name
from components.tenant import key
from components.tenant.spec import KeyReplicaSpec, TenantKeySpec


@dataclass(frozen=True, kw_only=True)
class TenantKeyArgs:
    """What a TenantKey is made from: the home region's provider, and that of the region the customer fails over to."""

    spec: TenantKeySpec
    aws: pulumi.ProviderResource
    replica_aws: pulumi.ProviderResource | None = None


class TenantKey(pulumi.ComponentResource):
    """A multi-region key with its rotation, its policy and its alias, and a replica where the customer fails over.

    `arns` has the key's ARN in each region. The key is a multi-region one even for a customer that stays at home: a key
    cannot become one later, and the customer may fail over one day. Raises ValueError if a replica is asked for without
    a provider of its region.
    """

    def __init__(self, name: str, args: TenantKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:tenant:TenantKey", name, None, opts)
        spec = args.spec
        # Without its key a snapshot is lost: no destroy takes the one and leaves the other.
        self._keep = not spec.delete_with_stack
        primary = self._primary(spec, args.aws)
        self.arns: dict[Region, pulumi.Output[str]] = {spec.region: primary.arn}
        if spec.replica is not None:
            if args.replica_aws is None:
                raise ValueError(f"{name}: replica_aws must be given: the key has a replica in {spec.replica.region}")
            self.arns[spec.replica.region] = self._replica(spec, spec.replica, primary, args.replica_aws).arn
        self.register_outputs({"arns": self.arns})

    def _primary(self, spec: TenantKeySpec, provider: pulumi.ProviderResource) -> aws.kms.Key:
        own = resource_name(spec.tenant, spec.region, "snapshots")
        made = aws.kms.Key(
            own,
            description=f"Snapshots of {spec.tenant} in {spec.region}",
            policy=key.build_key_policy(spec),
            multi_region=True,
            enable_key_rotation=True,
            rotation_period_in_days=365,
            deletion_window_in_days=spec.deletion_window_days,
            tags={"moltghost:tenant": spec.tenant},
            opts=self._kept(provider),
        )
        self._alias(own, key.alias_name(spec, spec.region), made.key_id, provider)
        return made

    def _replica(
        self, spec: TenantKeySpec, replica: KeyReplicaSpec, primary: aws.kms.Key, provider: pulumi.ProviderResource
    ) -> aws.kms.ReplicaKey:
        own = resource_name(spec.tenant, replica.region, "snapshots")
        made = aws.kms.ReplicaKey(
            own,
            primary_key_arn=primary.arn,
            description=f"Snapshots of {spec.tenant} in {replica.region}",
            policy=key.build_replica_policy(spec, replica),
            deletion_window_in_days=spec.deletion_window_days,
            tags={"moltghost:tenant": spec.tenant},
            opts=self._kept(provider),
        )
        self._alias(own, key.alias_name(spec, replica.region), made.key_id, provider)
        return made

    def _alias(
        self, name: str, alias: str, key_id: pulumi.Output[str], provider: pulumi.ProviderResource
    ) -> aws.kms.Alias:
        options = pulumi.ResourceOptions(parent=self, provider=provider)
        return aws.kms.Alias(name, name=alias, target_key_id=key_id, opts=options)

    def _kept(self, provider: pulumi.ProviderResource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, provider=provider, protect=self._keep)
