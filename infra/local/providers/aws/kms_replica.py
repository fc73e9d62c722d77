"""Replicas of multi-region keys.

The type and its inputs are those of https://www.pulumi.com/registry/packages/aws/api-docs/kms/replicakey/.
"""

from collections.abc import Mapping
from typing import Any

from infra.local.providers.aws.kms import DEFAULT_WINDOW_DAYS, POLICY
from infra.local.providers.aws.resource import At, Change, Input, Raw, ResourceType, Tagging
from infra.local.providers.aws.shapes import same_json, tag_list, tag_map
from infra.local.providers.properties import Properties


def _key_id(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def _create(at: At, request: Raw, inputs: Properties) -> str:
    """It is asked for in the primary's region, and made in the provider's."""
    primary = inputs["primaryKeyArn"]
    client = at.session.client("kms", primary.split(":")[3])
    made = client.replicate_key(KeyId=_key_id(primary), ReplicaRegion=at.session.region, **request)
    return str(made["ReplicaKeyMetadata"]["KeyId"])


def _find(at: At) -> Raw | None:
    about = dict(at.client.describe_key(KeyId=at.id)["KeyMetadata"])
    if about["KeyState"] == "PendingDeletion":
        return None
    policy = at.client.get_key_policy(KeyId=at.id, PolicyName=POLICY)["Policy"]
    return about | {"Policy": policy, "Tags": at.client.list_resource_tags(KeyId=at.id)["Tags"]}


def _change(at: At, new: Properties, _: Properties) -> None:
    at.client.update_key_description(KeyId=at.id, Description=new.get("description") or "")
    if new.get("policy"):
        at.client.put_key_policy(KeyId=at.id, PolicyName=POLICY, Policy=new["policy"])


def _enable(at: At, new: Properties, _: Properties) -> None:
    change = at.client.enable_key if new["enabled"] else at.client.disable_key
    change(KeyId=at.id)


def _delete(at: At, _: Raw, inputs: Properties) -> None:
    window = int(inputs.get("deletionWindowInDays") or DEFAULT_WINDOW_DAYS)
    at.client.schedule_key_deletion(KeyId=at.id, PendingWindowInDays=window)


def _untag(at: At, _: Raw, names: Any) -> None:
    at.client.untag_resource(KeyId=at.id, TagKeys=list(names))


REPLICA_KEY = ResourceType(
    service="kms",
    inputs={
        "primaryKeyArn": Input(live="MultiRegionConfiguration.PrimaryKey.Arn", required=True, replaces=True),
        "description": Input("Description"),
        "policy": Input("Policy", same=same_json),
        "enabled": Input(live="Enabled", default=True),
        "deletionWindowInDays": Input(kept=True),  # AWS knows it only once it is asked to delete
    },
    create=_create,
    find=_find,
    changes=[
        # moto gives a replica the primary's description and policy, whatever the request says
        Change(["description", "policy"], _change, after_create=True),
        Change(["enabled"], _enable),
    ],
    delete=_delete,
    tagging=Tagging(
        request=lambda tags: {"Tags": tag_list(tags, "TagKey", "TagValue")},
        read=lambda _, raw: tag_map(raw["Tags"], "TagKey", "TagValue"),
        add=lambda at, _, tags: at.client.tag_resource(KeyId=at.id, Tags=tag_list(tags, "TagKey", "TagValue")),
        remove=_untag,
    ),
    orphans=lambda _, inputs, *__: [_key_id(inputs["primaryKeyArn"])],
    outputs={"arn": "Arn", "keyId": "KeyId", "keySpec": "KeySpec", "keyUsage": "KeyUsage"},
)

TYPES: Mapping[str, ResourceType] = {"aws:kms/replicaKey:ReplicaKey": REPLICA_KEY}
