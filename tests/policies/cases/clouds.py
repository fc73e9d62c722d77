"""Cases of the rules about AWS."""

import json
from collections.abc import Mapping
from typing import Any

from policies.record import Resource
from tests.policies.cases import Case, Make
from tests.policies.resources import Ref, kubernetes, resource

ACCOUNT = "123456789012"
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
OTHER = {"AWS": "arn:aws:iam::210987654321:role/reader"}
REGION = {"moltghost:region": "use1"}
ADMINISTER = {
    "Effect": "Allow",
    "Principal": ROOT,
    "Action": ["kms:DescribeKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"],
    "Resource": "*",
}


def _document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _one(type_: str, inputs: Mapping[str, Any], **fields: Any) -> Make:
    return lambda tag: (resource(type_, tag, inputs, **fields),)


def _with(make: Any, good: Mapping[str, Any]) -> Any:
    """A maker of variants: the good inputs with other fields; None takes one out."""

    def changed(**changes: Any) -> Make:
        inputs = {key: value for key, value in {**good, **changes}.items() if value is not None}
        return make(inputs)  # type: ignore[no-any-return]

    return changed


# -- networks and machines

_template = _with(
    lambda inputs: _one("aws:ec2/launchTemplate:LaunchTemplate", inputs),
    {
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
        "networkInterfaces": [{"associatePublicIpAddress": "false"}],
        "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"encrypted": "true"}}],
        "tags": REGION,
    },
)
_instance = _with(
    lambda inputs: _one("aws:ec2/instance:Instance", inputs),
    {
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
        "rootBlockDevice": {"encrypted": True},
        "tags": REGION,
    },
)
_ingress = _with(
    lambda inputs: _one("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", inputs),
    {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "10.24.0.0/16"},
)
_cluster = _with(
    lambda inputs: _one("aws:eks/cluster:Cluster", inputs),
    {
        "vpcConfig": {"endpointPublicAccess": False, "endpointPrivateAccess": True},
        "encryptionConfig": {"provider": {"keyArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/one"}},
        "tags": REGION,
    },
)


def _group(**rule: Any) -> Make:
    return _one("aws:ec2/securityGroup:SecurityGroup", {"ingress": [rule], "tags": REGION})


def _nodes(*, public: bool = False, addresses: bool = False) -> Make:
    """A node group in a subnet with a route table."""

    def made(tag: str) -> tuple[Resource, ...]:
        subnet = resource(
            "aws:ec2/subnet:Subnet", tag, {"mapPublicIpOnLaunch": addresses, "cidrBlock": "10.0.0.0/24", "tags": REGION}
        )
        table = resource("aws:ec2/routeTable:RouteTable", tag, {"tags": REGION})
        gateway = resource("aws:ec2/internetGateway:InternetGateway", tag, {"tags": REGION})
        nat = resource("aws:ec2/natGateway:NatGateway", tag, {"tags": REGION, "subnetId": "subnet-public"})
        way = {"gatewayId": Ref(gateway)} if public else {"natGatewayId": Ref(nat)}
        route = {"routeTableId": Ref(table), "destinationCidrBlock": "0.0.0.0/0", **way}
        return (
            subnet,
            table,
            gateway,
            nat,
            resource("aws:ec2/route:Route", tag, route),
            resource(
                "aws:ec2/routeTableAssociation:RouteTableAssociation",
                tag,
                {"subnetId": Ref(subnet), "routeTableId": Ref(table)},
            ),
            resource("aws:eks/nodeGroup:NodeGroup", tag, {"subnetIds": [Ref(subnet)], "tags": REGION}),
        )

    return made


# -- keys

VIA_S3 = {"StringEquals": {"kms:CallerAccount": ACCOUNT, "kms:ViaService": "s3.us-east-1.amazonaws.com"}}
LOGS = {"Service": "logs.us-east-1.amazonaws.com"}
LOG_GROUP = {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/one"}}
USE = ["kms:Decrypt", "kms:GenerateDataKey"]


def _use(principal: Any, condition: Mapping[str, Any] | None = None, action: Any = USE) -> dict[str, Any]:
    found = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    return found if condition is None else {**found, "Condition": condition}


KEY = "aws:kms/key:Key"
GOOD_KEY = {
    "enableKeyRotation": True,
    "policy": _document(ADMINISTER, _use(ROOT, VIA_S3), _use(LOGS, LOG_GROUP)),
    "tags": REGION,
}


def _key(*statements: Mapping[str, Any]) -> Make:
    return _one(KEY, {**GOOD_KEY, "policy": _document(ADMINISTER, *statements)}, protect=True)


# -- buckets


def bucket(
    tag: str,
    *,
    tenant: str = "acme",
    key_tenant: str | None = None,
    change: Mapping[str, Mapping[str, Any]] | None = None,
    without: str = "",
    context: str | None = None,
    **fields: Any,
) -> tuple[Resource, ...]:
    """A tenant's bucket with all that says how it is kept; `change` gives other inputs by the companion's role."""
    name, tags = f"moltghost-{tag}"[:63], {"moltghost:tenant": tenant}
    arn = f"arn:aws:s3:::{name}"
    named = {"StringEquals": {**VIA_S3["StringEquals"], "kms:EncryptionContext:aws:s3:arn": context or arn}}
    key = resource(
        KEY,
        f"{tag}-key",
        {
            **GOOD_KEY,
            "policy": _document(ADMINISTER, _use(ROOT, named)),
            "tags": {"moltghost:tenant": key_tenant or tenant},
        },
        protect=True,
    )
    kept = {"protect": True, **fields}
    forced = kept.pop("forceDestroy", None)
    whole = {"bucket": name, "tags": tags, **({"forceDestroy": True} if forced else {})}
    made = resource("aws:s3/bucket:Bucket", tag, whole, **kept)
    inputs: dict[str, dict[str, Any]] = {
        "PublicAccessBlock": {
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        },
        "Versioning": {"versioningConfiguration": {"status": "Enabled"}},
        "ServerSideEncryptionConfiguration": {
            "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": Ref(key)}}]
        },
        "Policy": {"policy": tls_only(arn)},
    }
    companions = [
        resource(f"aws:s3/bucket{role}:Bucket{role}", tag, {"bucket": name, **(change or {}).get(role, given)})
        for role, given in inputs.items()
        if role != without
    ]
    return (key, made, *companions)


def tls_only(arn: str, *more: Mapping[str, Any]) -> str:
    """A bucket's policy that denies what comes in the clear."""
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return _document(deny, *more)


def _bucket(**how: Any) -> Make:
    return lambda tag: bucket(tag, **how)


def _bucket_allowing(principal: Any, resources: str, *, shared: bool = False) -> Make:
    """A bucket whose policy also lets somebody read; `{}` in `resources` stands for the bucket's ARN."""

    def made(tag: str) -> tuple[Resource, ...]:
        arn = f"arn:aws:s3:::moltghost-{tag}"[: len("arn:aws:s3:::") + 63]
        statement = {
            "Effect": "Allow",
            "Principal": principal,
            "Action": "s3:GetObject",
            "Resource": resources.format(arn),
        }
        found = bucket(tag, change={"Policy": {"policy": tls_only(arn, statement)}})
        if not shared:
            return found
        return tuple(
            resource(each.type, each.name, {**each.inputs, "tags": REGION}, protect=True)
            if each.type.endswith(":Bucket")
            else each
            for each in found
        )

    return made


def _reading(arn: str) -> Make:
    statement = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": arn}
    return _one("aws:iam/rolePolicy:RolePolicy", {"policy": _document(statement), "role": "one"})


def _doing(**statement: Any) -> Make:
    document = _document({"Effect": "Allow", **statement})
    return _one("aws:iam/rolePolicy:RolePolicy", {"policy": document, "role": "one"})


def _aliases(first: str, second: str) -> Make:
    def made(tag: str) -> tuple[Resource, ...]:
        names = {"one": f"alias/{tag}/{first}", "other": f"alias/{tag}/{second}"}
        return tuple(
            resource("aws:kms/alias:Alias", f"{tag}-{role}", {"name": name, "targetKeyId": role})
            for role, name in names.items()
        )

    return made


def _two_tenants(tag: str) -> tuple[Resource, ...]:
    """The key of one customer is used for the bucket of another."""
    other = f"arn:aws:s3:::moltghost-{tag}-other"
    return (*bucket(f"{tag}-one", context=other), *bucket(f"{tag}-other", tenant="globex"))


# -- databases

_database = _with(
    lambda inputs: _one("aws:rds/instance:Instance", inputs, protect=True),
    {
        "storageEncrypted": True,
        "kmsKeyId": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/one",
        "publiclyAccessible": False,
        "dbSubnetGroupName": "private",
        "deletionProtection": True,
        "skipFinalSnapshot": False,
        "backupRetentionPeriod": 14,
        "tags": REGION,
    },
)


def _parameters(value: str) -> Make:
    return _one("aws:rds/parameterGroup:ParameterGroup", {"parameters": [{"name": "rds.force_ssl", "value": value}]})


def _provided(tags: Mapping[str, str]) -> Make:
    """A VPC without tags, of a provider that sets some."""

    def made(tag: str) -> tuple[Resource, ...]:
        provider = resource("pulumi:providers:aws", tag, {"defaultTags": json.dumps({"tags": tags})})
        vpc = resource("aws:ec2/vpc:Vpc", tag, {"cidrBlock": "10.0.0.0/16"}, provider=f"{provider.urn}::id")
        return provider, vpc

    return made


def _storage_class(encrypted: str) -> Make:
    def made(tag: str) -> tuple[Resource, ...]:
        manifest = {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": tag},
            "provisioner": "ebs.csi.aws.com",
            "parameters": {"encrypted": encrypted},
        }
        return (kubernetes(manifest),)

    return made


LOAD_BALANCER = "aws:lb/loadBalancer:LoadBalancer"

CASES: dict[str, Case] = {
    "load-balancer-is-internal": Case(
        _one(LOAD_BALANCER, {"internal": True}),
        {"public": _one(LOAD_BALANCER, {"internal": False}), "absent": _one(LOAD_BALANCER, {})},
    ),
    "cluster-endpoint-is-private": Case(
        _cluster(),
        {
            "public": _cluster(vpcConfig={"endpointPublicAccess": True, "endpointPrivateAccess": True}),
            "absent": _cluster(vpcConfig={"endpointPrivateAccess": True}),
            "clear-secrets": _cluster(encryptionConfig=None),
        },
    ),
    "node-subnet-is-private": Case(_nodes(), {"routed": _nodes(public=True), "addressed": _nodes(addresses=True)}),
    "security-group-is-closed": Case(
        lambda tag: (
            *_ingress()(f"{tag}-inside"),
            *_ingress(ipProtocol="udp", fromPort=51820, toPort=51827, cidrIpv4="0.0.0.0/0")(f"{tag}-tunnel"),
        ),
        {
            "internet": _ingress(cidrIpv4="0.0.0.0/0"),
            "half": _ingress(cidrIpv4="128.0.0.0/1"),
            "internet-six": _ingress(cidrIpv4=None, cidrIpv6="::/0"),
            "beside-the-tunnel": _ingress(ipProtocol="udp", fromPort=51820, toPort=51900, cidrIpv4="0.0.0.0/0"),
            "inline": _group(protocol="tcp", fromPort=22, toPort=22, cidrBlocks=["0.0.0.0/0"]),
            "everything-out": _one(
                "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", {"ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"}
            ),
        },
    ),
    "metadata-takes-one-hop": Case(
        _template(),
        {
            "two-hops": _template(metadataOptions={"httpTokens": "required", "httpPutResponseHopLimit": 2}),
            "no-token": _template(metadataOptions={"httpTokens": "optional", "httpPutResponseHopLimit": 1}),
            "absent": _instance(metadataOptions=None),
        },
    ),
    "instance-has-no-public-address": Case(
        _template(),
        {
            "template": _template(networkInterfaces=[{"associatePublicIpAddress": "true"}]),
            "instance": _instance(associatePublicIpAddress=True),
        },
    ),
    "disk-is-encrypted": Case(
        lambda tag: (*_template()(tag), *_storage_class("true")(tag)),
        {
            "template": _template(blockDeviceMappings=[{"ebs": {"encrypted": "false"}}]),
            "instance": _instance(rootBlockDevice=None),
            "class": _storage_class("false"),
        },
    ),
    "key-policy-lets-no-other-in": Case(
        _key(_use(ROOT, VIA_S3), _use({"AWS": "*"}, VIA_S3), _use(LOGS, LOG_GROUP)),
        {
            "absent": _one(KEY, {key: value for key, value in GOOD_KEY.items() if key != "policy"}, protect=True),
            "anyone": _key(_use({"AWS": "*"})),
            "anyone-plain": _key(_use("*", {"Bool": {"aws:SecureTransport": "true"}})),
            "another-account": _key(_use(OTHER, VIA_S3)),
            "administrators": _key(_use(ROOT)),
            "all-actions": _key(_use(ROOT, action="kms:*")),
            "any-service": _key(_use(LOGS)),
            "wildcard-arn": _key(_use(LOGS, {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": "*"}})),
        },
    ),
    "key-rotates": Case(_key(), {"never": _one(KEY, {**GOOD_KEY, "enableKeyRotation": False}, protect=True)}),
    "key-belongs-to-one-tenant": Case(
        lambda tag: (*bucket(tag), *_aliases("one", "other")(tag)),
        {
            "another-tenants": _bucket(key_tenant="globex"),
            "shared-alias": _aliases("one", "one"),
            "another-bucket": _two_tenants,
        },
    ),
    "bucket-is-private": Case(
        _bucket(),
        {
            "absent": _bucket(without="PublicAccessBlock"),
            "one-way": _bucket(
                change={
                    "PublicAccessBlock": {
                        "blockPublicAcls": True,
                        "blockPublicPolicy": False,
                        "ignorePublicAcls": True,
                        "restrictPublicBuckets": True,
                    }
                }
            ),
        },
    ),
    "bucket-is-versioned": Case(
        _bucket(),
        {
            "absent": _bucket(without="Versioning"),
            "suspended": _bucket(change={"Versioning": {"versioningConfiguration": {"status": "Suspended"}}}),
        },
    ),
    "bucket-is-encrypted": Case(
        _bucket(),
        {
            "absent": _bucket(without="ServerSideEncryptionConfiguration"),
            "own-key-of-aws": _bucket(
                change={
                    "ServerSideEncryptionConfiguration": {
                        "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}]
                    }
                }
            ),
            "no-kms": _bucket(
                change={
                    "ServerSideEncryptionConfiguration": {
                        "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]
                    }
                }
            ),
        },
    ),
    "bucket-takes-tls-only": Case(
        _bucket(),
        {
            "absent": _bucket(without="Policy"),
            "objects-alone": _bucket(
                change={"Policy": {"policy": tls_only("arn:aws:s3:::x").replace(':::x",', ':::x/*",')}}
            ),
            "other-way-round": _bucket(
                change={"Policy": {"policy": tls_only("arn:aws:s3:::x").replace("false", "true")}}
            ),
        },
    ),
    "bucket-access-stays-with-its-tenant": Case(
        lambda tag: (
            *_bucket_allowing(ROOT, "{}/acme/*", shared=True)(tag),
            *_reading("arn:aws:s3:::moltghost-acme/*")(tag),
        ),
        {
            "anyone": _bucket_allowing("*", "{}/*"),
            "whole-shared-bucket": _bucket_allowing(ROOT, "{}/*", shared=True),
            "every-bucket": _reading("*"),
            "every-snapshot-bucket": _reading("arn:aws:s3:::moltghost-*/snapshots/*"),
        },
    ),
    "iam-policy-has-no-wildcard": Case(
        _doing(Action=["eks:DescribeNodegroup"], Resource="*"),
        {
            "everything": _doing(Action="*", Resource="arn:aws:s3:::one"),
            "a-service": _doing(Action=["ec2:*"], Resource="*"),
            "all-but": _doing(NotAction=["iam:*"], Resource="*"),
            "administrator": _one(
                "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
                {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess", "role": "one"},
            ),
        },
    ),
    "database-is-encrypted": Case(
        lambda tag: (*_database()(tag), *_parameters("1")(tag)),
        {
            "clear": _database(storageEncrypted=False),
            "own-key-of-aws": _database(kmsKeyId=None),
            "no-tls": _parameters("0"),
        },
    ),
    "database-is-private": Case(
        _database(),
        {"public": _database(publiclyAccessible=True), "default-subnets": _database(dbSubnetGroupName=None)},
    ),
    "database-is-kept": Case(
        _database(),
        {
            "deletable": _database(deletionProtection=False),
            "no-last-snapshot": _database(skipFinalSnapshot=True),
            "no-backups": _database(backupRetentionPeriod=0),
        },
    ),
    "data-is-protected": Case(
        lambda tag: (*bucket(tag), *_database()(tag)),
        {"bucket": _bucket(protect=False), "emptied": _bucket(forceDestroy=True), "key": _one(KEY, GOOD_KEY)},
    ),
    "resource-says-whose-it-is": Case(
        lambda tag: (*bucket(tag), *_provided({"moltghost:region": "use1"})(tag)),
        {"absent": _one("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}), "other-tags": _provided({"team": "one"})},
    ),
}
