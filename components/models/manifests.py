"""A bucket's prefix as a volume of one namespace, by the Mountpoint for Amazon S3 CSI driver.

Source of the fields: the driver's documentation of static provisioning (`docs/CONFIGURATION.md`, v2).
"""

from components.labels import tenant_labels
from components.models.spec import CLAIM_GB, BucketModelSpec
from components.naming import model_claim_name, resource_name
from components.quantities import volume
from components.values import Manifest
from runtime.contract import labels

DRIVER = "s3.csi.aws.com"
_ACCESS = ["ReadOnlyMany"]


def build_volume(spec: BucketModelSpec) -> Manifest:
    """The PersistentVolume; bound to its claim from the start, so that no other namespace can take it."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": volume_name(spec), "labels": _own_labels(spec)},
        "spec": {
            "accessModes": _ACCESS,
            "capacity": {"storage": volume(CLAIM_GB)},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": spec.namespace,
                "name": model_claim_name(spec.model),
            },
            "csi": {
                "driver": DRIVER,
                "readOnly": True,
                "volumeHandle": volume_name(spec),
                "volumeAttributes": {"bucketName": spec.bucket},
            },
            "mountOptions": ["read-only", f"prefix {spec.prefix}", f"region {spec.aws_region}"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "",
        },
    }


def build_claim(spec: BucketModelSpec) -> Manifest:
    """The claim agents mount."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": model_claim_name(spec.model),
            "namespace": spec.namespace,
            "labels": _own_labels(spec),
        },
        "spec": {
            "accessModes": _ACCESS,
            "resources": {"requests": {"storage": volume(CLAIM_GB)}},
            "storageClassName": "",
            "volumeName": volume_name(spec),
        },
    }


def volume_name(spec: BucketModelSpec) -> str:
    """The PersistentVolume's name; it belongs to no namespace, so tenant and region are in it."""
    return resource_name(spec.tenant, spec.region, model_claim_name(spec.model))


def _own_labels(spec: BucketModelSpec) -> dict[str, str]:
    return tenant_labels(spec.tenant, spec.region, labels.ROLE_TENANT)
