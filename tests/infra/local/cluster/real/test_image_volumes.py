"""An image of mere files is mounted into a restricted pod: to be read, and not to be changed."""

from tests.infra.local.cluster.kubectl import Kubectl
from tests.infra.local.cluster.oci import Archive
from tests.infra.local.cluster.real.pods import MARKS, NAMESPACE, sleeping_pod
from tests.waiting import eventually

pytestmark = MARKS


def test_a_pod_reads_an_image_and_cannot_write_to_it(
    kubectl: Kubectl, pods: dict[str, str], images: dict[str, Archive]
) -> None:
    volume = {"image": {"reference": images["weights"].reference, "pullPolicy": "IfNotPresent"}}
    kubectl.apply(sleeping_pod("reader", images["probe"].reference, {"model": volume}))
    kubectl("-n", NAMESPACE, "wait", "--for=condition=Ready", "pod/reader", "--timeout=60s")
    assert kubectl.shell(NAMESPACE, "reader", "cat /model/blobs/sha256-1").stdout == "weights"
    refused = kubectl.shell(NAMESPACE, "reader", "touch /model/another")
    assert "Read-only file system" in refused.stderr
    kubectl("-n", NAMESPACE, "delete", "pod/reader")


def test_an_image_the_node_does_not_have_keeps_the_pod_from_starting(
    kubectl: Kubectl, pods: dict[str, str], images: dict[str, Archive]
) -> None:
    unknown = images["weights"].reference.replace("weights", "unknown")
    volume = {"image": {"reference": unknown, "pullPolicy": "Never"}}
    kubectl.apply(sleeping_pod("waiter", images["probe"].reference, {"model": volume}))

    def reason() -> str:
        (status,) = kubectl.get("-n", NAMESPACE, "pod", "waiter")["status"].get("containerStatuses") or [{}]
        return str(status.get("state", {}).get("waiting", {}))

    eventually(lambda: unknown in reason(), "the pod says which image is not there", 60)
    kubectl("-n", NAMESPACE, "delete", "pod/waiter")
