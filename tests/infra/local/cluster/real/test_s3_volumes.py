"""A bucket's prefix as a volume of a restricted pod, declared as for a cloud region; a missing bucket is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

from components.labels import Region, TenantId
from components.models.manifests import build_claim, build_volume
from components.models.spec import BucketModelSpec
from infra.local.machine import Machine, MachineInfo
from tests.infra.local.cluster.kubectl import Kubectl
from tests.infra.local.cluster.oci import Archive
from tests.infra.local.cluster.real.pods import MARKS, NAMESPACE, sleeping_pod
from tests.waiting import eventually

pytestmark = MARKS

BUCKET = "models-of-probe"
PREFIX = "models/tiny/"


@pytest.fixture
def s3(info: MachineInfo) -> Iterator[Any]:
    own = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    s3 = boto3.session.Session().client("s3", endpoint_url=info.aws_endpoint, **own)
    yield s3
    s3.close()


@contextmanager
def mounting(kubectl: Kubectl, images: dict[str, Archive], pod: str, bucket: str) -> Iterator[None]:
    """The volume, its claim and a pod that wants it; gone at the end."""
    spec = BucketModelSpec(
        tenant=TenantId("probe"),
        region=Region("sin"),
        namespace=NAMESPACE,
        model=pod,
        bucket=bucket,
        prefix=PREFIX,
        aws_region="us-east-1",
    )
    volume, claim = build_volume(spec), build_claim(spec)
    source = {"persistentVolumeClaim": {"claimName": claim["metadata"]["name"], "readOnly": True}}
    kubectl.apply(volume, claim, sleeping_pod(pod, images["probe"].reference, {"model": source}))
    yield
    kubectl("-n", NAMESPACE, "delete", f"pod/{pod}", f"pvc/{claim['metadata']['name']}")
    kubectl("delete", f"pv/{volume['metadata']['name']}")


def becomes_ready(kubectl: Kubectl, pod: str) -> None:
    kubectl("-n", NAMESPACE, "wait", "--for=condition=Ready", f"pod/{pod}", "--timeout=60s")


def test_a_pod_reads_what_was_put_under_the_prefix_and_can_write_nothing(
    kubectl: Kubectl, pods: dict[str, str], images: dict[str, Archive], s3: Any, machine: Machine
) -> None:
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}blobs/sha256-1", Body=b"weights")
    s3.put_object(Bucket=BUCKET, Key="models/another/secret", Body=b"another's")
    with mounting(kubectl, images, "reader", BUCKET):
        becomes_ready(kubectl, "reader")
        assert kubectl.shell(NAMESPACE, "reader", "cat /model/blobs/sha256-1").stdout == "weights"
        assert kubectl.shell(NAMESPACE, "reader", "ls /model").stdout.split() == ["blobs"]
        assert "Read-only file system" in kubectl.shell(NAMESPACE, "reader", "touch /model/another").stderr
    copies = machine.layout.node / "s3-volumes"
    eventually(lambda: not list(copies.iterdir()), "the copy goes with the pod")


def test_a_bucket_that_is_not_there_is_named_in_the_pods_events(
    kubectl: Kubectl, pods: dict[str, str], images: dict[str, Archive], s3: Any
) -> None:
    def told() -> bool:
        events = kubectl.get("-n", NAMESPACE, "events", "--field-selector=involvedObject.name=waiter")["items"]
        failed = [event["message"] for event in events if event["reason"] == "FailedMount"]
        return any("no-such-bucket" in message and "NoSuchBucket" in message for message in failed)

    with mounting(kubectl, images, "waiter", "no-such-bucket"):
        eventually(told, "the pod's events tell of the bucket", 60)
        s3.create_bucket(Bucket="no-such-bucket")
        becomes_ready(kubectl, "waiter")
