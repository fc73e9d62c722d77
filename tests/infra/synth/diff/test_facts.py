"""What is known of providers, against what plays them here, and against what the program declares."""

from collections.abc import Mapping

import pytest

from infra.local.providers.aws.provider import DESCRIBED, KINDS
from infra.local.providers.cloudflare import records
from infra.local.providers.cloudflare.provider import KINDS as CLOUDFLARE
from infra.synth.diff.facts import LOSSES, REPLACING, forcing, is_known
from infra.synth.fleet import Fleet
from tests.infra.synth.diff.fleets import resource

STAND_INS_OWN: Mapping[str, set[str]] = {
    "aws:cloudwatch/logGroup:LogGroup": {"kmsKeyId"},
    "aws:ec2/instance:Instance": {
        "iamInstanceProfile",
        "instanceType",
        "metadataOptions",
        "rootBlockDevice",
        "userData",
        "userDataBase64",
    },
    "aws:ec2/vpc:Vpc": {"instanceTenancy"},
    "aws:ec2/vpcEndpoint:VpcEndpoint": {"privateDnsEnabled"},
    "aws:eks/cluster:Cluster": {"kubernetesNetworkConfig"},
    "aws:rds/instance:Instance": {"identifier", "manageMasterUserPassword", "masterUserSecretKmsKeyId", "port"},
}
"""What AWS changes in place, and moto can't."""


@pytest.mark.parametrize("type_", sorted(DESCRIBED))
def test_what_replaces_on_the_stand_in_replaces_here(type_: str) -> None:
    about = DESCRIBED[type_]
    theirs = {*(name for name, each in about.inputs.items() if each.replaces), *about.replace_on}
    assert theirs - STAND_INS_OWN.get(type_, set()) <= set(REPLACING[type_])


def test_only_what_the_stand_in_cannot_change_is_excepted() -> None:
    for type_, names in STAND_INS_OWN.items():
        assert names <= {name for name, each in DESCRIBED[type_].inputs.items() if each.replaces}
        assert not names & set(REPLACING[type_])


def test_every_kind_a_stand_in_plays_is_known() -> None:
    assert {*KINDS, *CLOUDFLARE} <= set(REPLACING)
    for collection, type_ in (
        (records.RULESETS, "ruleset:Ruleset"),
        (records.NAMESPACES, "workersKvNamespace:WorkersKvNamespace"),
    ):
        assert {collection.scope, *collection.fixed} <= set(REPLACING[f"cloudflare:index/{type_}"])


@pytest.mark.parametrize("stack", ["global", "use1", "acme"])
def test_every_kind_the_program_declares_is_known(committed: Fleet, stack: str) -> None:
    declared = {each.type for each in committed.stack(stack).resources if each.custom}
    assert {each for each in declared if not is_known(each)} == set()


def test_every_loss_is_of_a_kind_that_is_known() -> None:
    unused = {"aws:dynamodb/table:Table", "aws:ebs/volume:Volume"}
    assert {each for each in LOSSES if not is_known(each)} == unused


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        (["cidrBlock"], ["cidrBlock"]),
        (["cidrBlocks"], []),
        (["tags.cidrBlock"], []),
    ],
)
def test_a_field_is_not_another_that_begins_like_it(changed: list[str], found: list[str]) -> None:
    assert forcing(resource("use1", "aws:ec2/vpc:Vpc", "platform-use1-vpc", {}), changed) == found


@pytest.mark.parametrize("changed", ["tag", "tag.key", "tag[a].key"])
def test_a_field_within_another_counts_from_both_ends(changed: str) -> None:
    tag = resource("use1", "aws:autoscaling/tag:Tag", "platform-use1-tag", {})
    assert forcing(tag, [changed]) == ([changed] if changed != "tag[a].key" else [])


def test_what_a_resource_itself_says_replaces_it_does() -> None:
    own = resource("use1", "aws:ec2/eip:Eip", "platform-use1-ip", {}, options={"replaceOnChanges": ["tags"]})
    assert forcing(own, ["tags.a", "address"]) == ["tags.a"]
