"""What IAM and KMS are told about a region's gateways."""

import json
from typing import Any

from components import key_policy
from components.network.mesh.spec import GatewaysSpec


def build_assume_policy() -> str:
    """Instances alone take the role."""
    principal = {"Service": "ec2.amazonaws.com"}
    return _policy([{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}])


def build_role_policy(secret_arn: str, key_arn: str) -> str:
    """A gateway reads its own bundle, and can do nothing else with it or with another gateway's."""
    return _policy(
        [
            {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret_arn},
            {
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Resource": key_arn,
                "Condition": {"StringEquals": {"kms:EncryptionContext:SecretARN": secret_arn}},
            },
        ]
    )


def build_key_policy(spec: GatewaysSpec) -> str:
    """The account administers the key of the bundles; it is used through Secrets Manager alone."""
    through = {
        "kms:ViaService": f"secretsmanager.{spec.aws_region}.amazonaws.com",
        "kms:CallerAccount": spec.account_id,
    }
    return _policy(
        [
            key_policy.administer(spec.account_id),
            {
                "Sid": "ThroughSecretsManager",
                "Effect": "Allow",
                "Principal": key_policy.account_principal(spec.account_id),
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*", "kms:DescribeKey"],
                "Resource": "*",
                "Condition": {"StringEquals": through},
            },
        ]
    )


def _policy(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True, separators=(",", ":"))
