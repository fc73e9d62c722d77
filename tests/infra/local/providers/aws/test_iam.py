"""The types of identities, keys and logs against moto."""

import json
from collections.abc import Mapping
from typing import Any

from tests.infra.local.providers.aws.described import Case, Inputs, World


def document(action: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})


def trust(service: str) -> str:
    principal = {"Service": f"{service}.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def role(world: World, name: str = "nodes") -> str:
    return world.id("aws:iam/role:Role", {"name": name, "assumeRolePolicy": trust("ec2")})


def policy(world: World) -> str:
    return world.id("aws:iam/policy:Policy", {"name": "read", "policy": document("s3:GetObject")})


def replica(world: World) -> Inputs:
    """Of a key of another region: its provider is that region's."""
    made: Any = world.session.client("kms", "us-east-1").create_key(MultiRegion=True, Description="the first")
    return {
        "primaryKeyArn": made["KeyMetadata"]["Arn"],
        "description": "the second",
        "policy": document("kms:*"),
        "deletionWindowInDays": 7,
        "tags": {"tenant": "acme"},
    }


CASES: Mapping[str, Case] = {
    "aws:iam/role:Role": Case(
        lambda _: {
            "name": "moltghost-nodes",
            "assumeRolePolicy": trust("ec2"),
            "description": "nodes",
            "tags": {"pool": "gpu"},
        },
        lambda *_: {"assumeRolePolicy": trust("eks"), "description": "others", "maxSessionDuration": 7200},
        {"name": "other", "path": "/moltghost/"},
        {"arn": "arn:aws:iam::123456789012:role/moltghost-nodes", "uniqueId": "A", "createDate": "20"},
    ),
    "aws:iam/rolePolicy:RolePolicy": Case(
        lambda world: {"role": role(world), "name": "buckets", "policy": document("s3:GetObject")},
        lambda *_: {"policy": document("s3:PutObject")},
        {"name": "other", "role": "other"},
        tags=False,
    ),
    "aws:iam/policy:Policy": Case(
        lambda _: {"name": "moltghost-snapshots", "policy": document("s3:GetObject"), "tags": {"tier": "backup"}},
        lambda *_: {"policy": document("s3:PutObject"), "tags": {}},
        {"name": "other", "description": "other"},
        {"arn": "arn:aws:iam::123456789012:policy/moltghost-snapshots", "policyId": "A"},
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Case(
        lambda world: {"role": role(world), "policyArn": policy(world)},
        replaces={"role": "other", "policyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"},
        tags=False,
    ),
    "aws:iam/instanceProfile:InstanceProfile": Case(
        lambda world: {"name": "moltghost-gateway", "role": role(world)},
        lambda world, _: {"role": role(world, "other")},
        {"name": "other"},
        {"arn": "arn:aws:iam::123456789012:instance-profile/moltghost-gateway"},
    ),
    "aws:cloudwatch/logGroup:LogGroup": Case(
        lambda _: {
            "name": "/moltghost/flow",
            "retentionInDays": 90,
            "kmsKeyId": "arn:key",
            "tags": {"tier": "network"},
        },
        lambda *_: {"retentionInDays": 0, "tags": {"tier": "other"}},
        {"name": "/moltghost/other", "kmsKeyId": "arn:other"},
        {"arn": "arn:aws:logs:ap-southeast-1:123456789012:log-group:/moltghost/flow"},
    ),
    "aws:kms/replicaKey:ReplicaKey": Case(
        replica,
        lambda *_: {"description": "other", "policy": document("kms:Decrypt"), "enabled": False, "tags": {}},
        {"primaryKeyArn": "arn:aws:kms:us-east-1:123456789012:key/mrk-2"},
        {"arn": "arn:aws:kms:ap-southeast-1:123456789012:key/mrk-", "keyId": "mrk-"},
    ),
}
