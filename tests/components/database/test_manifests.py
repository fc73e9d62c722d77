"""The database's key and parameters."""

import json
from typing import Any

from components.database.manifests import LOGS, PARAMETERS, build_key_policy, log_group
from tests.components.specs import ACCOUNT, DATABASE


def statements() -> dict[str, dict[str, Any]]:
    return {each["Sid"]: each for each in json.loads(build_key_policy(DATABASE))["Statement"]}


def test_the_key_is_used_through_rds_and_its_secret_alone() -> None:
    for sid in ("DataThroughRdsOnly", "GrantsForRdsOnly"):
        said = statements()[sid]
        assert said["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        assert said["Condition"]["StringEquals"]["kms:ViaService"] == [
            "rds.ap-southeast-1.amazonaws.com",
            "secretsmanager.ap-southeast-1.amazonaws.com",
        ]


def test_a_grant_is_made_for_a_service_alone() -> None:
    assert statements()["GrantsForRdsOnly"]["Condition"]["Bool"] == {"kms:GrantIsForAWSResource": "true"}
    others = [each for sid, each in statements().items() if sid != "GrantsForRdsOnly"]
    assert not any("kms:CreateGrant" in each["Action"] for each in others)


def test_logs_are_encrypted_for_this_database_alone() -> None:
    said = statements()["LogsOfThisDatabase"]
    assert said["Principal"] == {"Service": "logs.ap-southeast-1.amazonaws.com"}
    assert said["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"] == [
        f"arn:aws:logs:ap-southeast-1:{ACCOUNT}:log-group:{log_group(DATABASE, log)}" for log in LOGS
    ]


def test_nobody_else_is_named() -> None:
    assert not any(each["Principal"] == "*" or "kms:*" in each["Action"] for each in statements().values())


def test_connections_without_tls_are_refused() -> None:
    assert {each.name: each.value for each in PARAMETERS}["rds.force_ssl"] == "1"


def test_no_parameter_lets_a_statement_into_the_log() -> None:
    values = {each.name: each.value for each in PARAMETERS}
    assert len(values) == len(PARAMETERS)
    assert values["log_statement"] == "none"
    assert values["log_min_duration_statement"] == "-1"
    assert values["log_min_error_statement"] == "panic"
    assert values["log_error_verbosity"] == "terse"
    assert values["log_parameter_max_length"] == values["log_parameter_max_length_on_error"] == "0"
