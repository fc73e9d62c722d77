"""What operators need of the edge: the console's lock, and the edge's log."""

from pydantic import Field

from components.labels import Region
from components.values import Values

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


class ConsoleSpec(Values):
    """The operators' console: who may open it, and for how long one log-in holds."""

    region: Region
    account_id: str
    hostname: str
    email_domains: tuple[str, ...] = Field(min_length=1)
    session_hours: int = Field(ge=1, le=24)


class LogsSpec(Values):
    """Where the edge's request log goes: an S3 bucket's folder, as `s3://bucket/folder?region=…`."""

    region: Region
    zone_id: str
    destination: str = Field(pattern=r"^s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]/[-_./A-Za-z0-9{}]*\?region=[-a-z0-9]+$")
