"""The dev stack as the engine is told of it: every child, held by its component, with the inputs it should have."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pulumi
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runtime.contract import edge, hooks, rates
from runtime.receipts import public_jwk
from tests.program.conftest import SECRETS
from tests.program.expected import BUCKET, CHILDREN, INPUTS, SNAPSHOTS
from tests.program.recording import Recording, Registered, Secret, record
from tests.stack_files import API_SERVER_PORT, PEPPER, SIGNING_KEY, dev_config, engine_config, machine


def test_every_resource_was_awaited(recording: Recording) -> None:
    assert recording.awaited == {each.urn for each in recording.resources}
    assert len(recording.resources) > 70


def test_every_component_holds_its_children_and_nothing_is_left_over(recording: Recording) -> None:
    held = 0
    for (type_, name), expected in CHILDREN.items():
        children = list(recording.children(recording.one(type_, name)))
        assert Counter(child.type for child in children) == expected, name
        held += len(children)
    providers = [each for each in recording.resources if each.type.startswith("pulumi:providers:")]
    assert len(recording.resources) == held + len(CHILDREN) + len(providers)


@pytest.mark.parametrize(("type_", "name"), INPUTS)
def test_the_inputs_of_a_child(type_: str, name: str, recording: Recording) -> None:
    assert recording.one(type_, name).inputs == INPUTS[type_, name]


@pytest.mark.parametrize("name", ["platform", "acme", "globex"])
def test_a_key_rotates_and_has_a_policy_that_is_not_everybodys(name: str, recording: Recording) -> None:
    key = recording.one("aws:kms/key:Key", f"{name}-local-snapshots").inputs
    assert key["enableKeyRotation"] is True
    assert key["deletionWindowInDays"] >= 7
    statements = json.loads(key["policy"])["Statement"]
    assert all(each["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"} for each in statements)


def test_the_bucket_policy_names_the_keys_the_tenants_really_have(recording: Recording) -> None:
    policy = recording.one("aws:s3/bucketPolicy:BucketPolicy", SNAPSHOTS).inputs
    statements = {each["Sid"]: each for each in json.loads(policy["policy"])["Statement"]}
    for tenant in ("acme", "globex"):
        (arn,) = statements[f"OwnKeyOnly{tenant.capitalize()}"]["Condition"]["StringNotEquals"].values()
        assert arn == f"arn:aws:kms:ap-southeast-1:123456789012:key/{tenant}-local-snapshots"
    assert BUCKET in statements["TlsOnly"]["Resource"][0]


def test_the_worker_has_its_runtime_and_its_bindings_and_its_secrets_are_secret(recording: Recording) -> None:
    script = recording.one("cloudflare:index/workersScript:WorkersScript", "platform-local-worker").inputs
    assert script["content"].startswith("export default")
    assert script["compatibilityDate"] == edge.COMPATIBILITY_DATE
    assert script["compatibilityFlags"] == list(edge.COMPATIBILITY_FLAGS)
    bindings = {each["name"]: each for each in script["bindings"]}
    assert bindings[edge.BINDING_KEYS]["namespaceId"] == "platform-local-keys-id"
    assert bindings[edge.BINDING_ROUTES]["namespaceId"] == "platform-local-routes-id"
    assert bindings[edge.BINDING_TENANTS]["namespaceId"] == "platform-local-tenants-id"
    assert bindings[rates.BINDING_LIMITER]["className"] == rates.LIMITER_CLASS
    assert bindings[hooks.BINDING_LEDGER]["className"] == hooks.LEDGER_CLASS
    assert bindings[hooks.BINDING_OUTBOX]["className"] == hooks.OUTBOX_CLASS
    assert "migrations" not in script, "Cloudflare refuses an upload that brings one it has made"
    walls = [bindings[name]["simple"] for name, _ in rates.WALLS]
    assert walls == [{"limit": limit, "period": rates.WALL_PERIOD_S} for _, limit in rates.WALLS]
    assert len({bindings[name]["namespaceId"] for name, _ in rates.WALLS}) == len(rates.WALLS)
    assert bindings[edge.SECRET_PEPPER]["text"] == Secret(PEPPER)
    assert bindings[edge.SECRET_SIGNING_KEY]["text"] == Secret(SIGNING_KEY)


def test_each_migration_is_an_upload_of_its_own_that_is_made_once_before_the_script(recording: Recording) -> None:
    step = recording.one("cloudflare:index/workersScript:WorkersScript", "platform-local-worker-objects-1")
    assert step.inputs["migrations"] == {
        "newTag": "objects-1",
        "newSqliteClasses": [rates.LIMITER_CLASS, hooks.LEDGER_CLASS, hooks.OUTBOX_CLASS],
    }
    assert step.inputs["scriptName"] == "platform-local-edge"
    assert set(step.ignore_changes) == set(step.inputs) - {"accountId", "scriptName"} | {"bindings"}
    script = recording.one("cloudflare:index/workersScript:WorkersScript", "platform-local-worker")
    assert step.urn in script.depends_on


def test_no_secret_reaches_the_engine_unmarked(recording: Recording) -> None:
    def unmarked(value: object) -> str:
        if isinstance(value, Secret):
            return ""
        if isinstance(value, dict):
            return " ".join(unmarked(each) for each in value.values())
        return " ".join(map(unmarked, value)) if isinstance(value, list) else str(value)

    everything = " ".join(unmarked(each.inputs) for each in recording.resources) + unmarked(recording.exports)
    assert "local" in everything
    assert PEPPER not in everything
    assert '"d":"private"' not in everything


def test_every_child_goes_through_a_provider_of_the_programs_own(recording: Recording) -> None:
    made = {each.urn: each for each in recording.resources if each.type.startswith("pulumi:providers:")}
    assert len(made) == 3
    for each in recording.resources:
        if each.custom and each.urn not in made:
            package = each.type.partition(":")[0]
            assert made[each.provider.rpartition("::")[0]].type == f"pulumi:providers:{package}", each.urn


def test_the_providers_speak_to_this_machine(recording: Recording) -> None:
    (aws,) = recording.of("pulumi:providers:aws")
    (cloudflare,) = recording.of("pulumi:providers:cloudflare")
    (kubernetes,) = recording.of("pulumi:providers:kubernetes")
    assert set(json.loads(aws.inputs["endpoints"])[0].values()) == {"http://127.0.0.1:20010"}
    assert json.loads(aws.inputs["allowedAccountIds"]) == ["123456789012"]
    assert cloudflare.inputs["baseUrl"] == "http://127.0.0.1:20011/client/v4"
    assert isinstance(cloudflare.inputs["apiToken"], Secret)
    assert f"https://127.0.0.1:{API_SERVER_PORT}" in kubernetes.inputs["kubeconfig"]


def test_no_agent_starts_before_what_holds_it(recording: Recording) -> None:
    names = {each.urn: each for each in recording.resources}
    for tenant, agent in (("acme", "helper"), ("globex", "analyst")):
        sandbox = recording.one("kubernetes:agents.x-k8s.io/v1beta1:Sandbox", f"{tenant}-local-{agent}")
        waits_for = {
            (names[urn].type.rpartition(":")[2], names[urn].name) for urn in sandbox.depends_on if urn in names
        }
        assert {
            ("CustomResourceDefinition", "platform-local-sandbox-definition"),
            ("Deployment", "platform-local-agent-sandbox-controller"),
            ("NetworkPolicy", f"{tenant}-local-default-deny"),
            ("ResourceQuota", f"{tenant}-local-quota"),
            ("LimitRange", f"{tenant}-local-limits"),
            ("StorageClass", "platform-local-moltghost-agent-data"),
        } <= waits_for
        assert sandbox.create_timeout == "660s"


def test_only_a_suspendable_agent_keeps_the_mode_it_was_put_in(recording: Recording) -> None:
    sandboxes: dict[str, Registered] = {
        each.name: each for each in recording.of("kubernetes:agents.x-k8s.io/v1beta1:Sandbox")
    }
    assert sandboxes["acme-local-helper"].ignore_changes == ()
    assert sandboxes["globex-local-analyst"].ignore_changes == ("spec.operatingMode",)


def test_what_the_stack_tells_its_readers(recording: Recording) -> None:
    key = public_jwk(Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key())
    assert recording.exports == {
        "region": "local",
        "gateway_namespace": "moltghost-system",
        "bucket": BUCKET,
        "edge": {"hostname": "api.moltghost.test", "script": "platform-local-edge"},
        "tenants": [
            {
                "id": "acme",
                "namespace": "acme-local-agents",
                "agents": [{"name": "helper", "sandbox": "helper", "receipt_key": key}],
            },
            {
                "id": "globex",
                "namespace": "globex-local-agents",
                "agents": [{"name": "analyst", "sandbox": "analyst", "receipt_key": key}],
            },
        ],
    }


def test_a_locked_bucket_is_made_with_its_lock(tmp_path: Path) -> None:
    config = {**dev_config(), "moltghost:machine": machine(tmp_path)}
    config["moltghost:region"]["backup"] = {"lock_days": 7}
    recording = record(engine_config(config), SECRETS)
    assert recording.one("aws:s3/bucket:Bucket", SNAPSHOTS).inputs["objectLockEnabled"] is True
    lock = recording.one("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", SNAPSHOTS).inputs
    assert lock["rule"] == {"defaultRetention": {"mode": "COMPLIANCE", "days": 7}}


def test_an_egress_list_becomes_a_policy_of_the_agents_own(tmp_path: Path) -> None:
    config = {**dev_config(), "moltghost:machine": machine(tmp_path)}
    config["moltghost:tenants"][0]["agents"][0]["egress"] = [{"cidr": "1.1.1.0/24", "ports": [443]}]
    recording = record(engine_config(config), SECRETS)
    policy = recording.one("kubernetes:networking.k8s.io/v1:NetworkPolicy", "acme-local-helper-egress").inputs
    assert policy["spec"]["egress"] == [
        {"to": [{"ipBlock": {"cidr": "1.1.1.0/24"}}], "ports": [{"protocol": "TCP", "port": 443}]}
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"moltghost:kind": "prod"}, "moltghost:kind"),
        ({"moltghost:machine": None}, "make up"),
    ],
)
def test_a_bad_config_ends_the_program_before_anything_is_registered(change: dict[str, Any], says: str) -> None:
    config = {key: value for key, value in {**dev_config(), **change}.items() if value is not None}
    with pytest.raises(pulumi.RunError, match=says):
        record(engine_config(config), SECRETS)


def test_a_missing_secret_is_a_problem_like_any_other(tmp_path: Path) -> None:
    config = {**dev_config(), "moltghost:machine": machine(tmp_path)}
    with pytest.raises(pulumi.RunError, match="pulumi config set --secret moltghost:keyPepper"):
        record(engine_config(config), {"moltghost:edgeSigningKey": SIGNING_KEY})


def test_a_cluster_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    config = {**dev_config(), "moltghost:machine": machine(tmp_path)}
    (tmp_path / "kubeconfig").unlink()
    with pytest.raises(pulumi.RunError, match="make up"):
        record(engine_config(config), SECRETS)
