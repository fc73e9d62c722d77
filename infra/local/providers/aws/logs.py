"""CloudWatch log groups.

Types and their inputs are those of https://www.pulumi.com/registry/packages/aws/api-docs/cloudwatch/.
"""

from collections.abc import Mapping
from typing import Any

from infra.local.providers.aws.resource import At, Change, Input, Raw, ResourceType, Tagging
from infra.local.providers.properties import Properties


def _find(at: At) -> Raw | None:
    for page in at.client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=at.id):
        for group in page["logGroups"]:
            if group["logGroupName"] == at.id:
                return dict(group)
    return None


def _arn(raw: Raw) -> str:
    """Without the `:*` that means its streams: so the real provider gives it, and so tags take it."""
    return str(raw["arn"]).removesuffix(":*")


def _create(at: At, request: Raw, inputs: Properties) -> str:
    at.client.create_log_group(**request)
    return str(inputs["name"])


def _set_retention(at: At, new: Properties, _: Properties) -> None:
    if days := int(new.get("retentionInDays") or 0):
        at.client.put_retention_policy(logGroupName=at.id, retentionInDays=days)
    else:  # zero is for ever
        at.client.delete_retention_policy(logGroupName=at.id)


def _untag(at: At, raw: Raw, names: Any) -> None:
    at.client.untag_resource(resourceArn=_arn(raw), tagKeys=list(names))


LOG_GROUP = ResourceType(
    service="logs",
    inputs={
        "name": Input("logGroupName", named=True, replaces=True),
        "retentionInDays": Input(live=lambda raw: raw.get("retentionInDays", 0), default=0),
        "kmsKeyId": Input("kmsKeyId", replaces=True),  # AWS changes it in place; moto has no AssociateKmsKey
    },
    create=_create,
    find=_find,
    changes=[Change(["retentionInDays"], _set_retention, after_create=True)],
    delete=lambda at, *_: at.client.delete_log_group(logGroupName=at.id),
    tagging=Tagging(
        request=lambda tags: {"tags": dict(tags)},
        read=lambda at, raw: at.client.list_tags_for_resource(resourceArn=_arn(raw)).get("tags") or {},
        add=lambda at, raw, tags: at.client.tag_resource(resourceArn=_arn(raw), tags=dict(tags)),
        remove=_untag,
    ),
    orphans=lambda _, inputs, *__: [inputs["name"]],
    outputs={"arn": lambda _, raw: _arn(raw)},
)

TYPES: Mapping[str, ResourceType] = {"aws:cloudwatch/logGroup:LogGroup": LOG_GROUP}
