"""The console's lock and the edge's log, declared."""

from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from components.edge.operations_spec import LOG_FIELDS, WORKER_LOG_FIELDS, ConsoleSpec, LogsSpec, build_worker_filter
from components.naming import PLATFORM, resource_name


@dataclass(frozen=True, kw_only=True)
class ConsoleArgs:
    """What a Console is made from."""

    spec: ConsoleSpec
    cloudflare: pulumi.ProviderResource


class Console(pulumi.ComponentResource):
    """Cloudflare Access before the console; `audience` is what its tokens are for."""

    def __init__(self, name: str, args: ConsoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:edge:Console", name, None, opts)
        spec = args.spec
        options = pulumi.ResourceOptions(parent=self, provider=args.cloudflare)
        own = resource_name(PLATFORM, spec.region, "console")
        session = f"{spec.session_hours}h"
        policy = cloudflare.ZeroTrustAccessPolicy(
            own,
            account_id=spec.account_id,
            name="moltghost operators",
            decision="allow",
            includes=[{"email_domain": {"domain": domain}} for domain in sorted(spec.email_domains)],
            session_duration=session,
            opts=options,
        )
        application = cloudflare.ZeroTrustAccessApplication(
            own,
            account_id=spec.account_id,
            name="moltghost console",
            type="self_hosted",
            domain=spec.hostname,
            destinations=[{"type": "public", "uri": spec.hostname}],
            session_duration=session,
            app_launcher_visible=False,
            enable_binding_cookie=True,
            http_only_cookie_attribute=True,
            same_site_cookie_attribute="strict",
            policies=[{"id": policy.id, "precedence": 1}],
            opts=options,
        )
        self.audience: pulumi.Output[str] = application.aud
        self.register_outputs({"audience": application.aud})


@dataclass(frozen=True, kw_only=True)
class LogsArgs:
    """What Logs are made from. The challenges are the texts Cloudflare put into each folder to see whose it is; Pulumi
    secrets."""

    spec: LogsSpec
    requests_challenge: pulumi.Output[str]
    worker_challenge: pulumi.Output[str]
    cloudflare: pulumi.ProviderResource


class Logs(pulumi.ComponentResource):
    """One line a request, and what the Worker wrote, without a word of what was asked or answered."""

    def __init__(self, name: str, args: LogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:edge:Logs", name, None, opts)
        spec = args.spec
        options = pulumi.ResourceOptions(parent=self, provider=args.cloudflare)
        requests = cloudflare.LogpushJob(
            resource_name(PLATFORM, spec.region, "edge-log"),
            zone_id=spec.zone_id,
            name="moltghost-requests",
            dataset="http_requests",
            destination_conf=spec.requests,
            ownership_challenge=args.requests_challenge,
            enabled=True,
            output_options=_output(LOG_FIELDS),
            opts=options,
        )
        worker = cloudflare.LogpushJob(
            resource_name(PLATFORM, spec.region, "worker-log"),
            account_id=spec.account_id,
            name=f"moltghost-{spec.script_name}",
            dataset="workers_trace_events",
            destination_conf=spec.worker,
            ownership_challenge=args.worker_challenge,
            enabled=True,
            filter=build_worker_filter(spec),
            output_options=_output(WORKER_LOG_FIELDS),
            opts=options,
        )
        self.register_outputs({"requests": requests.id, "worker": worker.id})


def _output(fields: tuple[str, ...]) -> cloudflare.LogpushJobOutputOptionsArgs:
    """Every line, with these fields, as JSON."""
    return cloudflare.LogpushJobOutputOptionsArgs(
        field_names=list(fields), output_type="ndjson", sample_rate=1, timestamp_format="rfc3339"
    )
