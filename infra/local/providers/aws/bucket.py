# ruff: noqa: ARG002 - handlers share one signature, and most need only a part of it
"""S3 buckets."""

from collections.abc import Iterator
from dataclasses import replace

from botocore.exceptions import ClientError

from infra.local.providers.aws.session import OWNER_TAG, Session, declared_tags
from infra.local.providers.aws.shapes import tag_list, tag_map
from infra.local.providers.base import Call, Kind, Live, ProviderError, owner
from infra.local.providers.properties import Properties
from infra.local.providers.supported import require_inputs

DELETE_AT_ONCE = 1000
"""The most objects S3 deletes in one request."""


class Bucket(Kind):
    """`aws:s3/bucket:Bucket`; what else is to be said of a bucket are resources of their own."""

    computed = ("arn", "bucketDomainName", "bucketRegionalDomainName", "tagsAll")
    replace_on = ("bucket", "objectLockEnabled")
    delete_first = True

    def __init__(self, session: Session) -> None:
        self.session, self.s3 = session, session.s3

    def check(self, call: Call, inputs: Properties, old_inputs: Properties) -> Properties:
        require_inputs(call, inputs, ("bucket",), ("forceDestroy", "objectLockEnabled", "tags"))
        return inputs

    def create(self, call: Call, inputs: Properties) -> Live:
        name = inputs["bucket"]
        if self._exists(name):
            self._require_orphan(call, name)
        else:
            self._make(name, inputs)
        return Live(name, self.update(replace(call, id=name), {}, {}, inputs))

    def update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        tags = tag_list(self.session.owned_tags(call.urn, inputs))
        self.s3.put_bucket_tagging(Bucket=call.id, Tagging={"TagSet": tags})
        return self._state(inputs)

    def read(self, call: Call, state: Properties, inputs: Properties) -> Live | None:
        if not self._exists(call.id):
            return None
        live: Properties = {"bucket": call.id}
        if "forceDestroy" in inputs:
            live["forceDestroy"] = inputs["forceDestroy"]  # a wish of the program; S3 knows nothing of it
        if "objectLockEnabled" in inputs or not inputs:
            live["objectLockEnabled"] = self._locks(call.id)
        tags = declared_tags(inputs, self._tags(call.id) or {}, self.session.default_tags)
        if tags or "tags" in inputs:
            live["tags"] = tags
        return Live(call.id, self._state(live), live)

    def delete(self, call: Call, state: Properties, inputs: Properties) -> None:
        if not self._exists(call.id):
            return
        if inputs.get("forceDestroy"):
            self._empty(call.id)
        try:
            self.s3.delete_bucket(Bucket=call.id)
        except ClientError as error:
            if error.response["Error"]["Code"] != "BucketNotEmpty":
                raise
            raise ProviderError(
                f"bucket: {call.id} is not empty; empty it, or set forceDestroy and run `up` first"
            ) from error

    def _make(self, name: str, inputs: Properties) -> None:
        options = {}
        if self.session.region != "us-east-1":
            options["CreateBucketConfiguration"] = {"LocationConstraint": self.session.region}
        lock = bool(inputs.get("objectLockEnabled"))
        self.s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock, **options)

    def _require_orphan(self, call: Call, name: str) -> None:
        """Adopt what a killed run of this program made: it bears our mark, or none yet and holds nothing."""
        tags = self._tags(name)
        ours = tags is not None and tags.get(OWNER_TAG) == owner(call.urn)
        unmarked = tags is None and not any(self._versions(name))
        if not ours and not unmarked:
            raise ProviderError(
                f"bucket: {name} exists and was not made by this program; choose another name, or import it"
            )

    def _exists(self, name: str) -> bool:
        try:
            self.s3.head_bucket(Bucket=name)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
        return True

    def _tags(self, name: str) -> dict[str, str] | None:
        try:
            return tag_map(self.s3.get_bucket_tagging(Bucket=name)["TagSet"])
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchTagSet":
                return None
            raise

    def _locks(self, name: str) -> bool:
        try:
            return bool(self.s3.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"])
        except ClientError:
            return False

    def _versions(self, name: str) -> Iterator[dict[str, str]]:
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=name):
            for one in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                yield {"Key": one["Key"], "VersionId": one["VersionId"]}

    def _empty(self, name: str) -> None:
        objects = list(self._versions(name))
        for start in range(0, len(objects), DELETE_AT_ONCE):
            self.s3.delete_objects(Bucket=name, Delete={"Objects": objects[start : start + DELETE_AT_ONCE]})

    def _state(self, inputs: Properties) -> Properties:
        name = inputs["bucket"]
        return dict(inputs) | {
            "arn": f"arn:aws:s3:::{name}",
            "bucketDomainName": f"{name}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{name}.s3.{self.session.region}.amazonaws.com",
            "tagsAll": self.session.tags_all(inputs),
        }
