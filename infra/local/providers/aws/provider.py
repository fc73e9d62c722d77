"""The package `aws`: the resource types the program uses, and no other."""

from collections.abc import Callable, Mapping

from infra.local.providers.aws import autoscaling, compute, eks, iam, kms_replica, logs, rds, secrets, security, vpc
from infra.local.providers.aws import bucket_aspects as aspects
from infra.local.providers.aws.bucket import Bucket
from infra.local.providers.aws.bucket_aspects import Aspect, BucketAspect
from infra.local.providers.aws.kms import Alias, Key
from infra.local.providers.aws.resource import Resource, ResourceType
from infra.local.providers.aws.session import Session, check_settings
from infra.local.providers.base import Kind, Provider, ProviderError
from infra.local.providers.properties import Properties, has_unknown


def _about(aspect: Aspect) -> Callable[[Session], Kind]:
    return lambda session: BucketAspect(session, aspect)


def _described(about: ResourceType) -> Callable[[Session], Kind]:
    return lambda session: Resource(session, about)


_MODULES = (autoscaling, compute, eks, iam, kms_replica, logs, rds, secrets, security, vpc)
DESCRIBED: Mapping[str, ResourceType] = {token: about for each in _MODULES for token, about in each.TYPES.items()}
KINDS: Mapping[str, Callable[[Session], Kind]] = {
    "aws:kms/alias:Alias": Alias,
    "aws:kms/key:Key": Key,
    "aws:s3/bucket:Bucket": Bucket,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _about(aspects.LIFECYCLE),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": _about(aspects.OBJECT_LOCK),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _about(aspects.OWNERSHIP),
    "aws:s3/bucketPolicy:BucketPolicy": _about(aspects.POLICY),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _about(aspects.PUBLIC_ACCESS_BLOCK),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": _about(aspects.REPLICATION),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _about(
        aspects.ENCRYPTION
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _about(aspects.VERSIONING),
    **{token: _described(about) for token, about in DESCRIBED.items()},
}


class AwsProvider(Provider):
    """AWS as far as moto answers for it."""

    name = "aws"
    version = "7.51.1"

    def __init__(self) -> None:
        self.session: Session | None = None

    def check_config(self, inputs: Properties) -> Properties:
        """Endpoints must be on loopback, and credentials given: this stand-in never speaks to an account."""
        check_settings(inputs)
        return inputs

    def configure(self, settings: Properties) -> None:
        """Take region, endpoints, credentials and default tags."""
        if not has_unknown(settings):
            check_settings(settings)
            session = Session(settings)
            session.require_account()
            self.session = session

    def kind(self, token: str) -> Kind:
        """The kind of a type token; an unknown one is an error that names it."""
        make = KINDS.get(token)
        if make is None:
            raise ProviderError(f"{token}: the local aws provider has no such type; it has {', '.join(sorted(KINDS))}")
        if self.session is None:
            raise ProviderError(f"{token}: the aws provider's settings are not known yet")
        return make(self.session)
