"""The types of machines, databases, secrets and tags against moto."""

import json
from collections.abc import Mapping

from tests.infra.local.providers.aws.described import Case, Inputs, World

TEMPLATE = {
    "name": "moltghost-gpu",
    "instanceType": "g6.xlarge",
    "updateDefaultVersion": True,
    "userData": "IyEvYmluL3NoCg==",
    "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
    "blockDeviceMappings": [
        {
            "deviceName": "/dev/xvda",
            "ebs": {"encrypted": "true", "volumeSize": 200, "volumeType": "gp3", "deleteOnTermination": "true"},
        }
    ],
    "networkInterfaces": [{"deviceIndex": 0, "associatePublicIpAddress": "false", "securityGroups": ["sg-1"]}],
    "capacityReservationSpecification": {"capacityReservationPreference": "none"},
    "tagSpecifications": [{"resourceType": "instance", "tags": {"pool": "gpu"}}],
}


def instance(world: World) -> Inputs:
    vpc = world.vpc()
    return {
        "ami": "ami-12345678",
        "instanceType": "t4g.small",
        "subnetId": world.subnet(vpc),
        "vpcSecurityGroupIds": [world.group(vpc)],
        "userData": "#!/bin/sh\n",
        "sourceDestCheck": False,
        "tags": {"role": "gateway"},
    }


def interface(world: World) -> Inputs:
    vpc = world.vpc()
    return {
        "subnetId": world.subnet(vpc),
        "privateIp": "10.64.0.10",
        "securityGroups": [world.group(vpc)],
        "description": "gateway",
        "sourceDestCheck": False,
    }


def subnet_group(world: World) -> Inputs:
    vpc = world.vpc()
    return {
        "name": "moltghost-sin",
        "description": "Private",
        "subnetIds": [world.subnet(vpc, 1), world.subnet(vpc, 0)],
    }


def parameter_group() -> Inputs:
    return {
        "name": "moltghost-sin-17",
        "family": "postgres17",
        "description": "Database of sin",
        "parameters": [
            {"name": "rds.force_ssl", "value": "1", "applyMethod": "pending-reboot"},
            {"name": "log_statement", "value": "none"},
        ],
    }


def database(world: World) -> Inputs:
    group = subnet_group(world)
    network = world.session.client("ec2").describe_subnets(SubnetIds=group["subnetIds"])["Subnets"][0]["VpcId"]
    key = world.make("aws:kms/key:Key", {}).state["arn"]
    return {
        "identifier": "moltghost-sin",
        "engine": "postgres",
        "engineVersion": "17.6",
        "instanceClass": "db.r8g.large",
        "dbName": "moltghost",
        "port": 5432,
        "username": "moltghost",
        "manageMasterUserPassword": True,
        "masterUserSecretKmsKeyId": key,
        "multiAz": True,
        "publiclyAccessible": False,
        "dbSubnetGroupName": world.id("aws:rds/subnetGroup:SubnetGroup", group),
        "vpcSecurityGroupIds": [world.group(network)],
        "parameterGroupName": world.id("aws:rds/parameterGroup:ParameterGroup", parameter_group()),
        "storageType": "gp3",
        "allocatedStorage": 100,
        "maxAllocatedStorage": 500,
        "storageEncrypted": True,
        "kmsKeyId": key,
        "backupRetentionPeriod": 14,
        "backupWindow": "17:00-18:00",
        "maintenanceWindow": "sun:19:00-sun:20:00",
        "deleteAutomatedBackups": True,
        "applyImmediately": False,
        "copyTagsToSnapshot": True,
        "deletionProtection": False,
        "skipFinalSnapshot": True,
        "enabledCloudwatchLogsExports": ["upgrade", "postgresql"],
        "performanceInsightsEnabled": True,
        "performanceInsightsKmsKeyId": key,
        "performanceInsightsRetentionPeriod": 7,
        "caCertIdentifier": "rds-ca-rsa2048-g1",
        "tags": {"region": "sin"},
    }


def version(world: World) -> Inputs:
    return {"secretId": world.id("aws:secretsmanager/secret:Secret", {"name": "one"}), "secretString": "hush-hush"}


def scaling_group(world: World) -> str:
    subnet, template = world.subnet(world.vpc()), world.id("aws:ec2/launchTemplate:LaunchTemplate", TEMPLATE)
    world.session.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="eks-gpu",
        MinSize=0,
        MaxSize=1,
        VPCZoneIdentifier=subnet,
        LaunchTemplate={"LaunchTemplateId": template},
    )
    return "eks-gpu"


def scaling_tag(world: World) -> Inputs:
    return {
        "autoscalingGroupName": scaling_group(world),
        "tag": {"key": "k8s.io/cluster-autoscaler/enabled", "value": "true", "propagateAtLaunch": False},
    }


CASES: Mapping[str, Case] = {
    "aws:ec2/launchTemplate:LaunchTemplate": Case(
        lambda _: TEMPLATE,
        lambda *_: {"instanceType": "g6.2xlarge", "metadataOptions": {"httpTokens": "optional"}},
        {"name": "other"},
        {"latestVersion": "1", "defaultVersion": "1"},
    ),
    "aws:ec2/instance:Instance": Case(
        instance,
        lambda *_: {"sourceDestCheck": True, "disableApiTermination": False, "tags": {}},
        {"ami": "ami-2", "subnetId": "subnet-2", "userData": "#!/bin/bash\n"},
        {"instanceState": "running", "primaryNetworkInterfaceId": "eni-", "privateIp": "10.64.0."},
    ),
    "aws:ec2/networkInterface:NetworkInterface": Case(
        interface,
        lambda *_: {"sourceDestCheck": True, "description": "other"},
        {"subnetId": "subnet-2", "privateIp": "10.64.0.11"},
        {"macAddress": ""},
    ),
    "aws:rds/subnetGroup:SubnetGroup": Case(
        subnet_group,
        lambda *_: {"description": "Other", "tags": {"tier": "database"}},
        {"name": "other"},
        {"arn": "arn:aws:rds:ap-southeast-1:123456789012:subgrp:moltghost-sin", "vpcId": "vpc-"},
    ),
    "aws:rds/parameterGroup:ParameterGroup": Case(
        lambda _: parameter_group(),
        lambda _, first: {"parameters": [first["parameters"][0], {"name": "log_statement", "value": "ddl"}]},
        {"family": "postgres18", "name": "other", "description": "Other"},
        {"arn": "arn:aws:rds:ap-southeast-1:123456789012:pg:moltghost-sin-17"},
    ),
    "aws:rds/instance:Instance": Case(
        database,
        lambda *_: {
            "instanceClass": "db.r8g.xlarge",
            "allocatedStorage": 200,
            "performanceInsightsRetentionPeriod": 31,
            "enabledCloudwatchLogsExports": ["postgresql"],
            "tags": {},
        },
        {"engine": "mysql", "dbName": "other", "storageEncrypted": False, "kmsKeyId": "arn:other"},
        {"address": "moltghost-sin.", "endpoint": "moltghost-sin.", "status": "available", "masterUserSecrets": "[{"},
    ),
    "aws:secretsmanager/secret:Secret": Case(
        lambda _: {"name": "moltghost/sin", "description": "one", "recoveryWindowInDays": 0, "tags": {"tier": "x"}},
        lambda *_: {
            "description": "other",
            "policy": json.dumps({"Version": "2012-10-17", "Statement": []}),
            "tags": {},
        },
        {"name": "other"},
        {"arn": "arn:aws:secretsmanager:ap-southeast-1:123456789012:secret:moltghost/sin"},
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": Case(
        version, replaces={"secretString": "other"}, outputs={"versionStages": "['AWSCURRENT']"}, tags=False, stays=True
    ),
    "aws:ssm/parameter:Parameter": Case(
        lambda _: {"name": "/moltghost/sin/key", "type": "SecureString", "value": "hush-hush", "tags": {"tier": "x"}},
        lambda *_: {"value": "another", "description": "key", "tags": {}},
        {"name": "/other", "dataType": "aws:ec2:image"},
        {"arn": "arn:aws:ssm:ap-southeast-1:123456789012:parameter/moltghost/sin/key"},
    ),
    "aws:autoscaling/tag:Tag": Case(
        scaling_tag,
        lambda _, first: {"tag": first["tag"] | {"value": "false"}},
        {"autoscalingGroupName": "other", "tag": {"key": "other", "value": "true", "propagateAtLaunch": False}},
        tags=False,
    ),
}
