"""Tags of Auto Scaling groups that something else made: EKS makes one for each node group.

The type and its inputs are those of https://www.pulumi.com/registry/packages/aws/api-docs/autoscaling/tag/.
"""

from collections.abc import Mapping

from infra.local.providers.aws.resource import At, Change, Input, Raw, ResourceType
from infra.local.providers.properties import Properties

KIND = "auto-scaling-group"


def _put(at: At, inputs: Properties) -> str:
    group, tag = inputs["autoscalingGroupName"], inputs["tag"]
    one = {"Key": tag["key"], "Value": tag["value"], "PropagateAtLaunch": bool(tag["propagateAtLaunch"])}
    at.client.create_or_update_tags(Tags=[{"ResourceId": group, "ResourceType": KIND, **one}])
    return f"{group},{tag['key']}"


def _find(at: At) -> Raw | None:
    group, _, key = at.id.partition(",")
    wanted = [{"Name": "auto-scaling-group", "Values": [group]}, {"Name": "key", "Values": [key]}]
    found = at.client.describe_tags(Filters=wanted)["Tags"]
    return next((dict(one) for one in found if (one["ResourceId"], one["Key"]) == (group, key)), None)


def _delete(at: At, raw: Raw, _: Properties) -> None:
    at.client.delete_tags(Tags=[{"ResourceId": raw["ResourceId"], "ResourceType": KIND, "Key": raw["Key"]}])


def _tag(raw: Raw) -> Properties:
    return {"key": raw["Key"], "value": raw["Value"], "propagateAtLaunch": raw["PropagateAtLaunch"]}


TAG = ResourceType(
    service="autoscaling",
    inputs={
        "autoscalingGroupName": Input(live="ResourceId", required=True, replaces=True),
        "tag": Input(live=_tag, required=True, members=("key", "value", "propagateAtLaunch")),
    },
    create=lambda at, _, inputs: _put(at, inputs),
    find=_find,
    changes=[Change(["tag"], lambda at, new, _: _put(at, new))],
    delete=_delete,
    orphans=lambda _, inputs, *__: [f"{inputs['autoscalingGroupName']},{inputs['tag']['key']}"],
    replace_on=("tag.key",),
)
"""`aws:autoscaling/tag:Tag`; its id is the form an import takes, `group,key`."""

TYPES: Mapping[str, ResourceType] = {"aws:autoscaling/tag:Tag": TAG}
