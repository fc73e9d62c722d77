"""Policy documents that are unknown in part: what is known is judged, and nothing unknown passes."""

import json
from typing import Any

import pytest

from policies.field import Field, Verdict
from policies.judging import judge
from policies.record import Unknown
from tests.policies.cases.clouds import ROOT, VIA_S3, bucket, tls_only
from tests.policies.resources import resource, stack

ARN = "{{urn:pulumi:test::moltghost::aws:kms/key:Key::one#arn}}"


def later(document: str) -> Unknown:
    """A document that holds an ARN nobody knows yet, as a record has it."""
    assert "{{" in document
    return Unknown("urn:pulumi:test::moltghost::aws:kms/key:Key::one#arn", document)


def role(**statement: Any) -> Verdict:
    document = later(json.dumps({"Statement": [{"Effect": "Allow", **statement}]}))
    return verdict("iam-policy-has-no-wildcard", "aws:iam/rolePolicy:RolePolicy", {"policy": document})


def verdict(rule: str, type_: str, inputs: dict[str, Any]) -> Verdict:
    report = judge(stack(resource(type_, "one", inputs), kind="region"))
    (found,) = [each.verdict for each in report.judgements if each.rule.name == rule]
    return found


def test_the_known_part_of_a_role_passes_or_fails() -> None:
    assert role(Action=["kms:Decrypt"], Resource=ARN) is Verdict.PASS
    assert role(Action="*", Resource=ARN) is Verdict.FAIL
    assert role(Action=[ARN], Resource="*") is Verdict.UNKNOWN
    assert role(Action="s3:*", Resource=[ARN]) is Verdict.UNKNOWN
    assert role(Action="s3:*", Resource=[ARN, "*"]) is Verdict.FAIL


def test_a_document_of_which_nothing_is_known_is_unknown() -> None:
    for value in (Unknown("x"), Unknown("x", "{{a#b}}"), Unknown("x", "{not json {{a#b}}")):
        found = verdict("iam-policy-has-no-wildcard", "aws:iam/rolePolicy:RolePolicy", {"policy": value})
        assert found is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("principal", "condition", "expected"),
    [
        (ROOT, VIA_S3, Verdict.UNKNOWN),
        ({"AWS": "*"}, None, Verdict.FAIL),
        ({"AWS": ARN}, None, Verdict.UNKNOWN),
        ({"Service": "logs.amazonaws.com"}, {"ArnEquals": {"aws:SourceArn": ARN}}, Verdict.UNKNOWN),
        ({"Service": "logs.amazonaws.com"}, {"ArnEquals": {"aws:SourceArn": [ARN, "*"]}}, Verdict.FAIL),
    ],
)
def test_a_keys_policy_is_judged_as_far_as_it_is_known(principal: Any, condition: Any, expected: Verdict) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "kms:Decrypt", "Resource": "*"}
    marked = {"Effect": "Allow", "Principal": {"AWS": ARN}, "Action": "kms:DescribeKey", "Resource": "*"}
    whole = {**statement, **({"Condition": condition} if condition else {})}
    document = later(json.dumps({"Statement": [whole, marked]}))
    assert verdict("key-policy-lets-no-other-in", "aws:kms/key:Key", {"policy": document}) is expected


def test_a_bucket_denies_what_is_in_the_clear_whatever_else_its_policy_will_say() -> None:
    own_key = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::moltghost-one/*",
        "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": ARN}},
    }
    known = later(tls_only("arn:aws:s3:::moltghost-one", own_key))
    report = judge(stack(*bucket("one", change={"Policy": {"policy": known}}), kind="region"))
    assert report.passed, report.lines()
    without = later(json.dumps({"Statement": [own_key]}))
    report = judge(stack(*bucket("one", change={"Policy": {"policy": without}}), kind="region"))
    assert {each.rule.name for each in report.unknowns} == {"bucket-takes-tls-only"}


def test_a_path_names_what_is_unknown_inside_a_document() -> None:
    document = Field("policy", later(json.dumps({"Statement": [{"Resource": ["x", ARN]}]}))).parsed()
    (found,) = document.unknown_parts()
    assert found.path == "policy.Statement[0].Resource[1]"
