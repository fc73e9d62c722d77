"""The database's key and parameters as KMS and RDS read them."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from components import key_policy
from components.database.spec import DatabaseSpec

LOGS = ("postgresql", "upgrade")
"""The logs RDS for PostgreSQL can hand to CloudWatch."""


@dataclass(frozen=True)
class Parameter:
    """One setting of the server. `apply` is when a change of it counts."""

    name: str
    value: str
    apply: Literal["immediate", "pending-reboot"] = "immediate"


PARAMETERS = (
    Parameter("rds.force_ssl", "1", "pending-reboot"),
    # What happened and when, never what was asked: a statement holds customers' data, and so do the parameters bound
    # to it and the DETAIL of an error ("Key (email)=(…) already exists").
    Parameter("log_statement", "none"),
    Parameter("log_min_duration_statement", "-1"),
    Parameter("log_min_error_statement", "panic"),
    Parameter("log_parameter_max_length", "0"),
    Parameter("log_parameter_max_length_on_error", "0"),
    Parameter("log_error_verbosity", "terse"),
    Parameter("log_connections", "1"),
    Parameter("log_disconnections", "1"),
    Parameter("log_lock_waits", "1"),
)
"""https://www.postgresql.org/docs/17/runtime-config-logging.html"""


def parameter_family(spec: DatabaseSpec) -> str:
    """The family a parameter group belongs to."""
    return f"postgres{spec.major_version}"


def log_group(spec: DatabaseSpec, log: str) -> str:
    """Where RDS writes one of its logs: the name is RDS's own."""
    return f"/aws/rds/instance/{spec.identifier}/{log}"


def build_key_policy(spec: DatabaseSpec) -> str:
    """Administrators administer; the key is used through RDS and Secrets Manager, and by the logs of this database.

    RDS and Secrets Manager keep a grant: the account may make one only for a service, never for itself.
    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.Keys.html
    """
    services = [f"{service}.{spec.aws_region}.amazonaws.com" for service in ("rds", "secretsmanager")]
    through = {"StringEquals": {"kms:CallerAccount": spec.account_id, "kms:ViaService": services}}
    account = key_policy.account_principal(spec.account_id)
    used = {
        "Sid": "DataThroughRdsOnly",
        "Effect": "Allow",
        "Principal": account,
        "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
        "Resource": "*",
        "Condition": through,
    }
    granted = {
        "Sid": "GrantsForRdsOnly",
        "Effect": "Allow",
        "Principal": account,
        "Action": "kms:CreateGrant",
        "Resource": "*",
        "Condition": {**through, "Bool": {"kms:GrantIsForAWSResource": "true"}},
    }
    statements = [key_policy.administer(spec.account_id), used, granted, _logs(spec)]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True, separators=(",", ":"))


def _logs(spec: DatabaseSpec) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"""
    groups = [f"arn:aws:logs:{spec.aws_region}:{spec.account_id}:log-group:{log_group(spec, log)}" for log in LOGS]
    return {
        "Sid": "LogsOfThisDatabase",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{spec.aws_region}.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
        "Resource": "*",
        "Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": groups}},
    }
