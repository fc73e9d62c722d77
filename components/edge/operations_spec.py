"""What operators need of the edge: the console's lock, and the edge's log."""

import json
from typing import Annotated

from pydantic import Field

from components.labels import Region
from components.values import Label, Values

LOG_FIELDS = (
    "ClientCountry",
    "ClientIP",
    "ClientRequestBytes",
    "ClientRequestHost",
    "ClientRequestMethod",
    "ClientRequestPath",
    "ClientRequestProtocol",
    "ClientSSLCipher",
    "ClientSSLProtocol",
    "EdgeColoCode",
    "EdgeEndTimestamp",
    "EdgeResponseBytes",
    "EdgeResponseStatus",
    "EdgeStartTimestamp",
    "RayID",
    "SecurityAction",
    "SecurityRuleID",
    "SecurityRuleIDs",
    "SecuritySources",
    "WorkerCPUTime",
    "WorkerStatus",
    "WorkerSubrequestCount",
    "WorkerWallTimeUs",
)
"""Fields of the dataset `http_requests` that hold nothing a client said: no body (none does), no query, no header,
cookie, referrer or user agent. https://developers.cloudflare.com/logs/logpush/logpush-job/datasets/zone/http_requests/
"""


WORKER_LOG_FIELDS = (
    "CPUTimeMs",
    "Entrypoint",
    "EventTimestampMs",
    "EventType",
    "Logs",
    "Outcome",
    "ScriptName",
    "ScriptVersion",
    "WallTimeMs",
)
"""Fields of the dataset `workers_trace_events`. `Logs` are the lines the Worker writes, which hold no prompt and no
answer; left out are `Event`, with the request's address and headers, and `Exceptions`, with texts of others.
https://developers.cloudflare.com/logs/logpush/logpush-job/datasets/account/workers_trace_events/
"""

LogDestination = Annotated[
    str, Field(pattern=r"^s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]/[-_./A-Za-z0-9{}]*\?region=[-a-z0-9]+$")
]


class ConsoleSpec(Values):
    """The operators' console: who may open it, and for how long one log-in holds."""

    region: Region
    account_id: str
    hostname: str
    email_domains: tuple[str, ...] = Field(min_length=1)
    session_hours: int = Field(ge=1, le=24)


class LogsSpec(Values):
    """Where the edge's logs go: two folders of an S3 bucket, each as `s3://bucket/folder?region=…`.

    `requests` gets a line for each request the zone saw, `worker` what the Worker `script_name` wrote, which must be
    declared with `logpush` (`EdgeSpec`).
    """

    region: Region
    account_id: str
    zone_id: str
    script_name: Label
    requests: LogDestination
    worker: LogDestination


def build_worker_filter(spec: LogsSpec) -> str:
    """Lets through what this Worker wrote, and nothing of the account's others."""
    where = {"key": "ScriptName", "operator": "eq", "value": spec.script_name}
    return json.dumps({"where": where}, separators=(",", ":"))
