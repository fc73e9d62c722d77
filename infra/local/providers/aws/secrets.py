"""What programs are told: secrets of Secrets Manager, parameters of Systems Manager.

Types and their inputs are those of https://www.pulumi.com/registry/packages/aws/api-docs/secretsmanager/ and …/ssm/.
"""

import base64
from collections.abc import Mapping
from typing import Any

from infra.local.providers.aws.ec2 import one_of
from infra.local.providers.aws.resource import At, Change, Input, Raw, ResourceType, Tagging
from infra.local.providers.aws.shapes import same_json, tag_list, tag_map
from infra.local.providers.properties import Properties

DEFAULT_RECOVERY_DAYS = 30


def _find_secret(at: At) -> Raw | None:
    raw = dict(at.client.describe_secret(SecretId=at.id))
    if raw.get("DeletedDate"):
        return None
    return raw | {"Policy": at.client.get_resource_policy(SecretId=at.id).get("ResourcePolicy")}


def _change_secret(at: At, new: Properties, _: Properties) -> None:
    request = {"Description": new.get("description") or ""}
    if new.get("kmsKeyId"):
        request["KmsKeyId"] = new["kmsKeyId"]
    at.client.update_secret(SecretId=at.id, **request)


def _change_secret_policy(at: At, new: Properties, _: Properties) -> None:
    if new.get("policy"):
        at.client.put_resource_policy(SecretId=at.id, ResourcePolicy=new["policy"])
    else:
        at.client.delete_resource_policy(SecretId=at.id)


def _delete_secret(at: At, _: Raw, inputs: Properties) -> None:
    days = int(inputs.get("recoveryWindowInDays", DEFAULT_RECOVERY_DAYS))
    how: Raw = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
    at.client.delete_secret(SecretId=at.id, **how)


def _secrets_named(at: At, inputs: Properties, _: str) -> list[str]:
    pages = at.client.get_paginator("list_secrets").paginate(Filters=[{"Key": "name", "Values": [inputs["name"]]}])
    return [str(one["ARN"]) for page in pages for one in page["SecretList"] if one["Name"] == inputs["name"]]


def _untag_secret(at: At, _: Raw, names: Any) -> None:
    at.client.untag_resource(SecretId=at.id, TagKeys=list(names))


SECRET = ResourceType(
    service="secretsmanager",
    inputs={
        "name": Input("Name", named=True, replaces=True),
        "description": Input("Description"),
        "kmsKeyId": Input("KmsKeyId"),
        "policy": Input(live="Policy", same=same_json),
        "recoveryWindowInDays": Input(kept=True),  # how to delete it
    },
    create=lambda at, request, _: at.client.create_secret(**request)["ARN"],
    find=_find_secret,
    changes=[
        Change(["description", "kmsKeyId"], _change_secret),
        Change(["policy"], _change_secret_policy, after_create=True),
    ],
    delete=_delete_secret,
    tagging=Tagging(
        request=lambda tags: {"Tags": tag_list(tags)},
        read=lambda _, raw: tag_map(raw.get("Tags") or []),
        add=lambda at, _, tags: at.client.tag_resource(SecretId=at.id, Tags=tag_list(tags)),
        remove=_untag_secret,
    ),
    orphans=_secrets_named,
    outputs={"arn": "ARN"},
)


def _create_version(at: At, request: Raw, inputs: Properties) -> str:
    return f"{inputs['secretId']}|{at.client.put_secret_value(**request)['VersionId']}"


def _find_version(at: At) -> Raw:
    secret, _, version = at.id.partition("|")
    return dict(at.client.get_secret_value(SecretId=secret, VersionId=version)) | {"SecretId": secret}


def _current_version(at: At, inputs: Properties, _: str) -> list[str]:
    """The current version, adopted where it says what is declared: a killed run's put is not repeated."""
    versions = at.client.describe_secret(SecretId=inputs["secretId"]).get("VersionIdsToStages") or {}
    return [f"{inputs['secretId']}|{version}" for version, stages in versions.items() if "AWSCURRENT" in stages]


SECRET_VERSION = ResourceType(
    service="secretsmanager",
    inputs={
        "secretId": Input("SecretId", required=True, replaces=True),
        "secretString": Input("SecretString", replaces=True),
        "secretBinary": Input(
            "SecretBinary",
            live=lambda raw: base64.b64encode(raw["SecretBinary"]).decode() if "SecretBinary" in raw else None,
            encode=base64.b64decode,  # the program has it in base64, and botocore encodes it once more
            replaces=True,
        ),
    },
    create=_create_version,
    find=_find_version,
    delete=lambda *_: None,
    stays=True,
    orphans=_current_version,
    outputs={"arn": "ARN", "secretArn": "ARN", "versionId": "VersionId", "versionStages": "VersionStages"},
    secret_outputs=("secretString", "secretBinary"),
    rules=[one_of("secretString", "secretBinary")],
)
"""`aws:secretsmanager/secretVersion:SecretVersion`. A secret's current version can't be deleted, only followed by
another, so deleting it only lets go of it; it goes with its secret."""


def _find_parameter(at: At) -> Raw | None:
    value = at.client.get_parameter(Name=at.id, WithDecryption=True)["Parameter"]
    wanted = [{"Key": "Name", "Values": [at.id]}]
    about = at.client.describe_parameters(ParameterFilters=wanted)["Parameters"]
    return dict(about[0]) | value if about else None


def _create_parameter(at: At, request: Raw, inputs: Properties) -> str:
    at.client.put_parameter(**request, Overwrite=False)
    return str(inputs["name"])


def _change_parameter(at: At, new: Properties, _: Properties) -> None:
    request = {about.sent: new[name] for name, about in PARAMETER_INPUTS.items() if about.sent and name in new}
    at.client.put_parameter(**request, Overwrite=True)


def _retag_parameter(at: At, _: Raw, tags: Mapping[str, str]) -> None:
    at.client.add_tags_to_resource(ResourceType="Parameter", ResourceId=at.id, Tags=tag_list(tags))


def _untag_parameter(at: At, _: Raw, names: Any) -> None:
    at.client.remove_tags_from_resource(ResourceType="Parameter", ResourceId=at.id, TagKeys=list(names))


def _parameter_tags(at: At, _: Raw) -> Mapping[str, str]:
    return tag_map(at.client.list_tags_for_resource(ResourceType="Parameter", ResourceId=at.id)["TagList"])


PARAMETER_INPUTS = {
    "name": Input("Name", named=True, replaces=True),
    "type": Input("Type", required=True),
    "value": Input("Value", required=True),
    "description": Input("Description"),
    "keyId": Input("KeyId"),
    "tier": Input("Tier"),
    "allowedPattern": Input("AllowedPattern"),
    "dataType": Input("DataType", replaces=True),
}
PARAMETER = ResourceType(
    service="ssm",
    inputs=PARAMETER_INPUTS,
    create=_create_parameter,
    find=_find_parameter,
    changes=[Change(["type", "value", "description", "keyId", "tier", "allowedPattern"], _change_parameter)],
    delete=lambda at, *_: at.client.delete_parameter(Name=at.id),
    tagging=Tagging(
        request=lambda tags: {"Tags": tag_list(tags)},
        read=_parameter_tags,
        add=_retag_parameter,
        remove=_untag_parameter,
    ),
    orphans=lambda _, inputs, *__: [inputs["name"]],
    outputs={"arn": "ARN", "version": "Version"},
    moving=("version",),
    secret_outputs=("value",),
)

TYPES: Mapping[str, ResourceType] = {
    "aws:secretsmanager/secret:Secret": SECRET,
    "aws:secretsmanager/secretVersion:SecretVersion": SECRET_VERSION,
    "aws:ssm/parameter:Parameter": PARAMETER,
}
