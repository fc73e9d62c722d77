"""Access applications with their policies, and Logpush jobs: kept, not enforced and not run."""

import hashlib
import re
from functools import partial
from typing import Any

from aiohttp import web

from infra.local.cloudflare.errors import invalid
from infra.local.cloudflare.records import Records
from infra.local.cloudflare.requests import CLOUD, body, now
from infra.local.cloudflare.store import Record, collection

DURATION = re.compile(r"(\d+(ns|us|µs|ms|s|m|h))+")
DECISIONS = ("allow", "deny", "non_identity", "bypass")
DATASETS = {"zones": ("http_requests", "firewall_events"), "accounts": ("workers_trace_events",)}
"""Whose job a dataset is: https://developers.cloudflare.com/logs/logpush/logpush-job/datasets/"""


def routes() -> list[web.RouteDef]:
    """The handlers and their paths."""
    policies = Records("access/policies", "access-policies", ("name",), read_policy, "accounts")
    applications = Records("access/apps", "access-applications", ("domain",), read_application, "accounts")
    hidden = ("ownership_challenge",)
    jobs = Records("logpush/jobs", "logpush", ("name",), partial(read_job, DATASETS["zones"]), hidden=hidden)
    of_account = partial(read_job, DATASETS["accounts"])
    accounts_jobs = Records("logpush/jobs", "account-logpush", ("name",), of_account, "accounts", hidden=hidden)
    return [*policies.routes(), *applications.routes(), *jobs.routes(), *accounts_jobs.routes()]


async def read_policy(request: web.Request) -> Record:
    """The policy a request describes. Raises `ApiError`."""
    optional = {"exclude": [], "require": [], "session_duration": "24h"}
    fields = await body(request, {"name": str, "decision": str, "include": list}, optional)
    if fields["decision"] not in DECISIONS:
        raise invalid(f"decision: {fields['decision']!r} is none of {', '.join(DECISIONS)}", 12130)
    if not fields["include"]:
        raise invalid("include: must name somebody", 12130)
    _require_duration(fields)
    return {**fields, "updated_at": now()}


async def read_application(request: web.Request) -> Record:
    """The application a request describes; `aud` is what its tokens are for. Raises `ApiError`."""
    optional: dict[str, Any] = {
        "app_launcher_visible": True, "destinations": [], "enable_binding_cookie": False,
        "http_only_cookie_attribute": True, "policies": [], "same_site_cookie_attribute": "", "session_duration": "24h",
    }  # fmt: skip
    fields = await body(request, {"name": str, "domain": str, "type": str}, optional)
    if fields["type"] != "self_hosted":
        raise invalid(f"type: {fields['type']!r} is not supported by the local API, only 'self_hosted'", 12130)
    account = request.match_info["owner"]
    known = collection(request.app[CLOUD].declared, "access-policies", account)
    for policy in fields["policies"]:
        if policy.get("id") not in known:
            raise invalid(f"policies: there is no policy {policy.get('id')}", 12130)
    _require_duration(fields)
    audience = hashlib.sha256(f"{account}/{fields['domain']}".encode()).hexdigest()
    return {**fields, "aud": audience, "updated_at": now()}


def _require_duration(fields: Record) -> None:
    if not DURATION.fullmatch(fields["session_duration"]):
        raise invalid(f"session_duration: {fields['session_duration']!r} is no duration such as 2h45m", 12130)


async def read_job(datasets: tuple[str, ...], request: web.Request) -> Record:
    """The job a request describes. Raises `ApiError`."""
    needed = {"name": str, "dataset": str, "destination_conf": str, "ownership_challenge": str, "output_options": dict}
    fields = await body(request, needed, {"enabled": False, "filter": ""})
    if fields["dataset"] not in datasets:
        raise invalid(f"dataset: {fields['dataset']!r} is not supported here, only {', '.join(datasets)}", 1002)
    if not fields["output_options"].get("field_names"):
        raise invalid("output_options.field_names: must name fields", 1002)
    return fields
