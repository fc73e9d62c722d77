"""What providers do with a change: which fields replace a resource, and what is lost with one.

Kinds of AWS: what https://registry.terraform.io/providers/hashicorp/aws/latest/docs calls "Forces new resource", and
the schema of each resource marks so (https://github.com/hashicorp/terraform-provider-aws, internal/service/*); the
`aws` provider of Pulumi is made from it. Kinds of Cloudflare: the fields with RequiresReplace in
https://github.com/cloudflare/terraform-provider-cloudflare, internal/services/*/schema.go. Kinds of Kubernetes: what
its API allows no change of. A kind that is not here is shown as changed in place, with that said.
"""

from collections.abc import Iterable, Mapping

from infra.local.providers.kubernetes.replacement import immutable_paths
from policies.record import Resource

_RULE = ("cidrIpv6", "prefixListId", "referencedSecurityGroupId", "securityGroupId")

REPLACING: Mapping[str, tuple[str, ...]] = {
    "aws:autoscaling/tag:Tag": ("autoscalingGroupName", "tag.key"),
    "aws:cloudwatch/logGroup:LogGroup": ("name", "logGroupClass"),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ("vpcId",),
    "aws:ec2/eip:Eip": ("domain",),
    "aws:ec2/eipAssociation:EipAssociation": ("allocationId", "instanceId", "networkInterfaceId", "privateIpAddress"),
    "aws:ec2/flowLog:FlowLog": (
        "eniId",
        "iamRoleArn",
        "logDestination",
        "logDestinationType",
        "logFormat",
        "maxAggregationInterval",
        "subnetId",
        "trafficType",
        "vpcId",
    ),
    "aws:ec2/instance:Instance": (
        "ami",
        "availabilityZone",
        "keyName",
        "primaryNetworkInterface",
        "privateIp",
        "rootBlockDevice.encrypted",
        "rootBlockDevice.kmsKeyId",
        "subnetId",
    ),
    "aws:ec2/internetGateway:InternetGateway": (),
    "aws:ec2/launchTemplate:LaunchTemplate": ("name",),
    "aws:ec2/natGateway:NatGateway": ("allocationId", "connectivityType", "privateIp", "subnetId"),
    "aws:ec2/networkAcl:NetworkAcl": ("vpcId",),
    "aws:ec2/networkAclAssociation:NetworkAclAssociation": ("networkAclId", "subnetId"),
    "aws:ec2/networkInterface:NetworkInterface": ("privateIp", "subnetId"),
    "aws:ec2/route:Route": ("destinationCidrBlock", "destinationPrefixListId", "routeTableId"),
    "aws:ec2/routeTable:RouteTable": ("vpcId",),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": ("gatewayId", "subnetId"),
    "aws:ec2/securityGroup:SecurityGroup": ("description", "name", "vpcId"),
    "aws:ec2/subnet:Subnet": ("availabilityZone", "availabilityZoneId", "cidrBlock", "vpcId"),
    "aws:ec2/vpc:Vpc": ("cidrBlock",),
    "aws:ec2/vpcEndpoint:VpcEndpoint": ("serviceName", "vpcEndpointType", "vpcId"),
    "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation": ("cidrBlock", "vpcId"),
    "aws:eks/accessEntry:AccessEntry": ("clusterName", "principalArn", "type"),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": (
        "accessScope",
        "clusterName",
        "policyArn",
        "principalArn",
    ),
    "aws:eks/addon:Addon": ("addonName", "clusterName"),
    "aws:eks/cluster:Cluster": (
        "accessConfig.bootstrapClusterCreatorAdminPermissions",
        "bootstrapSelfManagedAddons",
        "encryptionConfig",
        "kubernetesNetworkConfig.ipFamily",
        "kubernetesNetworkConfig.serviceIpv4Cidr",
        "name",
        "roleArn",
    ),
    "aws:eks/nodeGroup:NodeGroup": (
        "amiType",
        "capacityType",
        "clusterName",
        "diskSize",
        "instanceTypes",
        "launchTemplate.id",
        "launchTemplate.name",
        "nodeGroupName",
        "nodeRoleArn",
        "remoteAccess",
        "subnetIds",
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": ("clusterName", "namespace", "serviceAccount"),
    "aws:iam/instanceProfile:InstanceProfile": ("name", "path"),
    "aws:iam/policy:Policy": ("description", "name", "path"),
    "aws:iam/role:Role": ("name", "path"),
    "aws:iam/rolePolicy:RolePolicy": ("name", "role"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ("policyArn", "role"),
    "aws:kms/alias:Alias": ("name",),
    "aws:kms/key:Key": ("customerMasterKeySpec", "keyUsage", "multiRegion"),
    "aws:kms/replicaKey:ReplicaKey": ("primaryKeyArn",),
    "aws:rds/instance:Instance": (
        "availabilityZone",
        "dbName",
        "dbSubnetGroupName",
        "engine",
        "kmsKeyId",
        "snapshotIdentifier",
        "storageEncrypted",
        "username",
    ),
    "aws:rds/parameterGroup:ParameterGroup": ("description", "family", "name"),
    "aws:rds/subnetGroup:SubnetGroup": ("name",),
    "aws:s3/bucket:Bucket": ("bucket", "objectLockEnabled"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": ("bucket",),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": ("bucket",),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ("bucket",),
    "aws:s3/bucketPolicy:BucketPolicy": ("bucket",),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ("bucket",),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": ("bucket",),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": ("bucket",),
    "aws:s3/bucketVersioning:BucketVersioning": ("bucket",),
    "aws:secretsmanager/secret:Secret": ("name",),
    "aws:secretsmanager/secretVersion:SecretVersion": ("secretBinary", "secretId", "secretString"),
    "aws:ssm/parameter:Parameter": ("dataType", "name"),
    "aws:vpc/routeServer:RouteServer": ("amazonSideAsn",),
    "aws:vpc/routeServerEndpoint:RouteServerEndpoint": ("routeServerId", "subnetId"),
    "aws:vpc/routeServerPeer:RouteServerPeer": ("bgpOptions", "peerAddress", "routeServerEndpointId"),
    "aws:vpc/routeServerPropagation:RouteServerPropagation": ("routeServerId", "routeTableId"),
    "aws:vpc/routeServerVpcAssociation:RouteServerVpcAssociation": ("routeServerId", "vpcId"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _RULE,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _RULE,
    "cloudflare:index/certificateAuthoritiesHostnameAssociations:CertificateAuthoritiesHostnameAssociations": (
        "zoneId",
    ),
    "cloudflare:index/dnsRecord:DnsRecord": ("zoneId",),
    "cloudflare:index/loadBalancer:LoadBalancer": ("zoneId",),
    "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor": ("accountId",),
    "cloudflare:index/loadBalancerPool:LoadBalancerPool": ("accountId",),
    "cloudflare:index/logpushJob:LogpushJob": ("accountId", "dataset", "kind", "zoneId"),
    "cloudflare:index/mtlsCertificate:MtlsCertificate": ("accountId", "ca", "certificates", "name"),
    "cloudflare:index/ruleset:Ruleset": ("accountId", "kind", "phase", "zoneId"),
    "cloudflare:index/workerVersion:WorkerVersion": ("*",),  # a version is what it is for ever
    "cloudflare:index/workersDeployment:WorkersDeployment": ("accountId", "scriptName", "strategy", "versions"),
    "cloudflare:index/workersKv:WorkersKv": ("accountId", "keyName", "namespaceId"),
    "cloudflare:index/workersKvNamespace:WorkersKvNamespace": ("accountId",),
    "cloudflare:index/workersRoute:WorkersRoute": ("zoneId",),
    "cloudflare:index/workersScript:WorkersScript": ("accountId", "scriptName"),
    "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication": ("accountId", "zoneId"),
    "cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy": ("accountId",),
    "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared": ("accountId", "configSrc"),
    "cloudflare:index/zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig": ("accountId", "tunnelId"),
    "cloudflare:index/zoneSetting:ZoneSetting": ("settingId", "zoneId"),
    "pulumi:providers:aws": ("region",),
    "pulumi:providers:cloudflare": (),
    "pulumi:providers:kubernetes": (),
}
"""Paths of inputs whose change replaces a resource, by type."""

LOSSES: Mapping[str, str] = {
    "aws:dynamodb/table:Table": "the table and every item in it",
    "aws:ebs/volume:Volume": "the volume and everything on it",
    "aws:ec2/instance:Instance": "the machine and its disks",
    "aws:eks/cluster:Cluster": "the cluster, everything that runs in it, and the objects that name its volumes",
    "aws:kms/key:Key": "the key: whatever is encrypted with it can never be read again, backups included",
    "aws:kms/replicaKey:ReplicaKey": "the key's replica: what its region holds can't be read there any more",
    "aws:rds/instance:Instance": "the database and every row in it",
    "aws:s3/bucket:Bucket": "the bucket and every object in it",
    "aws:secretsmanager/secret:Secret": "the secret's value",
    "cloudflare:index/workersKvNamespace:WorkersKvNamespace": "every record in the key-value namespace",
    "cloudflare:index/workersScript:WorkersScript": "the Worker and its Durable Objects: quotas and limits begin anew",
    "kubernetes:agents.x-k8s.io/v1beta1:Sandbox": "the agent and its volume: what it remembers since its last snapshot",
    "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition": "every object of the kind, in all namespaces",
    "kubernetes:apps/v1:StatefulSet": "the set's pods, and their volumes where its claims are deleted with it",
    "kubernetes:core/v1:Namespace": "the namespace and everything in it, its volumes too",
    "kubernetes:core/v1:PersistentVolume": "the volume, and what is on it unless it is retained",
    "kubernetes:core/v1:PersistentVolumeClaim": "the volume and everything on it",
}
"""What goes with a resource that is deleted or replaced, by type, in words."""

SANDBOX = ":Sandbox"
_POD = "spec.podTemplate"


def is_known(type_: str) -> bool:
    """Whether it is known which changes replace a resource of this type."""
    return type_ in REPLACING or type_.startswith("kubernetes:")


def replacing_paths(resource: Resource) -> list[str]:
    """The paths of inputs whose change replaces it, those its own options name among them."""
    named = resource.options.get("replaceOnChanges", ())
    own = [str(each) for each in named] if isinstance(named, list | tuple) else []
    if resource.type.startswith("kubernetes:"):
        return [*immutable_paths(resource.inputs), *own]
    return [*REPLACING.get(resource.type, ()), *own]


def forcing(resource: Resource, changed: Iterable[str]) -> list[str]:
    """Those of the changed paths that replace the resource."""
    paths = replacing_paths(resource)
    return [each for each in changed if any(_overlap(each, path) for path in paths)]


def restarts(type_: str, changed: Iterable[str]) -> bool:
    """Whether a change of these paths restarts an agent: its pod's template is another one."""
    return type_.endswith(SANDBOX) and any(_overlap(each, _POD) for each in changed)


def _overlap(changed: str, path: str) -> bool:
    """Whether one lies in the other. `a.b[name].c` lies in `a.b`."""
    one, other = (each.replace("[", ".[") for each in (changed, path))
    return path == "*" or one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")
