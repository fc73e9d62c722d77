"""Every kind of resource a proof knows: what it judges, and what cannot open a way whatever it says."""

from collections.abc import Iterator

from infra.prove.cluster import POD_KINDS
from infra.prove.declared import Declared

_AWS_JUDGED = [
    "ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "ec2/internetGateway:InternetGateway",
    "ec2/launchTemplate:LaunchTemplate",
    "ec2/networkAcl:NetworkAcl",
    "ec2/route:Route",
    "ec2/routeTable:RouteTable",
    "ec2/securityGroup:SecurityGroup",
    "ec2/routeTableAssociation:RouteTableAssociation",
    "ec2/subnet:Subnet",
    "ec2/vpc:Vpc",
    "vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "eks/cluster:Cluster",
    "iam/role:Role",
    "iam/rolePolicy:RolePolicy",
    "eks/podIdentityAssociation:PodIdentityAssociation",
    "iam/rolePolicyAttachment:RolePolicyAttachment",
    "kms/alias:Alias",
    "kms/key:Key",
    "kms/replicaKey:ReplicaKey",
    "rds/instance:Instance",
    "s3/bucket:Bucket",
    "s3/bucketPolicy:BucketPolicy",
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "s3/bucketReplicationConfig:BucketReplicationConfig",
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
]
_AWS_CLOSED = [
    "autoscaling/tag:Tag",
    "cloudwatch/logGroup:LogGroup",
    "ec2/eip:Eip",
    "ec2/flowLog:FlowLog",
    "ec2/natGateway:NatGateway",
    "ec2/vpcEndpoint:VpcEndpoint",
    "eks/accessEntry:AccessEntry",
    "eks/accessPolicyAssociation:AccessPolicyAssociation",
    "eks/addon:Addon",
    "eks/nodeGroup:NodeGroup",
    "rds/parameterGroup:ParameterGroup",
    "rds/subnetGroup:SubnetGroup",
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "s3/bucketVersioning:BucketVersioning",
    "s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    "s3/bucketOwnershipControls:BucketOwnershipControls",
    "vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    "vpc/routeServer:RouteServer",
    "ec2/eipAssociation:EipAssociation",
    "vpc/routeServerVpcAssociation:RouteServerVpcAssociation",
    "vpc/routeServerEndpoint:RouteServerEndpoint",
    "vpc/routeServerPeer:RouteServerPeer",
    "vpc/routeServerPropagation:RouteServerPropagation",
    "ec2/instance:Instance",
    "ec2/networkInterface:NetworkInterface",
    "iam/instanceProfile:InstanceProfile",
    "secretsmanager/secret:Secret",
    "secretsmanager/secretVersion:SecretVersion",
]
_CLOUDFLARE = [
    "dnsRecord:DnsRecord",
    "loadBalancer:LoadBalancer",
    "loadBalancerMonitor:LoadBalancerMonitor",
    "loadBalancerPool:LoadBalancerPool",
    "logpushJob:LogpushJob",
    "mtlsCertificate:MtlsCertificate",
    "ruleset:Ruleset",
    "workersKv:WorkersKv",
    "workersKvNamespace:WorkersKvNamespace",
    "workersRoute:WorkersRoute",
    "workersScript:WorkersScript",
    "zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared",
    "zoneSetting:ZoneSetting",
    "zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig",
    "certificateAuthoritiesHostnameAssociations:CertificateAuthoritiesHostnameAssociations",
    "workersScriptSubdomain:WorkersScriptSubdomain",
]
_KUBERNETES = [
    "apiextensions.k8s.io/v1:CustomResourceDefinition",
    "core/v1:ConfigMap",
    "core/v1:LimitRange",
    "core/v1:Namespace",
    "core/v1:PersistentVolume",
    "core/v1:PersistentVolumeClaim",
    "core/v1:ResourceQuota",
    "core/v1:Secret",
    "core/v1:Service",
    "core/v1:ServiceAccount",
    "networking.k8s.io/v1:NetworkPolicy",
    "policy/v1:PodDisruptionBudget",
    "rbac.authorization.k8s.io/v1:ClusterRole",
    "rbac.authorization.k8s.io/v1:ClusterRoleBinding",
    "rbac.authorization.k8s.io/v1:Role",
    "rbac.authorization.k8s.io/v1:RoleBinding",
    "scheduling.k8s.io/v1:PriorityClass",
    "storage.k8s.io/v1:StorageClass",
    "admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy",
    "admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding",
]
KNOWN = frozenset(
    {f"aws:{each}" for each in (*_AWS_JUDGED, *_AWS_CLOSED)}
    | {f"cloudflare:index/{each}" for each in _CLOUDFLARE}
    | {f"kubernetes:{each}" for each in _KUBERNETES}
    | POD_KINDS
)
"""Tokens of the kinds whose part in who reaches what is known."""


def unknown_kinds(declared: Declared) -> Iterator[tuple[str, str]]:
    """Resources of any other kind: (URN, type). Components only hold others; providers are judged by what they make."""
    for type_, resources in declared.types.items():
        if type_ not in KNOWN and not type_.startswith("pulumi:"):
            yield from ((each.urn, type_) for each in resources if each.custom)
