"""A change of the fleet as its reviewer reads it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.synth.diff.compare import Action, Change, compare
from infra.synth.diff.render import MARK, render
from infra.synth.diff.report import Isolation, Refusal, Report, make_report
from policies.record import Resource, Secret, Stack, Unknown
from tests.infra.synth.diff.fleets import (
    CONFIG,
    CUSTOMERS,
    Edit,
    added,
    changed,
    customer,
    fleet,
    object_of,
    policy,
    region,
    resource,
    without,
)

GOLDEN = Path(__file__).resolve().parent / "golden"
FORMS = {"text": "txt", "markdown": "md", "json": "json"}
QUOTA = "kubernetes:core/v1:ResourceQuota"


def cpu(amount: str) -> Edit:
    return lambda inputs: inputs["spec"]["hard"].update({"requests.cpu": amount})


def put(name: str, value: object) -> Edit:
    return lambda inputs: inputs.update({name: value})


def report(after: dict[str, Stack], before: dict[str, Stack] | None = None) -> Report:
    return make_report(("main", before or fleet(), {}), ("change", after, {}))


def one(stack: Stack, role: str, edit: Edit) -> Change:
    (change,) = compare(stack, changed(stack, role, edit))
    return change


def everything(customers: int = CUSTOMERS) -> Report:
    """A report with something of each kind in it."""
    before = fleet(customers)
    after = {name: changed(each, "quota", cpu("10")) for name, each in before.items() if each.kind == "tenant"}
    after["customer007"] = changed(customer("customer007"), "quota", cpu("16"))
    after["customer018"] = customer("customer018")
    after["customer003"] = changed(
        after["customer003"], "models", lambda inputs: inputs["spec"].update(storageClassName="io2")
    )
    after["customer009"] = without(after["customer009"], "key")
    after["customer011"] = changed(
        after["customer011"], "policy", put("policy", policy("customer011", ["s3:*", "s3:PutObject"]))
    )
    after["customer012"] = changed(
        after["customer012"], "config", put("data", {"worker.conf": CONFIG.replace("limit 10", "limit 100")})
    )
    after["customer013"] = changed(after["customer013"], "secrets", put("data", {"token": Secret("another")}))
    after["customer014"] = changed(
        after["customer014"], "helper", lambda inputs: inputs["spec"]["podTemplate"]["spec"].update(image="two")
    )
    wall = object_of("NetworkPolicy", "networking.k8s.io/v1", "open", spec={"ingress": [{}]})
    after["customer015"] = added(
        after["customer015"],
        resource("customer015", "kubernetes:networking.k8s.io/v1:NetworkPolicy", "customer015-use1-open", wall),
    )
    after["use1"] = changed(region(), "vpc", put("cidrBlock", "10.28.0.0/14"))
    return make_report(
        ("main", before, {"use1": {"Elastic IPs": 0.6, "VPC endpoints": 0.9}}),
        ("change", after, {"use1": {"Elastic IPs": 0.85, "VPC endpoints": 0.9}}),
        refusals=[
            Refusal("customer015", "tenant-default-deny", "NetworkPolicy customer015-use1-open", "lets everything in"),
            Refusal("customer011", "bucket-tls-only", "BucketPolicy customer011-use1-policy", "is unknown", True),
        ],
        isolation=Isolation(False, ("customer001/helper → Service door → customer015/helper",)),
        left_out=["stacks of kind dev"],
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_report_reads_as_it_was_reviewed(form: str, update_golden: bool) -> None:
    text, file = render(everything(CUSTOMERS if form != "json" else 20), form), GOLDEN / f"report.{FORMS[form]}"
    if update_golden:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert text == file.read_text(), "the rendering changed: look at it, then run pytest --update-golden"


def test_one_change_in_all_stacks_reads_as_one_and_its_exceptions_are_named() -> None:
    (quota,) = [each for each in everything().groups if each.type == QUOTA]
    assert len(quota.stacks) == CUSTOMERS - 1
    assert [len(each.stacks) for each in quota.variants] == [CUSTOMERS - 2, 1]
    assert quota.variants[1].stacks == ("customer007",)
    assert quota.without == ("customer018",)
    text = render(everything(), "text")
    assert text.count(QUOTA) == 1
    assert "except customer007:" in text
    assert "not in customer018" in text


def test_what_puts_data_at_risk_is_on_top() -> None:
    groups = everything().groups
    assert [bool(each.loss) for each in groups] == [True, True, False, False] + [False] * (len(groups) - 4)
    lines = render(everything(), "text").splitlines()
    assert lines[2] == "DATA AT RISK"
    assert "replaces customer003-use1-models (customer003), forced by spec.storageClassName: the volume" in lines[3]
    assert "deletes customer009-use1-key (customer009): the key: whatever is encrypted with it" in lines[4]


@pytest.mark.parametrize(
    ("role", "edit", "action"),
    [
        ("models", lambda inputs: inputs["spec"].update(storageClassName="io2"), Action.REPLACE),
        ("models", lambda inputs: inputs["metadata"].update(name="other"), Action.REPLACE),
        ("models", lambda inputs: inputs["metadata"].update(labels={"a": "b"}), Action.UPDATE),
        ("key", put("multiRegion", True), Action.REPLACE),
        ("key", put("description", "another"), Action.UPDATE),
        ("policy", put("bucket", "another"), Action.REPLACE),
        ("quota", cpu("10"), Action.UPDATE),
    ],
)
def test_only_fields_that_force_it_replace(role: str, edit: Edit, action: Action) -> None:
    found = one(customer("acme"), role, edit)
    assert found.action is action
    assert bool(found.loss) is (action is Action.REPLACE and role != "policy")


def test_what_stands_on_a_replaced_resource_is_replaced_with_it() -> None:
    changes = {
        each.name: each for each in compare(region(), changed(region(), "vpc", put("cidrBlock", "10.28.0.0/14")))
    }
    assert changes["platform-use1-a"].action is Action.REPLACE
    assert changes["platform-use1-a"].forced_by == ("vpcId (replaced: platform-use1-vpc)",)
    tags = compare(region(), changed(region(), "vpc", put("tags", {"a": "b"})))
    assert [each.name for each in tags] == ["platform-use1-vpc"]


def test_a_database_that_is_replaced_says_what_is_lost_and_that_it_is_protected() -> None:
    found = one(region(), "database", put("storageEncrypted", False))
    assert found.action is Action.REPLACE
    assert found.loss == ("the database and every row in it (protected: the engine refuses until that is taken away)")


@pytest.mark.parametrize(
    ("name", "value", "at_risk"), [("deletionProtection", False, True), ("backupWindow", "a", False)]
)
def test_a_guard_that_goes_counts_as_data_at_risk(name: str, value: object, at_risk: bool) -> None:
    assert bool(one(region(), "database", put(name, value)).loss) is at_risk


def test_protection_taken_away_counts_too() -> None:
    bare = replace(region(), resources=tuple(replace(each, protect=False) for each in region().resources))
    (found,) = compare(region(), bare)
    assert found.name == "platform-use1-database"
    assert found.loss is not None
    (back,) = compare(bare, region())
    assert back.loss is None


def test_another_provider_replaces() -> None:
    stack = customer("acme")
    moved = replace(stack, resources=tuple(replace(each, provider="urn:other") for each in stack.resources))
    assert {each.action for each in compare(stack, moved)} == {Action.REPLACE}


def test_ignored_fields_change_nothing() -> None:
    def ignoring(each: Resource) -> Resource:
        return replace(each, options={"ignoreChanges": ["spec.hard"]})

    before = replace(customer("acme"), resources=tuple(map(ignoring, customer("acme").resources)))
    assert compare(before, changed(before, "quota", cpu("10"))) == []
    assert compare(before, changed(before, "quota", lambda inputs: inputs["spec"].update(scopes=["x"])))


def test_a_resource_with_another_name_that_says_so_is_the_same() -> None:
    stack = customer("acme")
    (quota,) = [each for each in stack.resources if each.type == QUOTA]
    renamed = replace(quota, urn=quota.urn.replace("acme-use1-quota", "acme-use1-limits"), name="acme-use1-limits")
    kept = replace(renamed, options={"aliases": [{"spec": {"name": "acme-use1-quota"}}]})
    assert {each.action for each in compare(stack, added(without(stack, "quota"), renamed))} == {
        Action.CREATE,
        Action.DELETE,
    }
    assert compare(stack, added(without(stack, "quota"), kept)) == []


def test_a_stack_that_goes_takes_everything_with_it() -> None:
    after = fleet()
    del after["customer001"]
    found = report(after)
    assert found.counts == {Action.DELETE: 8}
    assert found.radius.agents == ("customer001/customer001-use1-helper",)
    assert {each.type.rpartition(":")[2] for each in found.at_risk} == {"Key", "PersistentVolumeClaim", "Sandbox"}


def test_agents_whose_pod_is_another_are_to_restart() -> None:
    assert everything().radius.agents == ("customer014/customer014-use1-helper",)


def test_a_change_of_a_region_reaches_the_customers_it_hosts() -> None:
    elsewhere = {"far": replace(customer("far"), outputs={"regions": {"usw2": {}}})}
    before = fleet(2) | elsewhere
    after = before | {"use1": changed(region(), "vpc", put("tags", {"a": "b"}))}
    found = report(after, before)
    assert (found.radius.tenants, found.radius.hosted) == ((), ("customer001", "customer002"))
    assert "2 more by their region or the edge" in render(found, "text")

    after["customer001"] = changed(after["customer001"], "quota", cpu("10"))
    found = report(after, before)
    assert (found.radius.tenants, found.radius.hosted) == (("customer001",), ("customer002",))


def test_a_change_of_the_edge_reaches_all_customers() -> None:
    zone = resource("global", "cloudflare:index/zone:Zone", "platform-zone", {"name": "a"})
    edge = Stack(name="global", kind="global", resources=(zone,), outputs={})
    found = report(fleet(2) | {"global": changed(edge, "zone", put("name", "b"))}, fleet(2) | {"global": edge})
    assert found.radius.hosted == ("customer001", "customer002")


def test_ceilings_are_told_when_they_come_near() -> None:
    (near,) = everything().ceilings
    assert (near.stack, near.name, near.before, near.after) == ("use1", "Elastic IPs", 0.6, 0.85)


def test_a_kind_whose_changes_nobody_knows_is_said() -> None:
    thing = resource("acme", "aws:strange/thing:Thing", "acme-use1-thing", {"a": 1})
    before = added(customer("acme"), thing)
    found = report({"acme": changed(before, "thing", put("a", 2))}, {"acme": before})
    assert found.uncertain == ("aws:strange/thing:Thing",)
    assert "see `pulumi preview`" in render(found, "text")


def test_exit_codes() -> None:
    assert report(fleet()).exit_code == 0
    after = fleet() | {"customer001": changed(customer("customer001"), "quota", cpu("10"))}
    assert report(after).exit_code == 2
    failed, unknown = (Refusal("customer001", "a-rule", "a quota", "no", which) for which in (False, True))
    assert judged(after, refusals=[failed]).exit_code == 3
    assert judged(after, refusals=[unknown]).exit_code == 2
    assert judged(after, isolation=Isolation(False)).exit_code == 3
    assert judged(after, isolation=Isolation(True)).exit_code == 2


def judged(after: dict[str, Stack], **verdicts: Any) -> Report:
    return make_report(("main", fleet(), {}), ("change", after, {}), **verdicts)


def test_a_secret_is_said_to_change_and_never_shown() -> None:
    for form in FORMS:
        text = render(everything(), form)
        assert "(another secret)" in text
        assert "customer013-1" not in text


def test_a_comment_can_be_found_again_and_fits() -> None:
    after = {name: changed(each, "quota", cpu(name)) for name, each in fleet().items() if each.kind == "tenant"}
    for name in list(after):
        after[name] = changed(after[name], "config", put("data", {name: f"{name}\n" * 50}))
    text = render(report(after), "markdown")
    assert text.startswith(MARK)
    assert len(text) < 65_536
    assert text.count("```") % 2 == 0
    assert "cut here" in text


def test_nothing_a_value_holds_ends_the_block_it_is_shown_in() -> None:
    evil = changed(customer("acme"), "config", put("data", {"worker.conf": "```\n<script>\n```\n@everyone"}))
    text = render(report({"acme": evil}, {"acme": customer("acme")}), "markdown")
    assert text.count("```") == 2


def test_the_json_form_has_each_resource_once() -> None:
    told = json.loads(render(everything(), "json"))
    urns = [urn for each in told["groups"] for variant in each["variants"] for urn in variant["urns"]]
    assert len(urns) == len(set(urns)) == sum(told["counts"].values())
    assert told["exit_code"] == 3


def test_unknown_values_that_change_are_seen() -> None:
    stack = changed(customer("acme"), "policy", put("policy", Unknown("urn:a#b (1234)")))
    (found,) = compare(stack, changed(stack, "policy", put("policy", Unknown("urn:a#b (5678)"))))
    assert found.fields[0].before != found.fields[0].after
