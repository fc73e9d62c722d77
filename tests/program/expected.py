"""What the dev stack's components hold, and what their children are told."""

from typing import Any

BUCKET = "moltghost-local-123456789012-snapshots-50dbeafed8"
SNAPSHOTS = "platform-local-snapshots"

# Each component's children by type; the golden files say what is in the Kubernetes ones.
CHILDREN = {
    ("moltghost:cluster:Cluster", "platform-local-cluster"): {
        "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition": 1,
        "kubernetes:apps/v1:Deployment": 1,
        "kubernetes:core/v1:Namespace": 2,
        "kubernetes:core/v1:ServiceAccount": 1,
        "kubernetes:networking.k8s.io/v1:NetworkPolicy": 2,
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole": 1,
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding": 1,
        "kubernetes:rbac.authorization.k8s.io/v1:Role": 1,
        "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": 1,
        "kubernetes:scheduling.k8s.io/v1:PriorityClass": 2,
        "kubernetes:storage.k8s.io/v1:StorageClass": 1,
    },
    ("moltghost:control_plane:ControlPlane", "platform-local-control-plane"): {
        "kubernetes:apps/v1:Deployment": 1,
        "kubernetes:core/v1:ConfigMap": 1,
        "kubernetes:core/v1:Service": 1,
        "kubernetes:core/v1:ServiceAccount": 1,
        "kubernetes:networking.k8s.io/v1:NetworkPolicy": 4,
        "kubernetes:policy/v1:PodDisruptionBudget": 1,
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole": 1,
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding": 1,
    },
    **{
        ("moltghost:tenant:Tenant", f"{tenant}-local-tenant"): {
            "aws:kms/alias:Alias": 1,
            "aws:kms/key:Key": 1,
            "kubernetes:core/v1:LimitRange": 1,
            "kubernetes:core/v1:Namespace": 1,
            "kubernetes:core/v1:ResourceQuota": 1,
            "kubernetes:core/v1:ServiceAccount": 1,
            "kubernetes:networking.k8s.io/v1:NetworkPolicy": 4,
        }
        for tenant in ("acme", "globex")
    },
    ("moltghost:agent:Agent", "acme-local-helper"): {
        "kubernetes:agents.x-k8s.io/v1beta1:Sandbox": 1,
        "kubernetes:core/v1:ConfigMap": 2,
        "kubernetes:core/v1:Secret": 1,
        "kubernetes:networking.k8s.io/v1:NetworkPolicy": 1,
    },
    ("moltghost:agent:Agent", "globex-local-analyst"): {
        "kubernetes:agents.x-k8s.io/v1beta1:Sandbox": 1,
        "kubernetes:core/v1:ConfigMap": 1,
        "kubernetes:core/v1:Secret": 1,
    },
    ("moltghost:backup:Backup", "platform-local-backup"): {
        "aws:kms/alias:Alias": 1,
        "aws:kms/key:Key": 1,
        "aws:s3/bucket:Bucket": 1,
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": 1,
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls": 1,
        "aws:s3/bucketPolicy:BucketPolicy": 1,
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": 1,
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": 1,
        "aws:s3/bucketVersioning:BucketVersioning": 1,
    },
    ("moltghost:edge:Edge", "platform-local-edge"): {
        "cloudflare:index/dnsRecord:DnsRecord": 1,
        "cloudflare:index/workersKv:WorkersKv": 1,
        "cloudflare:index/workersKvNamespace:WorkersKvNamespace": 3,
        "cloudflare:index/workersRoute:WorkersRoute": 1,
        "cloudflare:index/workersScript:WorkersScript": 2,
    },
    ("moltghost:edge:TenantEdge", "acme-local-edge"): {"cloudflare:index/workersKv:WorkersKv": 3},
    ("moltghost:edge:TenantEdge", "globex-local-edge"): {"cloudflare:index/workersKv:WorkersKv": 3},
    ("moltghost:edge:Zone", "platform-local-zone"): {
        "cloudflare:index/ruleset:Ruleset": 4,
        "cloudflare:index/zoneSetting:ZoneSetting": 6,
    },
}

# What the AWS and Cloudflare children are told, whole; policies and secrets have tests of their own.
INPUTS: dict[tuple[str, str], dict[str, Any]] = {
    ("aws:s3/bucket:Bucket", SNAPSHOTS): {"bucket": BUCKET, "forceDestroy": True, "objectLockEnabled": False},
    ("aws:s3/bucketVersioning:BucketVersioning", SNAPSHOTS): {
        "bucket": f"{SNAPSHOTS}-id",
        "versioningConfiguration": {"status": "Enabled"},
    },
    ("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", SNAPSHOTS): {
        "bucket": f"{SNAPSHOTS}-id",
        "rules": [
            {
                "applyServerSideEncryptionByDefault": {
                    "kmsMasterKeyId": f"arn:aws:kms:ap-southeast-1:123456789012:key/{SNAPSHOTS}",
                    "sseAlgorithm": "aws:kms",
                },
                "bucketKeyEnabled": True,
            }
        ],
    },
    ("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", SNAPSHOTS): {
        "bucket": f"{SNAPSHOTS}-id",
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    },
    ("aws:s3/bucketOwnershipControls:BucketOwnershipControls", SNAPSHOTS): {
        "bucket": f"{SNAPSHOTS}-id",
        "rule": {"objectOwnership": "BucketOwnerEnforced"},
    },
    ("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", SNAPSHOTS): {
        "bucket": f"{SNAPSHOTS}-id",
        "rules": [
            {
                "id": "old-versions",
                "status": "Enabled",
                "filter": {"prefix": ""},
                "noncurrentVersionExpiration": {"noncurrentDays": 30},
                "expiration": {"expiredObjectDeleteMarker": True},
            },
            {
                "id": "unfinished-uploads",
                "status": "Enabled",
                "filter": {"prefix": ""},
                "abortIncompleteMultipartUpload": {"daysAfterInitiation": 3},
            },
        ],
    },
    ("aws:kms/alias:Alias", SNAPSHOTS): {"name": "alias/moltghost/local/snapshots", "targetKeyId": SNAPSHOTS},
    ("aws:kms/alias:Alias", "acme-local-snapshots"): {
        "name": "alias/moltghost/local/acme",
        "targetKeyId": "acme-local-snapshots",
    },
    ("cloudflare:index/workersRoute:WorkersRoute", "platform-local-worker"): {
        "zoneId": "fedcba9876543210fedcba9876543210",
        "pattern": "api.moltghost.test/*",
        "script": "platform-local-edge",
    },
    ("cloudflare:index/dnsRecord:DnsRecord", "platform-local-worker"): {
        "zoneId": "fedcba9876543210fedcba9876543210",
        "name": "api.moltghost.test",
        "type": "AAAA",
        "content": "100::",
        "proxied": True,
        "ttl": 1,
        "comment": "Answered by the Worker; nothing is behind it.",
    },
    ("cloudflare:index/workersKv:WorkersKv", "acme-local-route-helper"): {
        "accountId": "0123456789abcdef0123456789abcdef",
        "namespaceId": "platform-local-routes-id",
        "keyName": "acme/helper",
        "value": '{"model":"tiny","regions":["local"],"state":"open"}',
    },
    ("cloudflare:index/workersKv:WorkersKv", "platform-local-origin"): {
        "accountId": "0123456789abcdef0123456789abcdef",
        "namespaceId": "platform-local-routes-id",
        "keyName": "region:local",
        "value": '{"near":[],"origin":"http://127.0.0.1:20013","state":"open"}',
    },
    ("cloudflare:index/workersKv:WorkersKv", "acme-local-edge"): {
        "accountId": "0123456789abcdef0123456789abcdef",
        "namespaceId": "platform-local-tenants-id",
        "keyName": "acme",
        "value": (
            '{"limits":{"burst":1000,"per_minute":10000,"price_in":0.0,"price_out":0.0,"streams":2000},"origins":[]}'
        ),
    },
    ("cloudflare:index/workersKv:WorkersKv", "acme-local-key-default"): {
        "accountId": "0123456789abcdef0123456789abcdef",
        "namespaceId": "platform-local-keys-id",
        "keyName": "a" * 64,
        "value": '{"agents":["*"],"key":"default","tenant":"acme"}',
    },
}
