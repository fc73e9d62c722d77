# ruff: noqa: ARG002 - handlers share one signature, and most need only a part of it
"""KMS keys and aliases."""

from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from infra.local.providers.aws.session import OWNER_TAG, Session, declared_tags
from infra.local.providers.aws.shapes import same_document, tag_list, tag_map
from infra.local.providers.base import Call, Kind, Live, owner
from infra.local.providers.drift import as_declared
from infra.local.providers.properties import Properties
from infra.local.providers.supported import require_inputs

DEFAULT_WINDOW_DAYS = 30
KEY_INPUTS = (
    "deletionWindowInDays",
    "description",
    "enableKeyRotation",
    "multiRegion",
    "policy",
    "rotationPeriodInDays",
    "tags",
)
POLICY = "default"
"""The one name a key policy can have."""


class Key(Kind):
    """`aws:kms/key:Key`. Deleting it schedules its deletion, as AWS does; from then on it counts as gone."""

    computed = ("arn", "keyId", "tagsAll")
    replace_on = ("multiRegion",)

    def __init__(self, session: Session) -> None:
        self.session, self.kms = session, session.kms

    def check(self, call: Call, inputs: Properties, old_inputs: Properties) -> Properties:
        require_inputs(call, inputs, (), KEY_INPUTS)
        return inputs

    def create(self, call: Call, inputs: Properties) -> Live:
        key = self._orphan(call, bool(inputs.get("multiRegion"))) or self._make(call, inputs)
        return Live(key, self.update(replace(call, id=key), {}, {}, inputs))

    def update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        key = call.id
        self.kms.update_key_description(KeyId=key, Description=inputs.get("description") or "")
        if inputs.get("policy"):
            self.kms.put_key_policy(KeyId=key, PolicyName=POLICY, Policy=inputs["policy"])
        self._rotate(key, inputs)
        self._tag(call, key, inputs)
        return self._state(key, inputs)

    def read(self, call: Call, state: Properties, inputs: Properties) -> Live | None:
        about = self._describe(call.id)
        if about is None:
            return None
        live = self._live(call.id, about, inputs)
        declared = as_declared(inputs, live) if inputs else live
        return Live(call.id, self._state(call.id, declared), declared)

    def delete(self, call: Call, state: Properties, inputs: Properties) -> None:
        if self._describe(call.id) is not None:
            window = int(inputs.get("deletionWindowInDays") or DEFAULT_WINDOW_DAYS)
            self.kms.schedule_key_deletion(KeyId=call.id, PendingWindowInDays=window)

    def _make(self, call: Call, inputs: Properties) -> str:
        tags = tag_list(self.session.owned_tags(call.urn, inputs), "TagKey", "TagValue")
        made = self.kms.create_key(
            Description=inputs.get("description") or "", MultiRegion=bool(inputs.get("multiRegion")), Tags=tags
        )
        return str(made["KeyMetadata"]["KeyId"])

    def _orphan(self, call: Call, multi_region: bool) -> str | None:
        """A key made for this resource that the engine does not know of; what kind of key it is can't be changed."""
        for page in self.kms.get_paginator("list_keys").paginate():
            for key in page["Keys"]:
                about = self._describe(key["KeyId"])
                if key["KeyId"] in call.known_ids or about is None or about["MultiRegion"] != multi_region:
                    continue
                if self._tags(key["KeyId"]).get(OWNER_TAG) == owner(call.urn):
                    return str(key["KeyId"])
        return None

    def _describe(self, key: str) -> dict[str, Any] | None:
        try:
            about: dict[str, Any] = self.kms.describe_key(KeyId=key)["KeyMetadata"]
        except self.kms.exceptions.NotFoundException:
            return None
        return None if about["KeyState"] == "PendingDeletion" else about

    def _live(self, key: str, about: dict[str, Any], inputs: Properties) -> Properties:
        rotation = self.kms.get_key_rotation_status(KeyId=key)
        policy = self.kms.get_key_policy(KeyId=key, PolicyName=POLICY)["Policy"]
        return {
            "description": about.get("Description") or "",
            "policy": same_document(inputs.get("policy"), policy),
            "multiRegion": about["MultiRegion"],
            "enableKeyRotation": rotation["KeyRotationEnabled"],
            # moto keeps no period: where none comes back there is nothing to compare with
            "rotationPeriodInDays": rotation.get("RotationPeriodInDays", inputs.get("rotationPeriodInDays")),
            "deletionWindowInDays": inputs.get("deletionWindowInDays"),  # AWS knows it only once it is asked to delete
            "tags": declared_tags(inputs, self._tags(key), self.session.default_tags),
        }

    def _rotate(self, key: str, inputs: Properties) -> None:
        if not inputs.get("enableKeyRotation"):
            self.kms.disable_key_rotation(KeyId=key)
            return
        period = inputs.get("rotationPeriodInDays")
        self.kms.enable_key_rotation(KeyId=key, **({"RotationPeriodInDays": int(period)} if period else {}))

    def _tag(self, call: Call, key: str, inputs: Properties) -> None:
        wanted, live = self.session.owned_tags(call.urn, inputs), self._tags(key)
        if gone := sorted(set(live) - set(wanted)):
            self.kms.untag_resource(KeyId=key, TagKeys=gone)
        self.kms.tag_resource(KeyId=key, Tags=tag_list(wanted, "TagKey", "TagValue"))

    def _tags(self, key: str) -> dict[str, str]:
        return tag_map(self.kms.list_resource_tags(KeyId=key)["Tags"], "TagKey", "TagValue")

    def _state(self, key: str, inputs: Properties) -> Properties:
        arn = self.kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
        return dict(inputs) | {"arn": arn, "keyId": key, "tagsAll": self.session.tags_all(inputs)}


class Alias(Kind):
    """`aws:kms/alias:Alias`."""

    computed = ("arn", "targetKeyArn")
    replace_on = ("name",)
    delete_first = True

    def __init__(self, session: Session) -> None:
        self.kms = session.kms

    def check(self, call: Call, inputs: Properties, old_inputs: Properties) -> Properties:
        require_inputs(call, inputs, ("name", "targetKeyId"))
        return inputs

    def create(self, call: Call, inputs: Properties) -> Live:
        name, target = inputs["name"], inputs["targetKeyId"]
        try:
            self.kms.create_alias(AliasName=name, TargetKeyId=target)
        except self.kms.exceptions.AlreadyExistsException:  # made by a run that was killed before it was recorded
            self.kms.update_alias(AliasName=name, TargetKeyId=target)
        return Live(name, self._state(inputs))

    def update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        self.kms.update_alias(AliasName=call.id, TargetKeyId=inputs["targetKeyId"])
        return self._state(inputs)

    def read(self, call: Call, state: Properties, inputs: Properties) -> Live | None:
        found = self._find(call.id)
        if found is None:
            return None
        target = found["TargetKeyId"]
        declared = inputs.get("targetKeyId")
        same = isinstance(declared, str) and declared.rsplit("/", 1)[-1] == target
        live = {"name": call.id, "targetKeyId": declared if same else target}
        return Live(call.id, self._state(live), live)

    def delete(self, call: Call, state: Properties, inputs: Properties) -> None:
        try:
            self.kms.delete_alias(AliasName=call.id)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NotFoundException":
                raise

    def _find(self, name: str) -> dict[str, Any] | None:
        for page in self.kms.get_paginator("list_aliases").paginate():
            for alias in page["Aliases"]:
                if alias["AliasName"] == name:
                    return dict(alias)
        return None

    def _state(self, inputs: Properties) -> Properties:
        key = self.kms.describe_key(KeyId=inputs["targetKeyId"])["KeyMetadata"]
        found = self._find(inputs["name"]) or {}
        return dict(inputs) | {"arn": found.get("AliasArn"), "targetKeyArn": key["Arn"]}
