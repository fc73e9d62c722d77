"""The control plane of a region's cluster on AWS, and the addons its nodes need."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.cluster import eks_manifests as manifests
from components.cluster.eks_spec import CONTROL_PLANE_LOGS, SECURE_PORT, EksSpec
from components.cluster.upgrades import require_step
from components.naming import PLATFORM, resource_name

_ROTATION_DAYS = 365


@dataclass(frozen=True, kw_only=True)
class EksArgs:
    """What an Eks is made from.

    `subnets` are private, in two zones at least. `security_groups` are what its interfaces there are in, beside the
    group EKS makes; where nodes aren't in that group, one must let them in on 443, and let it out to their port 10250.
    `running` is the version the cluster runs now, None before there is one: a step that EKS would refuse half-way is
    refused before anything is changed.
    """

    spec: EksSpec
    subnets: Sequence[pulumi.Input[str]]
    aws: pulumi.ProviderResource
    security_groups: Sequence[pulumi.Input[str]] = ()
    running: pulumi.Input[str | None] = None
    needs: Sequence[pulumi.Resource] = ()


class Eks(pulumi.ComponentResource):
    """A control plane with no public address, its Secrets and logs encrypted, and no administrator but the named ones.

    `kubeconfig` holds no secret: a program makes the token when it is needed. `security_group` is the one EKS makes.
    `ready` is what a provider of the cluster waits for: the API, and the right to use it.
    """

    def __init__(self, name: str, args: EksArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:cluster:Eks", name, None, opts)
        self._spec = args.spec
        self._options = pulumi.ResourceOptions(parent=self, provider=args.aws)
        secrets_key = self._key("secrets", "Kubernetes Secrets", manifests.build_secrets_key_policy(args.spec))
        role, permissions = self._role(secrets_key)
        logs = self._logs()
        cluster = self._cluster(args, role, secrets_key, [*args.needs, *permissions, logs])
        access = [*self._administrators(cluster), *self._api_sources(cluster)]

        self.name: pulumi.Output[str] = cluster.name
        self.arn: pulumi.Output[str] = cluster.arn
        self.version: pulumi.Output[str] = cluster.version
        self.endpoint: pulumi.Output[str] = cluster.endpoint
        self.certificate_authority: pulumi.Output[str] = cluster.certificate_authority.apply(
            lambda authority: str(authority.data)
        )
        self.security_group: pulumi.Output[str] = cluster.vpc_config.apply(
            lambda config: str(config.cluster_security_group_id)
        )
        self.ready: list[pulumi.Resource] = [cluster, *access]
        self.kubeconfig: pulumi.Output[str] = pulumi.Output.all(
            self.name, self.endpoint, self.certificate_authority, *[each.id for each in access]
        ).apply(lambda known: manifests.build_kubeconfig(known[0], known[1], known[2], args.spec.aws_region))
        self.register_outputs({"name": self.name, "version": self.version, "kubeconfig": self.kubeconfig})

    def _named(self, role: str) -> str:
        return resource_name(PLATFORM, self._spec.region, role)

    def _needing(self, needs: Sequence[pulumi.Resource]) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(self._options, pulumi.ResourceOptions(depends_on=list(needs)))

    def _key(self, role: str, what: str, policy: str) -> aws.kms.Key:
        key = aws.kms.Key(
            self._named(f"cluster-{role}"),
            description=f"{what} of {self._spec.name}",
            policy=policy,
            enable_key_rotation=True,
            rotation_period_in_days=_ROTATION_DAYS,
            deletion_window_in_days=self._spec.key_deletion_window_days,
            opts=pulumi.ResourceOptions.merge(
                self._options, pulumi.ResourceOptions(protect=self._spec.deletion_protection)
            ),
        )
        aws.kms.Alias(
            self._named(f"cluster-{role}"),
            name=f"alias/moltghost/{self._spec.region}/cluster-{role}",
            target_key_id=key.key_id,
            opts=self._options,
        )
        return key

    def _role(self, key: aws.kms.Key) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        role = aws.iam.Role(
            self._named("cluster"),
            name=self._spec.name,
            description=f"Control plane of {self._spec.name}",
            assume_role_policy=manifests.build_cluster_trust(self._spec),
            opts=self._options,
        )
        policy = aws.iam.RolePolicyAttachment(
            self._named("cluster"), role=role.name, policy_arn=manifests.CLUSTER_POLICY, opts=self._options
        )
        own = aws.iam.RolePolicy(
            self._named("cluster-secrets"),
            name="secrets",
            role=role.name,
            policy=key.arn.apply(manifests.build_secrets_permissions),
            opts=self._options,
        )
        return role, [policy, own]

    def _logs(self) -> aws.cloudwatch.LogGroup:
        key = self._key("logs", "Control plane's logs", manifests.build_logs_key_policy(self._spec))
        return aws.cloudwatch.LogGroup(
            self._named("cluster-logs"),
            name=manifests.log_group(self._spec.name),
            retention_in_days=self._spec.log_retention_days,
            kms_key_id=key.arn,
            opts=self._options,
        )

    def _cluster(
        self, args: EksArgs, role: aws.iam.Role, key: aws.kms.Key, needs: Sequence[pulumi.Resource]
    ) -> aws.eks.Cluster:
        spec = args.spec
        running = pulumi.Output.from_input(args.running)
        return aws.eks.Cluster(
            self._named("cluster"),
            name=spec.name,
            role_arn=role.arn,
            version=running.apply(lambda version: require_step(version, spec.version)),
            enabled_cluster_log_types=list(CONTROL_PLANE_LOGS),
            # Cilium gives pods their network and does kube-proxy's work; CoreDNS comes as an addon, at its version.
            bootstrap_self_managed_addons=False,
            deletion_protection=spec.deletion_protection,
            access_config={
                "authentication_mode": "API",
                # Whoever first ran the program would stay administrator for ever, and be in no list.
                "bootstrap_cluster_creator_admin_permissions": False,
            },
            encryption_config={"provider": {"key_arn": key.arn}, "resources": ["secrets"]},
            kubernetes_network_config={"service_ipv4_cidr": str(spec.service_cidr), "ip_family": "ipv4"},
            upgrade_policy={"support_type": spec.support},
            remote_network_config=_elsewhere(spec),
            vpc_config={
                "subnet_ids": list(args.subnets),
                "security_group_ids": list(args.security_groups),
                "endpoint_private_access": True,
                "endpoint_public_access": False,
            },
            opts=self._needing(needs),
        )

    def _administrators(self, cluster: aws.eks.Cluster) -> list[pulumi.CustomResource]:
        made: list[pulumi.CustomResource] = []
        for at, principal in enumerate(self._spec.admins):
            role = self._named(f"admin-{at}")
            entry = aws.eks.AccessEntry(
                role, cluster_name=cluster.name, principal_arn=principal, type="STANDARD", opts=self._options
            )
            rights = aws.eks.AccessPolicyAssociation(
                role,
                cluster_name=cluster.name,
                principal_arn=principal,
                policy_arn=manifests.ADMIN_POLICY,
                access_scope={"type": "cluster"},
                opts=self._needing([entry]),
            )
            made += [entry, rights]
        return made

    def _api_sources(self, cluster: aws.eks.Cluster) -> list[pulumi.CustomResource]:
        group = cluster.vpc_config.apply(lambda config: str(config.cluster_security_group_id))
        return [
            aws.vpc.SecurityGroupIngressRule(
                self._named(f"api-source-{at}"),
                security_group_id=group,
                cidr_ipv4=str(source),
                ip_protocol="tcp",
                from_port=SECURE_PORT,
                to_port=SECURE_PORT,
                description="Kubernetes API",
                opts=self._options,
            )
            for at, source in enumerate(self._spec.api_sources)
        ]


def _elsewhere(spec: EksSpec) -> aws.eks.ClusterRemoteNetworkConfigArgs | None:
    """Where nodes are that AWS didn't start, so that the control plane finds their kubelets; None where there are none.

    Their pods' range is not told: the control plane calls no pod, there being no webhook, and in Cilium's overlay no
    router meets a pod's address. https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-networking.html
    """
    if not spec.site_ranges:
        return None
    nodes = aws.eks.ClusterRemoteNetworkConfigRemoteNodeNetworksArgs(cidrs=list(map(str, spec.site_ranges)))
    return aws.eks.ClusterRemoteNetworkConfigArgs(remote_node_networks=nodes)


@dataclass(frozen=True, kw_only=True)
class AddonsArgs:
    """What Addons are made from: `cluster` is its name; `needs` is the pools they run on."""

    spec: EksSpec
    cluster: pulumi.Input[str]
    aws: pulumi.ProviderResource
    needs: Sequence[pulumi.Resource] = ()


class Addons(pulumi.ComponentResource):
    """Cluster DNS, pods' AWS identities, and the drivers of EBS and S3, each at one version. `ready` is all of them."""

    def __init__(self, name: str, args: AddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:cluster:Addons", name, None, opts)
        self._args = args
        self._options = pulumi.ResourceOptions(parent=self, provider=args.aws)
        versions = args.spec.addons
        identity = self._addon("eks-pod-identity-agent", versions.pod_identity_agent, args.needs)
        dns = self._addon("coredns", versions.coredns, args.needs)
        ebs = self._driver("aws-ebs-csi-driver", versions.ebs_csi, "ebs-csi-controller-sa", [identity])
        s3 = self._driver("aws-mountpoint-s3-csi-driver", versions.s3_csi, "s3-csi-driver-sa", [identity])
        self.ready: list[pulumi.Resource] = [identity, dns, ebs, s3]
        self.register_outputs({"addons": [each.addon_name for each in (identity, dns, ebs, s3)]})

    def _named(self, role: str) -> str:
        return resource_name(PLATFORM, self._args.spec.region, role)

    def _driver(self, addon: str, version: str, account: str, needs: Sequence[pulumi.Resource]) -> aws.eks.Addon:
        """An addon with an AWS identity of its own."""
        spec = self._args.spec
        role = aws.iam.Role(
            self._named(addon),
            name=self._named(addon),
            description=f"{addon} of {spec.name}",
            assume_role_policy=manifests.build_pod_identity_trust(spec.account_id, spec.aws_region, spec.name),
            opts=self._options,
        )
        rights = self._rights(addon, role)
        association = aws.eks.AddonPodIdentityAssociationArgs(role_arn=role.arn, service_account=account)
        return self._addon(addon, version, [*needs, *rights], [association])

    def _rights(self, addon: str, role: aws.iam.Role) -> list[pulumi.Resource]:
        if addon == "aws-ebs-csi-driver":
            return [
                aws.iam.RolePolicyAttachment(
                    self._named(addon), role=role.name, policy_arn=manifests.EBS_POLICY, opts=self._options
                )
            ]
        policy = manifests.build_model_permissions(self._args.spec.model_buckets)
        if policy is None:
            return []
        return [
            aws.iam.RolePolicy(self._named(addon), name="models", role=role.name, policy=policy, opts=self._options)
        ]

    def _addon(
        self,
        addon: str,
        version: str,
        needs: Sequence[pulumi.Resource],
        identities: list[aws.eks.AddonPodIdentityAssociationArgs] | None = None,
    ) -> aws.eks.Addon:
        options = pulumi.ResourceOptions.merge(self._options, pulumi.ResourceOptions(depends_on=list(needs)))
        return aws.eks.Addon(
            self._named(addon),
            cluster_name=self._args.cluster,
            addon_name=addon,
            addon_version=version,
            configuration_values=manifests.build_addon_values().get(addon),
            pod_identity_associations=identities,
            # The stack wins over what somebody changed by hand.
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            opts=options,
        )
