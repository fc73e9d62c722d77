"""What every key of ours has in its policy: who administers it, and that no administrator uses it by that right."""

from typing import Any

# What an administrator of the account may do to the key itself: everything but use it.
_ADMINISTER = [
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListAliases",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
]
_REPLICATE = ["kms:ReplicateKey"]


def account_principal(account_id: str) -> dict[str, str]:
    """The account as a principal: its own IAM policies decide who of it."""
    return {"AWS": f"arn:aws:iam::{account_id}:root"}


def administer(account_id: str, multi_region: bool = False) -> dict[str, Any]:
    """The statement that lets administrators administer; those of a multi-region primary also make its replicas."""
    actions = sorted([*_ADMINISTER, *(_REPLICATE if multi_region else [])])
    principal = account_principal(account_id)
    return {"Sid": "Administer", "Effect": "Allow", "Principal": principal, "Action": actions, "Resource": "*"}
