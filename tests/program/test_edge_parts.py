"""What stands around the Worker, as the engine is told of it: the console, a region's way in, the edge's log."""

import base64
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.labels import Region
from infra.local.providers.base import Call
from infra.local.providers.cloudflare.provider import CloudflareProvider
from runtime.contract import edge
from tests.authorities import FIXED
from tests.components.specs import CLIENT_CERTIFICATES, CONNECTOR, CONSOLE, JKT, LOGS, ORIGIN, ROLLOUT, SIN, STEERING
from tests.program import invariants
from tests.program.conftest import SECRETS
from tests.program.recording import Recording, Secret, record, record_declaring
from tests.program.test_stand_ins import handed_over
from tests.stack_files import dev_config, engine_config, machine

TUNNEL_SECRET = base64.b64encode(b"a tunnel secret of 32 bytes, or so").decode()
CHALLENGE = "a challenge nobody may see"
OWN = "platform-sin-origin"


def declare() -> None:
    with warnings.catch_warnings():
        # The SDK warns of its own deprecated classes while it is loaded, used or not.
        warnings.filterwarnings("ignore", ".* has been deprecated in favor of", DeprecationWarning)
        import pulumi_cloudflare as cloudflare
        import pulumi_kubernetes as kubernetes

        from components.edge.client_certificates import ClientCertificates, ClientCertificatesArgs
        from components.edge.operations import Console, ConsoleArgs, Logs, LogsArgs
        from components.edge.origin import Origin, OriginArgs
        from components.edge.rollout import Rollout, RolloutArgs
        from components.edge.steering import Steering, SteeringArgs
        from components.ingress.component import Ingress, IngressArgs

    edge = cloudflare.Provider("cloudflare", base_url="http://127.0.0.1:1", api_token=pulumi.Output.secret("test"))
    cluster = kubernetes.Provider("kubernetes")
    ClientCertificates("clients", ClientCertificatesArgs(spec=CLIENT_CERTIFICATES, cloudflare=edge))
    Console("console", ConsoleArgs(spec=CONSOLE, cloudflare=edge))
    challenge = pulumi.Output.secret(CHALLENGE)
    Logs("logs", LogsArgs(spec=LOGS, requests_challenge=challenge, worker_challenge=challenge, cloudflare=edge))
    secret = pulumi.Output.secret(TUNNEL_SECRET)
    origin = Origin("origin", OriginArgs(spec=ORIGIN, tunnel_secret=secret, cloudflare=edge))
    pools: dict[Region, pulumi.Input[str]] = {SIN: origin.pool, JKT: "pool-of-jkt"}
    Steering("steering", SteeringArgs(spec=STEERING, pools=pools, cloudflare=edge))
    Rollout("rollout", RolloutArgs(spec=ROLLOUT, script_name="platform-sin-edge", cloudflare=edge))
    Ingress("ingress", IngressArgs(spec=CONNECTOR, token=origin.token, kubernetes=cluster))


@pytest.fixture(scope="module")
def parts() -> Recording:
    return record_declaring(declare)


def inputs(parts: Recording, kind: str, name: str) -> dict[str, Any]:
    return parts.one(f"cloudflare:index/{kind[0].lower()}{kind[1:]}:{kind}", name).inputs


def test_every_input_is_one_the_stand_in_honours(parts: Recording) -> None:
    provider = CloudflareProvider()
    declared = [each for each in parts.resources if each.type.startswith("cloudflare:")]
    assert len(declared) == 16
    for each in declared:
        given = handed_over(each.inputs)
        assert provider.kind(each.type).check(Call(each.urn, each.type, each.name), given, {}) == given


def test_a_new_version_is_uploaded_without_a_request_and_then_given_its_share(parts: Recording) -> None:
    version = inputs(parts, "WorkerVersion", "platform-sin-worker")
    assert version["deploy"] is False
    assert base64.b64decode(version["modules"][0]["contentBase64"]).decode() == ROLLOUT.script
    deployment = inputs(parts, "WorkersDeployment", "platform-sin-worker")
    assert deployment["versions"] == [
        {"versionId": ROLLOUT.stable, "percentage": 90},
        {"versionId": "platform-sin-worker-id", "percentage": 10},
    ]


def test_the_tunnel_leads_to_the_gateways_and_to_nothing_else(parts: Recording) -> None:
    tunnel = inputs(parts, "ZeroTrustTunnelCloudflared", OWN)
    assert tunnel["tunnelSecret"] == Secret(TUNNEL_SECRET)
    config = inputs(parts, "ZeroTrustTunnelCloudflaredConfig", OWN)
    assert config["tunnelId"] == f"{OWN}-id"
    assert [rule["service"] for rule in config["config"]["ingresses"]] == [ORIGIN.service, "http_status:404"]


def test_a_monitor_watches_the_pool_that_leads_into_the_tunnel(parts: Recording) -> None:
    pool = inputs(parts, "LoadBalancerPool", OWN)
    assert pool["monitor"] == f"{OWN}-id"
    assert [origin["address"] for origin in pool["origins"]] == [f"{OWN}-id.cfargotunnel.com"]
    balancer = inputs(parts, "LoadBalancer", OWN)
    assert balancer["name"] == ORIGIN.hostname
    assert balancer["defaultPools"] == [balancer["fallbackPool"]] == [f"{OWN}-id"]
    assert balancer["proxied"] is True


def test_the_connectors_run_with_the_tunnels_token_and_it_is_secret_everywhere(parts: Recording) -> None:
    secret = parts.one("kubernetes:core/v1:Secret", "platform-sin-connector").inputs
    token = secret["data"]["token"]
    assert isinstance(token, Secret)
    told = json.loads(base64.b64decode(base64.b64decode(token.value)))
    assert told == {"a": ORIGIN.account_id, "t": f"{OWN}-id", "s": TUNNEL_SECRET}
    deployment = parts.one("kubernetes:apps/v1:Deployment", "platform-sin-connector")
    waits_for = {urn.rpartition("::")[2] for urn in deployment.depends_on}
    assert {"platform-sin-connector", "platform-sin-ingress-connector-to-gateway"} <= waits_for
    assert TUNNEL_SECRET not in str([each.inputs for each in parts.resources if each.type.startswith("kubernetes:")])


@pytest.mark.parametrize(
    "holds",
    [
        invariants.every_way_in_names_port_and_caller,
        invariants.no_service_faces_outward,
        invariants.every_pod_is_restricted,
        invariants.every_image_has_a_digest,
        invariants.every_container_is_probed_and_bounded,
    ],
)
def test_the_connectors_keep_to_what_holds_for_every_pod(
    holds: Callable[[list[dict[str, Any]]], list[str]], parts: Recording
) -> None:
    assert parts.manifests()
    assert holds(parts.manifests()) == []


def test_only_known_people_open_the_console_and_no_script_reads_their_cookie(parts: Recording) -> None:
    policy = inputs(parts, "ZeroTrustAccessPolicy", "platform-sin-console")
    assert policy["decision"] == "allow"
    assert policy["includes"] == [{"emailDomain": {"domain": one}} for one in CONSOLE.email_domains]
    application = inputs(parts, "ZeroTrustAccessApplication", "platform-sin-console")
    assert application["domain"] == CONSOLE.hostname
    assert application["policies"] == [{"id": "platform-sin-console-id", "precedence": 1}]
    assert application["httpOnlyCookieAttribute"] is True
    assert application["sameSiteCookieAttribute"] == "strict"


def test_the_logs_go_where_they_are_told_to_and_their_challenges_are_secret(parts: Recording) -> None:
    requests, worker = (inputs(parts, "LogpushJob", f"platform-sin-{name}-log") for name in ("edge", "worker"))
    assert (requests["destinationConf"], worker["destinationConf"]) == (Secret(LOGS.requests), Secret(LOGS.worker))
    assert requests["ownershipChallenge"] == worker["ownershipChallenge"] == Secret(CHALLENGE)
    assert "ClientRequestPath" in requests["outputOptions"]["fieldNames"]


def test_the_workers_log_is_the_accounts_and_holds_this_workers_lines_alone(parts: Recording) -> None:
    worker = inputs(parts, "LogpushJob", "platform-sin-worker-log")
    assert "zoneId" not in worker
    assert json.loads(worker["filter"]) == {"where": {"key": "ScriptName", "operator": "eq", "value": LOGS.script_name}}
    fields = worker["outputOptions"]["fieldNames"]
    assert "Logs" in fields
    assert not {"Event", "Exceptions"} & set(fields), "a request's address and headers, and others' texts"


def test_a_name_of_all_regions_leads_to_the_nearest_that_is_up(parts: Recording) -> None:
    balancer = inputs(parts, "LoadBalancer", "platform-sin-steering")
    assert balancer["defaultPools"] == [f"{OWN}-id", "pool-of-jkt"]
    assert balancer["fallbackPool"] == f"{OWN}-id"
    assert balancer["steeringPolicy"] == "proximity"
    pool = inputs(parts, "LoadBalancerPool", OWN)
    assert (pool["latitude"], pool["longitude"]) == (ORIGIN.latitude, ORIGIN.longitude)


ASSOCIATIONS = "CertificateAuthoritiesHostnameAssociations"


def test_the_host_name_asks_for_what_trusted_cas_sign_and_for_no_others(parts: Recording) -> None:
    own, past = "platform-sin-client-ca-acme", "platform-sin-client-ca-acme-2025"
    for name, ca, hostnames in zip(
        (own, past), CLIENT_CERTIFICATES.cas, ([CLIENT_CERTIFICATES.hostname], []), strict=True
    ):
        uploaded = inputs(parts, "MtlsCertificate", name)
        assert (uploaded["ca"], uploaded["name"], uploaded["certificates"]) == (True, name, ca.certificate)
        associated = inputs(parts, ASSOCIATIONS, name)
        assert associated["mtlsCertificateId"] == f"{name}-id"
        assert associated["hostnames"] == hostnames


def test_a_stack_that_lists_a_ca_asks_for_its_certificates_before_the_worker_answers(tmp_path: Path) -> None:
    config = {**dev_config(), "moltghost:machine": machine(tmp_path)}
    config["moltghost:edge"]["client_cas"] = {"acme": {"certificate": f"{FIXED}\n"}}
    recording = record(engine_config(config), SECRETS)
    own = "platform-local-client-ca-acme"
    assert inputs(recording, "MtlsCertificate", own)["certificates"] == FIXED
    assert inputs(recording, ASSOCIATIONS, own)["hostnames"] == [config["moltghost:edge"]["hostname"]]
    route = recording.one("cloudflare:index/workersRoute:WorkersRoute", "platform-local-worker")
    assert own in {urn.rpartition("::")[2] for urn in route.depends_on}
    assert edge.BINDING_CLIENT_CERTIFICATES in bindings(recording)


def test_a_stack_that_lists_no_ca_has_its_worker_look_at_no_certificate(recording: Recording) -> None:
    assert edge.BINDING_CLIENT_CERTIFICATES not in bindings(recording)


def bindings(recording: Recording) -> set[str]:
    """What the Worker of a dev stack is bound to."""
    return {binding["name"] for binding in inputs(recording, "WorkersScript", "platform-local-worker")["bindings"]}


def test_a_stack_with_a_console_locks_it_before_the_worker_answers(tmp_path: Path) -> None:
    config = {**dev_config(), "moltghost:machine": machine(tmp_path)}
    config["moltghost:edge"]["console"] = {"hostname": "console.moltghost.test", "email_domains": ["moltghost.test"]}
    recording = record(engine_config(config), SECRETS)
    assert (
        inputs(recording, "ZeroTrustAccessApplication", "platform-local-console")["domain"] == "console.moltghost.test"
    )
    custom = inputs(recording, "Ruleset", "platform-local-rules-custom")
    assert "console-bots" in [rule["ref"] for rule in custom["rules"]]


def test_no_route_leads_to_the_worker_before_its_firewall_stands(recording: Recording) -> None:
    route = recording.one("cloudflare:index/workersRoute:WorkersRoute", "platform-local-worker")
    waits_for = {urn.rpartition("::")[2] for urn in route.depends_on}
    assert {
        "platform-local-rules-custom",
        "platform-local-rules-rates",
        "platform-local-zone-min-tls-version",
    } <= waits_for
