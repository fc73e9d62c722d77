"""The plugin's kinds against the local API: what was asked for is there, what drifts shows, nothing is doubled."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.providers.base import Call, InvalidInputsError, Live, ProviderError
from infra.local.providers.cloudflare.provider import KINDS, CloudflareProvider
from infra.local.providers.properties import UNKNOWN
from tests.infra.local.providers.cloudflare.conftest import LocalCloudflare

NAMESPACE = "cloudflare:index/workersKvNamespace:WorkersKvNamespace"
VALUE = "cloudflare:index/workersKv:WorkersKv"
SCRIPT = "cloudflare:index/workersScript:WorkersScript"
ROUTE = "cloudflare:index/workersRoute:WorkersRoute"
DNS = "cloudflare:index/dnsRecord:DnsRecord"
RULESET = "cloudflare:index/ruleset:Ruleset"
SETTING = "cloudflare:index/zoneSetting:ZoneSetting"
POLICY = "cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy"
APPLICATION = "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication"
TUNNEL = "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared"
CONFIG = "cloudflare:index/zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig"
MONITOR = "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor"
POOL = "cloudflare:index/loadBalancerPool:LoadBalancerPool"
BALANCER = "cloudflare:index/loadBalancer:LoadBalancer"
LOGPUSH = "cloudflare:index/logpushJob:LogpushJob"
CA = "cloudflare:index/mtlsCertificate:MtlsCertificate"
ASSOCIATIONS = "cloudflare:index/certificateAuthoritiesHostnameAssociations:CertificateAuthoritiesHostnameAssociations"
VERSION = "cloudflare:index/workerVersion:WorkerVersion"
DEPLOYMENT = "cloudflare:index/workersDeployment:WorkersDeployment"
EDGE_KINDS = {SETTING, POLICY, APPLICATION, TUNNEL, CONFIG, MONITOR, POOL, BALANCER, LOGPUSH, CA, ASSOCIATIONS}
ROLLOUT_KINDS = {VERSION, DEPLOYMENT}
SECRET = "a-secret-text-0123456789"


class Account:
    """One test's account: makes, reads and changes through the plugin's kinds."""

    def __init__(self, provider: CloudflareProvider, name: str, local: LocalCloudflare) -> None:
        self.provider, self.name, self.local = provider, name, local
        self.made: list[tuple[str, Live, dict[str, Any]]] = []

    def make(self, kind: str, inputs: dict[str, Any], **fields: Any) -> Live:
        live = self.provider.kind(kind).create(call(kind, **fields), self.checked(kind, inputs))
        self.made.append((kind, live, inputs))
        return live

    def checked(self, kind: str, inputs: dict[str, Any]) -> dict[str, Any]:
        return self.provider.kind(kind).check(call(kind), inputs, {})

    def declared(self, kind: str, live: Live, inputs: dict[str, Any]) -> dict[str, Any] | None:
        """What a refresh reports as inputs; None when the thing is gone."""
        found = self.provider.kind(kind).read(call(kind, id=live.id), live.state, inputs)
        return found.inputs if found else None

    def update(self, kind: str, live: Live, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        return self.provider.kind(kind).update(call(kind, id=live.id), live.state, old, new)

    def delete(self, kind: str, live: Live, inputs: dict[str, Any]) -> None:
        self.provider.kind(kind).delete(call(kind, id=live.id), live.state, inputs)

    def script(self, content: str = "export default {}", **more: Any) -> dict[str, Any]:
        return {
            "accountId": self.name,
            "scriptName": self.name,
            "mainModule": "index.js",
            "content": content,
            "compatibilityDate": "2026-07-01",
            **more,
        }


def call(kind: str, name: str = "one", **fields: Any) -> Call:
    return Call(urn=f"urn:pulumi:test::moltghost::{kind}::{name}", type=kind, name=name, **fields)


@pytest.fixture
def account(local: LocalCloudflare, request: pytest.FixtureRequest) -> Iterator[Account]:
    provider = CloudflareProvider()
    provider.configure({"baseUrl": local.api, "apiToken": "test"})
    name = request.node.name.replace("[", "-").partition("-")[0].removeprefix("test_")[:60]
    one = Account(provider, name, local)
    yield one
    for kind, live, inputs in reversed(one.made):
        one.delete(kind, live, inputs)
    provider.api().close()


def test_a_namespace_is_made_renamed_and_deleted(account: Account) -> None:
    inputs = {"accountId": account.name, "title": "keys"}
    live = account.make(NAMESPACE, inputs)
    assert live.state == {**inputs, "supportsUrlEncoding": True}
    assert account.declared(NAMESPACE, live, inputs) == inputs
    renamed = {**inputs, "title": "other"}
    assert account.update(NAMESPACE, live, inputs, renamed)["title"] == "other"
    assert account.declared(NAMESPACE, live, inputs) == renamed, "a change by another hand must show"
    account.delete(NAMESPACE, live, renamed)
    assert account.declared(NAMESPACE, live, renamed) is None
    account.delete(NAMESPACE, live, renamed)


def test_what_a_killed_engine_made_is_adopted_and_what_is_recorded_is_not(account: Account) -> None:
    inputs = {"accountId": account.name, "title": "keys"}
    first = account.make(NAMESPACE, inputs)
    changed = {**inputs, "title": "changed meanwhile"}
    again = account.make(NAMESPACE, changed)
    assert again.id == first.id
    assert account.declared(NAMESPACE, again, changed) == changed
    replacement = account.make(NAMESPACE, inputs, known_ids=frozenset({first.id}))
    other = account.make(NAMESPACE, {**inputs, "title": "third"}, name="two")
    assert len({first.id, replacement.id, other.id}) == 3


def test_what_another_made_is_not_adopted(account: Account) -> None:
    inputs = {"accountId": account.name, "title": "keys"}
    account.make(NAMESPACE, inputs)
    with pytest.raises(ProviderError, match="there is a KV namespace 'keys' in this account already"):
        account.provider.kind(NAMESPACE).create(call(NAMESPACE, "two"), inputs)


def test_a_value_is_written_changed_and_deleted(account: Account) -> None:
    namespace = account.make(NAMESPACE, {"accountId": account.name, "title": "keys"})
    inputs = {"accountId": account.name, "namespaceId": namespace.id, "keyName": "acme/helper", "value": '{"a": "é"}'}
    live = account.make(VALUE, inputs)
    assert live.id == "acme/helper"
    assert account.declared(VALUE, live, inputs) == inputs
    changed = {**inputs, "value": ""}
    account.update(VALUE, live, inputs, changed)
    assert account.declared(VALUE, live, inputs) == changed
    account.delete(VALUE, live, inputs)
    assert account.declared(VALUE, live, inputs) is None
    account.delete(VALUE, live, inputs)


def test_a_script_is_uploaded_with_its_bindings_and_its_drift_shows(account: Account) -> None:
    namespace = account.make(NAMESPACE, {"accountId": account.name, "title": "keys"})
    bindings = [
        {"name": "KEYS", "type": "kv_namespace", "namespaceId": namespace.id},
        {"name": "PEPPER", "type": "secret_text", "text": SECRET},
    ]
    inputs = account.script(
        bindings=bindings, compatibilityFlags=["enable_request_signal"], observability={"enabled": True}
    )
    live = account.make(SCRIPT, inputs)
    assert live.state["hasModules"] is True
    assert account.declared(SCRIPT, live, inputs) == inputs
    other = {**inputs, "content": "export default { }", "bindings": bindings[:1], "compatibilityFlags": []}
    account.update(SCRIPT, live, inputs, other)
    assert account.declared(SCRIPT, live, inputs) == other, "changes by another hand must show"
    account.delete(SCRIPT, live, inputs)
    assert account.declared(SCRIPT, live, inputs) is None
    account.delete(SCRIPT, live, inputs)


OBJECT = """import { DurableObject } from "cloudflare:workers";
export class Counter extends DurableObject {}
export default {};"""


def test_a_migration_is_sent_as_declared_and_refused_where_it_was_made(account: Account) -> None:
    migrations = {"newTag": "v1", "newSqliteClasses": ["Counter"]}
    binding = {"name": "COUNTER", "type": "durable_object_namespace", "className": "Counter"}
    inputs = account.script(OBJECT, bindings=[binding], migrations=migrations)
    live = account.make(SCRIPT, inputs)
    assert live.state["migrationTag"] == "v1"
    assert account.declared(SCRIPT, live, inputs) == inputs
    changed = {**inputs, "content": f"{OBJECT}// again"}
    with pytest.raises(ProviderError, match="expected tag is 'v1'"):
        account.update(SCRIPT, live, inputs, changed)
    bare = {name: value for name, value in changed.items() if name != "migrations"}
    assert account.update(SCRIPT, live, inputs, bare)["migrationTag"] == "v1"
    assert account.declared(SCRIPT, live, bare) == bare


def test_an_upload_that_keeps_bindings_loses_none_but_those_it_gives_anew(account: Account) -> None:
    secret = {"name": "PEPPER", "type": "secret_text", "text": SECRET}
    word = {"name": "WORD", "type": "plain_text", "text": "one"}
    inputs = account.script(bindings=[secret, word])
    live = account.make(SCRIPT, inputs)
    keeping = {**inputs, "bindings": [{**word, "text": "two"}], "keepBindings": ["secret_text"]}
    account.update(SCRIPT, live, inputs, keeping)
    assert account.declared(SCRIPT, live, inputs) == {**inputs, "bindings": [{**word, "text": "two"}, secret]}
    account.update(SCRIPT, live, inputs, {**inputs, "bindings": [word]})
    assert account.declared(SCRIPT, live, inputs) == {**inputs, "bindings": [word]}
    with pytest.raises(ProviderError, match="keep_bindings"):
        account.update(SCRIPT, live, inputs, {**inputs, "keepBindings": ["secret"]})


def test_a_script_that_does_not_start_is_an_error_that_says_why(account: Account) -> None:
    with pytest.raises(ProviderError, match="SyntaxError"):
        account.make(SCRIPT, account.script("export default {"))
    assert account.local.result(f"/accounts/{account.name}/workers/scripts") == []


def test_a_route_and_a_dns_record_are_made_changed_and_deleted(account: Account) -> None:
    account.make(SCRIPT, account.script())
    zone = {"zoneId": account.name}
    record = {**zone, "name": "api.one.test", "type": "AAAA", "content": "100::", "proxied": True, "ttl": 1}
    cases: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        (ROUTE, {**zone, "pattern": "api.one.test/*", "script": account.name}, {"pattern": "api.one.test/v1/*"}),
        (DNS, {**record, "comment": "one"}, {"comment": "two"}),
    ]
    for kind, inputs, change in cases:
        live = account.make(kind, inputs)
        assert account.declared(kind, live, inputs) == inputs
        assert account.make(kind, inputs).id == live.id
        account.update(kind, live, inputs, {**inputs, **change})
        assert account.declared(kind, live, inputs) == {**inputs, **change}
        account.delete(kind, live, inputs)
        assert account.declared(kind, live, inputs) is None


def ruleset(account: Account, **more: Any) -> dict[str, Any]:
    rule = {"action": "block", "expression": '(http.request.uri.path eq "/tools/invoke")', "description": "no tools"}
    second = {"action": "log", "expression": "true", "enabled": False, "ref": "all"}
    inputs = {"zoneId": account.name, "name": "custom rules", "kind": "zone", "phase": "http_request_firewall_custom"}
    return {**inputs, "rules": [rule, second], **more}


def test_a_ruleset_is_as_declared_and_what_another_hand_changed_shows(account: Account) -> None:
    inputs = ruleset(account)
    live = account.make(RULESET, inputs)
    assert account.declared(RULESET, live, inputs) == inputs
    assert account.make(RULESET, inputs).id == live.id
    reordered = {**inputs, "rules": inputs["rules"][::-1]}
    account.update(RULESET, live, inputs, reordered)
    drifted = account.declared(RULESET, live, inputs)
    assert drifted is not None
    assert drifted != inputs
    diff = account.provider.kind(RULESET).diff(call(RULESET), drifted, {}, inputs)
    assert diff.changes
    assert not diff.replaces
    moved = ruleset(account, phase="http_ratelimit")
    assert account.provider.kind(RULESET).diff(call(RULESET), inputs, {}, moved).replaces
    account.delete(RULESET, live, inputs)
    assert account.declared(RULESET, live, inputs) is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "root"}, "kind: 'root'"),
        ({"phase": "http_request_cache_settings"}, "phase: 'http_request_cache_settings'"),
        ({"rules": [{"action": "obey", "expression": "true"}]}, r"rules\[0\].action: 'obey'"),
        ({"rules": [{"action": "block", "expression": ""}]}, r"rules\[0\].expression: must be given"),
        ({"rules": [{"action": "block", "expression": "true", "colour": "red"}]}, r"rules\[0\].colour: not supported"),
    ],
)
def test_a_ruleset_that_cannot_be_honoured_is_refused(account: Account, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ProviderError, match=message):
        account.make(RULESET, ruleset(account, **wrong))


def test_a_zone_has_one_ruleset_a_phase(account: Account) -> None:
    account.make(RULESET, ruleset(account))
    with pytest.raises(ProviderError, match="there is one in this zone already"):
        account.make(RULESET, ruleset(account), name="another")


def test_imports_read_all_there_is(account: Account) -> None:
    inputs = {"accountId": account.name, "title": "keys"}
    live = account.make(NAMESPACE, inputs)
    found = account.provider.kind(NAMESPACE).read(call(NAMESPACE, id=f"{account.name}/{live.id}"), {}, {})
    assert found is not None
    assert (found.id, found.inputs) == (live.id, inputs)
    script = account.script(bindings=[{"name": "A", "type": "plain_text", "text": "x"}])
    account.make(SCRIPT, script)
    found = account.provider.kind(SCRIPT).read(call(SCRIPT, id=f"{account.name}/{account.name}"), {}, {})
    assert found is not None
    assert found.inputs == {**script, "compatibilityFlags": [], "observability": {"enabled": False}, "logpush": False}
    with pytest.raises(InvalidInputsError, match="<accountId>/<id>"):
        account.provider.kind(NAMESPACE).read(call(NAMESPACE, id="no-slash"), {}, {})


@pytest.mark.parametrize(
    ("kind", "inputs", "message"),
    [
        (NAMESPACE, {"accountId": "a"}, "title: must be given"),
        (NAMESPACE, {"accountId": "a", "title": "t", "jurisdiction": "eu"}, "jurisdiction: is not supported"),
        (
            VALUE,
            {"accountId": "a", "namespaceId": "n", "keyName": "k", "value": "v", "expirationTtl": 60},
            "expirationTtl",
        ),
        (ROUTE, {"zoneId": "z"}, "pattern: must be given"),
        (
            DNS,
            {"zoneId": "z", "name": "n", "type": "A", "content": "127.0.0.1", "ttl": 1, "data": {}},
            "data: is not supp",
        ),
        (SCRIPT, {"accountId": "a", "scriptName": "s"}, "content: must be given"),
    ],
)
def test_inputs_that_cannot_be_honoured_are_named(kind: str, inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputsError, match=message):
        CloudflareProvider().kind(kind).check(call(kind), inputs, {})


def test_an_unsupported_binding_is_named_before_anything_is_made(account: Account) -> None:
    bindings = [{"name": "B", "type": "r2_bucket", "bucketName": "x"}]
    with pytest.raises(InvalidInputsError, match=r"bindings\[0\].type: 'r2_bucket'"):
        account.checked(SCRIPT, account.script(bindings=bindings))


def test_values_known_only_later_pass_the_check(account: Account) -> None:
    inputs = account.script(bindings=[{"name": "KEYS", "type": "kv_namespace", "namespaceId": UNKNOWN}])
    assert account.checked(SCRIPT, inputs) == inputs
    assert account.checked(SCRIPT, account.script(bindings=UNKNOWN))["bindings"] is UNKNOWN


def test_an_unknown_type_is_an_error_that_names_it_and_those_known() -> None:
    with pytest.raises(ProviderError, match="cloudflare:index/zone:Zone: the local cloudflare provider has no"):
        CloudflareProvider().kind("cloudflare:index/zone:Zone")
    assert {NAMESPACE, VALUE, SCRIPT, ROUTE, DNS, RULESET, *EDGE_KINDS, *ROLLOUT_KINDS} == set(KINDS)


@pytest.mark.parametrize("url", ["https://api.example.test/client/v4", "http://192.0.2.1/client/v4", "nonsense", ""])
def test_nothing_but_loopback_is_spoken_to(url: str) -> None:
    with pytest.raises(InvalidInputsError, match="baseUrl: must be an http URL on loopback"):
        CloudflareProvider().configure({"baseUrl": url, "apiToken": "t"})
    with pytest.raises(InvalidInputsError, match="apiToken: must be given"):
        CloudflareProvider().check_config({"baseUrl": "http://127.0.0.1:1/client/v4"})


def test_an_api_that_does_not_run_is_an_error_with_its_remedy() -> None:
    provider = CloudflareProvider()
    provider.configure({"baseUrl": "http://127.0.0.1:1/client/v4", "apiToken": "t"})
    with pytest.raises(ProviderError, match="make up"):
        provider.kind(NAMESPACE).create(call(NAMESPACE), {"accountId": "a", "title": "t"})
    provider.api().close()
