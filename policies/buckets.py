"""Buckets and the resources that say how each is kept."""

from collections.abc import Callable, Iterator

from policies.declared import Declared
from policies.field import Field, Finding, Findings, inputs_of
from policies.record import Resource
from policies.rule import StackCheck

BUCKET_TYPES = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")


def per_bucket(companion: str, missing: str, check: Callable[[Field, Field], Findings]) -> StackCheck:
    """A check of the resource that says one thing of a bucket: `check(its inputs, the bucket's inputs)`.

    A bucket without such a resource fails, with the words of `missing`.
    """
    patterns = (f"aws:s3/{companion}:*", f"aws:s3/{companion}V2:*")

    def judged(declared: Declared) -> Iterator[tuple[Resource, Finding]]:
        for bucket in declared.of(*BUCKET_TYPES):
            said = list(declared.referring(bucket, "bucket", "bucket", *patterns))
            if not said:
                yield bucket, inputs_of(bucket)["bucket"].fail(missing)
            for each in said:
                for finding in check(inputs_of(each), inputs_of(bucket)):
                    yield each, finding

    return judged
