"""Policies, addon settings and the kubeconfig of a cluster on AWS."""

import json
from typing import Any

import yaml

from components.cluster.eks_spec import EksSpec
from components.snapshot_key import ADMINISTER
from runtime.contract import labels

ADMIN_POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
"""https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html"""

CLUSTER_POLICY = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
EBS_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"

TOKEN_COMMAND = ("moltghost", "eks-token")
"""The program that a kubeconfig gets its user's token from; no kubeconfig holds one."""

_Statement = dict[str, Any]


def document(statements: list[_Statement]) -> str:
    """A policy document. The same statements always give the same text."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True, separators=(",", ":"))


def cluster_arn(account_id: str, aws_region: str, name: str) -> str:
    """The ARN of a cluster."""
    return f"arn:aws:eks:{aws_region}:{account_id}:cluster/{name}"


def log_group(name: str) -> str:
    """The log group EKS writes a cluster's logs to; where it is missing, EKS makes one that is kept for ever."""
    return f"/aws/eks/{name}/cluster"


def build_cluster_trust(spec: EksSpec) -> str:
    """EKS takes the role on behalf of this cluster, and of no other one."""
    arn = cluster_arn(spec.account_id, spec.aws_region, spec.name)
    condition = {"StringEquals": {"aws:SourceAccount": spec.account_id}, "ArnEquals": {"aws:SourceArn": arn}}
    return document([_assumed_by("eks.amazonaws.com", ["sts:AssumeRole"], condition)])


def build_pod_identity_trust(account_id: str, aws_region: str, cluster: str) -> str:
    """Pods of this cluster take the role; which of them, an association says.

    https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
    """
    arn = cluster_arn(account_id, aws_region, cluster)
    condition = {"StringEquals": {"aws:SourceAccount": account_id}, "ArnEquals": {"aws:SourceArn": arn}}
    return document([_assumed_by("pods.eks.amazonaws.com", ["sts:AssumeRole", "sts:TagSession"], condition)])


def build_node_trust() -> str:
    """EC2 takes the role for its instances."""
    return document([_assumed_by("ec2.amazonaws.com", ["sts:AssumeRole"], None)])


def _assumed_by(service: str, actions: list[str], condition: dict[str, Any] | None) -> _Statement:
    statement: _Statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": actions}
    return {**statement, "Condition": condition} if condition else statement


def _administer(account_id: str) -> _Statement:
    account = {"AWS": f"arn:aws:iam::{account_id}:root"}
    return {"Sid": "Administer", "Effect": "Allow", "Principal": account, "Action": ADMINISTER, "Resource": "*"}


def cluster_role_arn(spec: EksSpec) -> str:
    """The ARN of the control plane's role, which has the cluster's name."""
    return f"arn:aws:iam::{spec.account_id}:role/{spec.name}"


def build_secrets_key_policy(spec: EksSpec) -> str:
    """The control plane's role uses the key; an administrator of the cluster, who makes it, may let EKS do so.

    Principals are told by condition, so that the policy can be there before the role is. EKS doesn't support
    `kms:GrantIsForAWSResource` where a cluster is made: https://docs.aws.amazon.com/eks/latest/userguide/enable-kms.html
    """
    account = {"AWS": f"arn:aws:iam::{spec.account_id}:root"}
    use = {
        "Sid": "SecretsOfTheCluster",
        "Effect": "Allow",
        "Principal": account,
        "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ListGrants"],
        "Resource": "*",
        "Condition": {"ArnEquals": {"aws:PrincipalArn": cluster_role_arn(spec)}},
    }
    grant = {
        "Sid": "GrantToTheService",
        "Effect": "Allow",
        "Principal": account,
        "Action": ["kms:CreateGrant"],
        "Resource": "*",
        "Condition": {"ArnEquals": {"aws:PrincipalArn": list(spec.admins)}},
    }
    return document([_administer(spec.account_id), use, grant])


def build_secrets_permissions(key_arn: str) -> str:
    """What the control plane's role may do with the key."""
    actions = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ListGrants"]
    return document([{"Effect": "Allow", "Action": actions, "Resource": key_arn}])


def build_logs_key_policy(spec: EksSpec) -> str:
    """CloudWatch uses the key for the cluster's own log group.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    group = f"arn:aws:logs:{spec.aws_region}:{spec.account_id}:log-group:{log_group(spec.name)}"
    use = {
        "Sid": "LogsOfTheCluster",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{spec.aws_region}.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom"],
        "Resource": "*",
        "Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": group}},
    }
    return document([_administer(spec.account_id), use])


def build_disks_key_policy(account_id: str, aws_region: str) -> str:
    """The account's principals use the key through EC2 alone, for volumes; as AWS's own key for EBS has it.

    The Auto Scaling service's role needs it as much as the CSI driver's, and no IAM policy can be given to the former:
    https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
    """
    through_ec2 = {"kms:CallerAccount": account_id, "kms:ViaService": f"ec2.{aws_region}.amazonaws.com"}
    everyone = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Resource": "*"}
    use = {
        **everyone,
        "Sid": "VolumesThroughEc2Only",
        "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKeyWithoutPlaintext"],
        "Condition": {"StringEquals": through_ec2},
    }
    grant = {
        **everyone,
        "Sid": "GrantToInstances",
        "Action": ["kms:CreateGrant"],
        "Condition": {"StringEquals": through_ec2, "Bool": {"kms:GrantIsForAWSResource": "true"}},
    }
    return document([_administer(account_id), use, grant])


def build_model_permissions(buckets: tuple[str, ...]) -> str | None:
    """What the S3 driver's role may read: the buckets of models. None where there are none."""
    if not buckets:
        return None
    arns = [f"arn:aws:s3:::{bucket}" for bucket in buckets]
    return document(
        [
            {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": arns},
            {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [f"{arn}/*" for arn in arns]},
        ]
    )


def build_kubeconfig(name: str, endpoint: str, certificate_authority: str, aws_region: str) -> str:
    """A kubeconfig without a secret in it: its user's token is made by a program when it is needed.

    `certificate_authority` is base64, as EKS gives it.
    """
    command, verb = TOKEN_COMMAND
    token = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": command,
        "args": [verb, "--region", aws_region, "--cluster", name],
        "interactiveMode": "Never",
        "provideClusterInfo": False,
    }
    cluster = {"server": endpoint, "certificate-authority-data": certificate_authority}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": {"exec": token}}],
    }
    text: str = yaml.safe_dump(config, sort_keys=False)
    return text


def build_addon_values() -> dict[str, str]:
    """Each addon's settings, as JSON: replicas on the system pool, spread; a driver's node part on every node."""
    on_system = {"nodeSelector": {labels.PURPOSE: "system"}}
    everywhere = {"node": {"tolerateAllTaints": True}}
    dns = {
        **on_system,
        "replicaCount": 3,
        "podDisruptionBudget": {"enabled": True, "maxUnavailable": 1},
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
            }
        ],
    }
    ebs = {"controller": {**on_system, "replicaCount": 2}, **everywhere}
    values = {"coredns": dns, "aws-ebs-csi-driver": ebs, "aws-mountpoint-s3-csi-driver": everywhere}
    return {name: json.dumps(value, sort_keys=True, separators=(",", ":")) for name, value in values.items()}
