# ruff: noqa: ARG002 - handlers share one signature, and most need only a part of it
"""What is said of a bucket by a resource of its own: versioning, encryption, policy and the like.

S3 treats them alike: one call sets the whole, one reads it, one removes it. An `Aspect` holds the three.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from infra.local.providers.aws.session import Session
from infra.local.providers.aws.shapes import from_aws, is_absent, same_document, to_aws
from infra.local.providers.base import Call, Kind, Live
from infra.local.providers.drift import as_declared
from infra.local.providers.properties import Properties
from infra.local.providers.supported import require_inputs

PUBLIC_ACCESS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
S3 = Any
"""boto3 makes its clients at run time; there is no type to name."""


@dataclass(frozen=True)
class Aspect:
    """How one aspect is set from inputs, read into inputs' shape, and removed; which inputs it has beside `bucket`."""

    put: Callable[[S3, str, Properties], Any]
    get: Callable[[S3, str], Properties]
    remove: Callable[[S3, str], Any]
    required: Sequence[str] = ()
    optional: Sequence[str] = ()


class BucketAspect(Kind):
    """A resource whose id is its bucket's name."""

    replace_on = ("bucket",)
    delete_first = True

    def __init__(self, session: Session, aspect: Aspect) -> None:
        self.s3, self.aspect = session.s3, aspect

    def check(self, call: Call, inputs: Properties, old_inputs: Properties) -> Properties:
        require_inputs(call, inputs, ("bucket", *self.aspect.required), self.aspect.optional)
        return inputs

    def create(self, call: Call, inputs: Properties) -> Live:
        self.aspect.put(self.s3, inputs["bucket"], inputs)
        return Live(inputs["bucket"], dict(inputs))

    def update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        self.aspect.put(self.s3, call.id, inputs)
        return dict(inputs)

    def read(self, call: Call, state: Properties, inputs: Properties) -> Live | None:
        try:
            live = {"bucket": call.id, **self.aspect.get(self.s3, call.id)}
        except ClientError as error:
            if not is_absent(error):
                raise
            return None
        if "policy" in live:
            live["policy"] = same_document(inputs.get("policy"), live["policy"])
        declared = as_declared(inputs, live) if inputs else live
        return Live(call.id, dict(declared), declared)

    def delete(self, call: Call, state: Properties, inputs: Properties) -> None:
        try:
            self.aspect.remove(self.s3, call.id)
        except ClientError as error:
            if not is_absent(error):
                raise


def _configuration(inputs: Properties, *fields: str) -> dict[str, Any]:
    configuration: dict[str, Any] = to_aws({field: inputs.get(field) for field in fields})
    return configuration


VERSIONING = Aspect(
    required=("versioningConfiguration",),
    put=lambda s3, bucket, inputs: s3.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration=to_aws(inputs["versioningConfiguration"])
    ),
    get=lambda s3, bucket: {
        "versioningConfiguration": {"status": s3.get_bucket_versioning(Bucket=bucket).get("Status", "Disabled")}
    },
    # A bucket that was versioned once can only be suspended.
    remove=lambda s3, bucket: s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}),
)
ENCRYPTION = Aspect(
    required=("rules",),
    put=lambda s3, bucket, inputs: s3.put_bucket_encryption(
        Bucket=bucket, ServerSideEncryptionConfiguration=_configuration(inputs, "rules")
    ),
    get=lambda s3, bucket: from_aws(
        {"Rules": s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]}
    ),
    remove=lambda s3, bucket: s3.delete_bucket_encryption(Bucket=bucket),
)
PUBLIC_ACCESS_BLOCK = Aspect(
    optional=PUBLIC_ACCESS,
    put=lambda s3, bucket, inputs: s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration=_configuration(inputs, *PUBLIC_ACCESS),
    ),
    get=lambda s3, bucket: from_aws(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]),
    remove=lambda s3, bucket: s3.delete_public_access_block(Bucket=bucket),
)
OWNERSHIP = Aspect(
    required=("rule",),
    put=lambda s3, bucket, inputs: s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [to_aws(inputs["rule"])]}
    ),
    get=lambda s3, bucket: {
        "rule": from_aws(s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"][0])
    },
    remove=lambda s3, bucket: s3.delete_bucket_ownership_controls(Bucket=bucket),
)
POLICY = Aspect(
    required=("policy",),
    put=lambda s3, bucket, inputs: s3.put_bucket_policy(Bucket=bucket, Policy=inputs["policy"]),
    get=lambda s3, bucket: {"policy": s3.get_bucket_policy(Bucket=bucket)["Policy"]},
    remove=lambda s3, bucket: s3.delete_bucket_policy(Bucket=bucket),
)
LIFECYCLE = Aspect(
    required=("rules",),
    put=lambda s3, bucket, inputs: s3.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration=_configuration(inputs, "rules")
    ),
    get=lambda s3, bucket: from_aws({"Rules": s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]}),
    remove=lambda s3, bucket: s3.delete_bucket_lifecycle(Bucket=bucket),
)
OBJECT_LOCK = Aspect(
    required=("rule",),
    optional=("objectLockEnabled",),
    put=lambda s3, bucket, inputs: s3.put_object_lock_configuration(
        Bucket=bucket,
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", **_configuration(inputs, "rule")},
    ),
    get=lambda s3, bucket: from_aws(s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]),
    # The lock itself can't be taken off a bucket; its default retention can.
    remove=lambda s3, bucket: s3.put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
    ),
)
REPLICATION = Aspect(
    required=("role", "rules"),
    put=lambda s3, bucket, inputs: s3.put_bucket_replication(
        Bucket=bucket, ReplicationConfiguration=_configuration(inputs, "role", "rules")
    ),
    get=lambda s3, bucket: from_aws(s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]),
    remove=lambda s3, bucket: s3.delete_bucket_replication(Bucket=bucket),
)
