"""Who may use which key, and what a kubeconfig holds."""

import json
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from components.cluster import eks_manifests as manifests
from components.cluster.eks_spec import EksSpec
from tests.components.specs import EKS


def statements(policy: str) -> dict[str, dict[str, Any]]:
    return {each.get("Sid", ""): each for each in json.loads(policy)["Statement"]}


@pytest.mark.parametrize(
    "policy",
    [
        manifests.build_secrets_key_policy(EKS),
        manifests.build_logs_key_policy(EKS),
        manifests.build_disks_key_policy(EKS.account_id, EKS.aws_region),
    ],
)
def test_who_administers_a_key_may_not_use_it_and_every_use_is_bound(policy: str) -> None:
    found = statements(policy)
    administer = found.pop("Administer")
    assert not {"kms:*", "kms:Decrypt", "kms:Encrypt", "kms:CreateGrant"} & set(administer["Action"])
    assert found
    assert all(each["Condition"] for each in found.values())


def test_secrets_are_the_control_planes_and_only_administrators_let_it_use_the_key() -> None:
    found = statements(manifests.build_secrets_key_policy(EKS))
    role = found["SecretsOfTheCluster"]["Condition"]["ArnEquals"]["aws:PrincipalArn"]
    assert role == f"arn:aws:iam::{EKS.account_id}:role/{EKS.name}"
    assert found["GrantToTheService"]["Condition"]["ArnEquals"]["aws:PrincipalArn"] == list(EKS.admins)


def test_the_logs_key_serves_one_log_group() -> None:
    use = statements(manifests.build_logs_key_policy(EKS))["LogsOfTheCluster"]
    arn = use["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]
    assert arn.endswith(f":log-group:{manifests.log_group(EKS.name)}")


def test_volumes_are_used_through_ec2_of_this_account_alone() -> None:
    for each in list(statements(manifests.build_disks_key_policy("123456789012", "us-east-1")).values())[1:]:
        bound = each["Condition"]["StringEquals"]
        assert bound == {"kms:CallerAccount": "123456789012", "kms:ViaService": "ec2.us-east-1.amazonaws.com"}


@pytest.mark.parametrize(
    "trust",
    [
        manifests.build_cluster_trust(EKS),
        manifests.build_pod_identity_trust(EKS.account_id, EKS.aws_region, EKS.name),
    ],
)
def test_a_role_is_taken_on_behalf_of_this_cluster_alone(trust: str) -> None:
    (statement,) = json.loads(trust)["Statement"]
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": EKS.account_id}
    assert statement["Condition"]["ArnEquals"]["aws:SourceArn"].endswith(f":cluster/{EKS.name}")


def test_models_are_read_from_the_named_buckets_and_written_nowhere() -> None:
    policy = manifests.build_model_permissions(("one", "two"))
    assert policy is not None
    assert {action for each in json.loads(policy)["Statement"] for action in each["Action"]} == {
        "s3:GetObject",
        "s3:ListBucket",
    }
    assert manifests.build_model_permissions(()) is None


def test_a_kubeconfig_holds_no_secret_and_names_the_program_that_makes_the_token() -> None:
    config = yaml.safe_load(manifests.build_kubeconfig("blue", "https://e.example.com", "Y2E=", "us-east-1"))
    (user,) = config["users"]
    assert set(user["user"]) == {"exec"}
    assert [user["user"]["exec"]["command"], *user["user"]["exec"]["args"]] == [
        "moltghost",
        "eks-token",
        "--region",
        "us-east-1",
        "--cluster",
        "blue",
    ]
    assert config["current-context"] == "blue"
    assert config["clusters"][0]["cluster"]["server"] == "https://e.example.com"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", "1.36.2"),
        ("version", "latest"),
        ("admins", ()),
        ("admins", ("arn:aws:iam::123456789012:root",)),
        ("log_retention_days", 0),
        ("log_retention_days", 100),
        ("account_id", "1234"),
        ("key_deletion_window_days", 1),
    ],
)
def test_a_spec_that_names_no_version_no_administrator_or_no_end_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        EksSpec(**{**EKS.model_dump(), "addons": EKS.addons, field: value})
