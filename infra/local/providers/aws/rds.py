"""Databases on RDS: subnet groups, parameter groups, instances.

Types and their inputs are those of https://www.pulumi.com/registry/packages/aws/api-docs/rds/.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jmespath

from infra.local.providers.aws.ec2 import changed_members, one_of
from infra.local.providers.aws.resource import At, Change, Input, Raw, Ready, ResourceType, Tagging
from infra.local.providers.aws.shapes import tag_list, tag_map
from infra.local.providers.base import Failure, ProviderError
from infra.local.providers.properties import Properties

GONE = ("deleting", "deleted")
PARAMETERS_AT_ONCE = 20
"""The most ModifyDBParameterGroup takes:
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBParameterGroup.html."""


def _tags(arn: str) -> Tagging:
    """Tags of an RDS resource; `arn` is where its description has its ARN."""

    def add(at: At, raw: Raw, tags: Mapping[str, str]) -> None:
        at.client.add_tags_to_resource(ResourceName=raw[arn], Tags=tag_list(tags))

    def remove(at: At, raw: Raw, names: Any) -> None:
        at.client.remove_tags_from_resource(ResourceName=raw[arn], TagKeys=list(names))

    def read(at: At, raw: Raw) -> Mapping[str, str]:
        return tag_map(at.client.list_tags_for_resource(ResourceName=raw[arn])["TagList"])

    return Tagging(request=lambda tags: {"Tags": tag_list(tags)}, read=read, add=add, remove=remove)


def _created(operation: str, name: str) -> Callable[[At, Raw, Properties], str]:
    def create(at: At, request: Raw, inputs: Properties) -> str:
        getattr(at.client, operation)(**request)
        return str(inputs[name])

    return create


def _found(operation: str, by: str, path: str) -> Callable[[At], Raw | None]:
    def find(at: At) -> Raw | None:
        found = jmespath.search(path, getattr(at.client, operation)(**{by: at.id}))
        return dict(found) if found else None

    return find


def _change_subnet_group(at: At, new: Properties, _: Properties) -> None:
    at.client.modify_db_subnet_group(
        DBSubnetGroupName=at.id, DBSubnetGroupDescription=new["description"], SubnetIds=new["subnetIds"]
    )


SUBNET_GROUP = ResourceType(
    service="rds",
    inputs={
        "name": Input("DBSubnetGroupName", named=True, replaces=True),
        "description": Input("DBSubnetGroupDescription", default="Managed by Pulumi"),
        "subnetIds": Input("SubnetIds", live="Subnets[].SubnetIdentifier", required=True, unordered=True),
    },
    create=_created("create_db_subnet_group", "name"),
    find=_found("describe_db_subnet_groups", "DBSubnetGroupName", "DBSubnetGroups[0]"),
    changes=[Change(["description", "subnetIds"], _change_subnet_group)],
    delete=lambda at, *_: at.client.delete_db_subnet_group(DBSubnetGroupName=at.id),
    tagging=_tags("DBSubnetGroupArn"),
    orphans=lambda _, inputs, *__: [inputs["name"]],
    outputs={"arn": "DBSubnetGroupArn", "vpcId": "VpcId"},
)


def _find_parameter_group(at: At) -> Raw | None:
    raw = _found("describe_db_parameter_groups", "DBParameterGroupName", "DBParameterGroups[0]")(at)
    if raw is None:
        return None
    pages = at.client.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=at.id, Source="user")
    return raw | {"Parameters": [one for page in pages for one in page["Parameters"] if "ParameterValue" in one]}


def _live_parameters(raw: Raw) -> list[Properties]:
    return [
        {
            "name": one["ParameterName"],
            "value": one["ParameterValue"],
            "applyMethod": one.get("ApplyMethod", "immediate"),
        }
        for one in raw["Parameters"]
    ]


def _parameter(one: Mapping[str, Any]) -> tuple[str, str, str]:
    return one["name"].lower(), str(one["value"]), one.get("applyMethod") or "immediate"


def _same_parameters(one: Any, other: Any) -> bool:
    return {_parameter(each) for each in one} == {_parameter(each) for each in other}


def _set_parameters(at: At, new: Properties, old: Properties) -> None:
    wanted = {name: (value, when) for name, value, when in map(_parameter, new.get("parameters") or ())}
    before = {name: (value, when) for name, value, when in map(_parameter, old.get("parameters") or ())}
    if gone := sorted(set(before) - set(wanted)):
        raise ProviderError(f"parameters: moto can't reset {', '.join(gone)}; replace the group, or set their defaults")
    changed = [
        {"ParameterName": name, "ParameterValue": value, "ApplyMethod": when}
        for name, (value, when) in sorted(wanted.items())
        if before.get(name) != (value, when)
    ]
    for start in range(0, len(changed), PARAMETERS_AT_ONCE):
        at.client.modify_db_parameter_group(
            DBParameterGroupName=at.id, Parameters=changed[start : start + PARAMETERS_AT_ONCE]
        )


PARAMETER_GROUP = ResourceType(
    service="rds",
    inputs={
        "name": Input("DBParameterGroupName", named=True, replaces=True),
        "family": Input("DBParameterGroupFamily", required=True, replaces=True),
        "description": Input("Description", replaces=True, default="Managed by Pulumi"),
        "parameters": Input(
            live=_live_parameters, members=("name", "value", "applyMethod"), unordered=True, same=_same_parameters
        ),
    },
    create=_created("create_db_parameter_group", "name"),
    find=_find_parameter_group,
    changes=[Change(["parameters"], _set_parameters, after_create=True)],
    delete=lambda at, *_: at.client.delete_db_parameter_group(DBParameterGroupName=at.id),
    tagging=_tags("DBParameterGroupArn"),
    orphans=lambda _, inputs, *__: [inputs["name"]],
    outputs={"arn": "DBParameterGroupArn"},
)

MODIFIED = {
    "allocatedStorage": "AllocatedStorage",
    "autoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "backupRetentionPeriod": "BackupRetentionPeriod",
    "backupWindow": "PreferredBackupWindow",
    "caCertIdentifier": "CACertificateIdentifier",
    "copyTagsToSnapshot": "CopyTagsToSnapshot",
    "deletionProtection": "DeletionProtection",
    "engineVersion": "EngineVersion",
    "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
    "instanceClass": "DBInstanceClass",
    "iops": "Iops",
    "maintenanceWindow": "PreferredMaintenanceWindow",
    "maxAllocatedStorage": "MaxAllocatedStorage",
    "monitoringInterval": "MonitoringInterval",
    "monitoringRoleArn": "MonitoringRoleArn",
    "multiAz": "MultiAZ",
    "parameterGroupName": "DBParameterGroupName",
    "password": "MasterUserPassword",
    "performanceInsightsKmsKeyId": "PerformanceInsightsKMSKeyId",
    "performanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
    "publiclyAccessible": "PubliclyAccessible",
    "storageThroughput": "StorageThroughput",
    "storageType": "StorageType",
    "vpcSecurityGroupIds": "VpcSecurityGroupIds",
}
"""Inputs that ModifyDBInstance changes, and its names for them."""


def _create_instance(at: At, request: Raw, inputs: Properties) -> str:
    at.client.create_db_instance(**request)
    return str(inputs["identifier"])


def _modify(at: At, new: Properties, old: Properties) -> None:
    """moto changes at once what RDS, without `applyImmediately`, would leave to the maintenance window."""
    if old.get("performanceInsightsEnabled") and not new.get("performanceInsightsEnabled"):
        raise ProviderError(
            "performanceInsightsEnabled: moto can't switch them off; replace the instance, or keep them"
        )
    request = {api: new[name] for name, api in MODIFIED.items() if new.get(name) != old.get(name) and name in new}
    added, removed = changed_members(old.get("enabledCloudwatchLogsExports"), new.get("enabledCloudwatchLogsExports"))
    if added or removed:
        request["CloudwatchLogsExportConfiguration"] = {"EnableLogTypes": added, "DisableLogTypes": removed}
    if request:
        wishes = {"ApplyImmediately": bool(new.get("applyImmediately"))}
        wishes["AllowMajorVersionUpgrade"] = bool(new.get("allowMajorVersionUpgrade"))
        at.client.modify_db_instance(DBInstanceIdentifier=at.id, **request, **wishes)


def _set_insights(at: At, new: Properties, _: Properties) -> None:
    """moto takes them in a change, not in the create."""
    names = ("performanceInsightsRetentionPeriod", "performanceInsightsKmsKeyId")
    request = {MODIFIED[name]: new[name] for name in names if new.get(name)}
    if new.get("performanceInsightsEnabled"):
        request = {"PerformanceInsightsRetentionPeriod": INSIGHTS_DAYS, "EnablePerformanceInsights": True} | request
    if request:
        at.client.modify_db_instance(DBInstanceIdentifier=at.id, **request)


def _delete_instance(at: At, _: Raw, inputs: Properties) -> None:
    snapshot: Raw = {"SkipFinalSnapshot": True}
    if not inputs.get("skipFinalSnapshot"):
        snapshot = {"SkipFinalSnapshot": False, "FinalDBSnapshotIdentifier": inputs["finalSnapshotIdentifier"]}
    backups = inputs.get("deleteAutomatedBackups", True)
    at.client.delete_db_instance(DBInstanceIdentifier=at.id, DeleteAutomatedBackups=backups, **snapshot)


def _needs_snapshot_name(inputs: Properties) -> Iterable[Failure]:
    if inputs.get("skipFinalSnapshot") is False and inputs.get("finalSnapshotIdentifier") is None:
        yield Failure(("finalSnapshotIdentifier",), "must be given unless skipFinalSnapshot is true")


def _endpoint(_: At, raw: Raw) -> str:
    return f"{raw['Endpoint']['Address']}:{raw['Endpoint']['Port']}"


def _master_secrets(_: At, raw: Raw) -> list[Properties]:
    secret = raw.get("MasterUserSecret")
    names = {"secretArn": "SecretArn", "secretStatus": "SecretStatus", "kmsKeyId": "KmsKeyId"}
    return [{name: secret.get(api) for name, api in names.items()}] if secret else []


INSIGHTS_DAYS = 7
"""How long Performance Insights are kept where nothing is said, without a charge."""


def _living_instance(at: At) -> Raw | None:
    raw = _found("describe_db_instances", "DBInstanceIdentifier", "DBInstances[0]")(at)
    return None if raw is None or raw["DBInstanceStatus"] in GONE else raw


def _open(name: str, live: str = "", **about: Any) -> Input:
    """An input that both the create and ModifyDBInstance take."""
    return Input(MODIFIED[name], live=live, **about)


INSTANCE = ResourceType(
    service="rds",
    inputs={
        "identifier": Input("DBInstanceIdentifier", named=True, replaces=True),
        "engine": Input("Engine", required=True, replaces=True),
        "dbName": Input("DBName", replaces=True),
        "port": Input("Port", live="Endpoint.Port", replaces=True),
        "username": Input("MasterUsername", replaces=True),
        "dbSubnetGroupName": Input("DBSubnetGroupName", live="DBSubnetGroup.DBSubnetGroupName", replaces=True),
        "storageEncrypted": Input("StorageEncrypted", replaces=True, default=False),
        "kmsKeyId": Input("KmsKeyId", replaces=True),
        "availabilityZone": Input("AvailabilityZone", replaces=True),
        "engineVersion": _open("engineVersion"),
        "instanceClass": _open("instanceClass", required=True),
        "allocatedStorage": _open("allocatedStorage", required=True),
        "maxAllocatedStorage": _open("maxAllocatedStorage"),
        "storageType": _open("storageType"),
        "storageThroughput": _open("storageThroughput"),
        "iops": _open("iops"),
        "multiAz": _open("multiAz"),
        "publiclyAccessible": _open("publiclyAccessible", default=False),
        "vpcSecurityGroupIds": _open("vpcSecurityGroupIds", "VpcSecurityGroups[].VpcSecurityGroupId", unordered=True),
        "parameterGroupName": _open("parameterGroupName", "DBParameterGroups[0].DBParameterGroupName"),
        "backupRetentionPeriod": _open("backupRetentionPeriod"),
        "backupWindow": _open("backupWindow"),
        "maintenanceWindow": _open("maintenanceWindow"),
        "autoMinorVersionUpgrade": _open("autoMinorVersionUpgrade", default=True),
        "copyTagsToSnapshot": _open("copyTagsToSnapshot", default=False),
        "deletionProtection": _open("deletionProtection"),
        "iamDatabaseAuthenticationEnabled": _open(
            "iamDatabaseAuthenticationEnabled", "IAMDatabaseAuthenticationEnabled"
        ),
        "caCertIdentifier": _open("caCertIdentifier"),
        "monitoringInterval": _open("monitoringInterval", default=0),
        "monitoringRoleArn": _open("monitoringRoleArn"),
        "enabledCloudwatchLogsExports": Input(
            "EnableCloudwatchLogsExports", live="EnabledCloudwatchLogsExports", unordered=True
        ),
        "performanceInsightsEnabled": Input(live=lambda raw: bool(raw.get("PerformanceInsightsRetentionPeriod"))),
        "performanceInsightsKmsKeyId": Input(live="PerformanceInsightsKMSKeyId"),
        "performanceInsightsRetentionPeriod": Input(live="PerformanceInsightsRetentionPeriod"),
        "manageMasterUserPassword": Input(
            "ManageMasterUserPassword", live=lambda raw: True if raw.get("MasterUserSecret") else None, replaces=True
        ),
        "masterUserSecretKmsKeyId": Input("MasterUserSecretKmsKeyId", live="MasterUserSecret.KmsKeyId", replaces=True),
        "password": Input("MasterUserPassword", kept=True),  # RDS never tells it
        # How to change and delete it: nothing RDS keeps.
        "allowMajorVersionUpgrade": Input(kept=True),
        "applyImmediately": Input(kept=True),
        "deleteAutomatedBackups": Input(kept=True),
        "finalSnapshotIdentifier": Input(kept=True),
        "skipFinalSnapshot": Input(kept=True),
    },
    create=_create_instance,
    find=_living_instance,
    changes=[
        Change(
            (*MODIFIED, "enabledCloudwatchLogsExports"),
            _modify,
        ),
        Change(
            ["performanceInsightsEnabled", "performanceInsightsKmsKeyId", "performanceInsightsRetentionPeriod"],
            _set_insights,
            after_create=True,
        ),
    ],
    delete=_delete_instance,
    tagging=_tags("DBInstanceArn"),
    orphans=lambda _, inputs, *__: [inputs["identifier"]],
    ready=Ready("DBInstanceStatus", ("available",), ("failed", "incompatible-parameters", "storage-full")),
    outputs={
        "arn": "DBInstanceArn",
        "address": "Endpoint.Address",
        "endpoint": _endpoint,
        "engineVersionActual": "EngineVersion",
        "hostedZoneId": "Endpoint.HostedZoneId",
        "masterUserSecrets": _master_secrets,
        "resourceId": "DbiResourceId",
        "status": "DBInstanceStatus",
    },
    rules=[one_of("password", "manageMasterUserPassword", needed=False), _needs_snapshot_name],
    secret_outputs=("password",),
)


TYPES: Mapping[str, ResourceType] = {
    "aws:rds/instance:Instance": INSTANCE,
    "aws:rds/parameterGroup:ParameterGroup": PARAMETER_GROUP,
    "aws:rds/subnetGroup:SubnetGroup": SUBNET_GROUP,
}
