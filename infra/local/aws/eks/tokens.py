"""Whose a cluster's token is: a request to STS, signed for that cluster, by a key that is known here.

https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster
"""

import base64
import binascii
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.eks_token import CLUSTER_HEADER, PREFIX

GOOD_FOR = timedelta(minutes=15)
"""How long after it was signed a token is good."""
LONGEST_S = 900
"""The longest a signature may say it is good for."""
SIGNED = f"host;{CLUSTER_HEADER}"
QUERY = frozenset(
    {
        "Action",
        "Version",
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-Security-Token",
        "X-Amz-Signature",
        "X-Amz-SignedHeaders",
    }
)
"""All that the request may say."""
_STAMP = "%Y%m%dT%H%M%SZ"


class TokenError(Exception):
    """A token that is nobody's; the text says what is wrong with it, and holds nothing of it."""


@dataclass(frozen=True)
class Key:
    """What is known of an access key: its secret, whose it is, and until when."""

    secret: str
    arn: str
    session_token: str | None = None
    expires: datetime | None = None


def caller(token: str, cluster: str, sts: str, keys: Callable[[str], Key | None], now: datetime) -> str:
    """The ARN of who made the token for the cluster. Raises TokenError.

    `sts` is host and port of the STS whose requests count, `keys` what is known of an access key's id.
    """
    url = _decoded(token)
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = dict(pairs)
    if (parts.scheme, parts.netloc, parts.path) not in {("http", sts, "/"), ("https", sts, "/")}:
        raise TokenError("it is for another STS")
    if len(query) != len(pairs) or not set(query) <= QUERY:
        raise TokenError("its request says more than it may")
    if query.get("Action") != "GetCallerIdentity" or query.get("X-Amz-SignedHeaders") != SIGNED:
        raise TokenError("it is not a question about its caller, signed for a cluster")
    signed = _signed_at(query, now)
    access, _, scope = query.get("X-Amz-Credential", "").partition("/")
    key = keys(access)
    if key is None:
        raise TokenError("its access key is not known")
    if key.expires is not None and key.expires <= now:
        raise TokenError("its access key has run out")
    if query.get("X-Amz-Security-Token") != key.session_token:
        raise TokenError("its session is not that of its access key")
    if not hmac.compare_digest(_signature(url, cluster, key, scope, signed), query.get("X-Amz-Signature", "")):
        raise TokenError("its signature is wrong, or was made for another cluster")
    return key.arn


def _decoded(token: str) -> str:
    if not token.startswith(PREFIX):
        raise TokenError(f"it doesn't begin with {PREFIX}")
    text = token.removeprefix(PREFIX)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        raise TokenError("it is not base64 of a URL") from None


def _signed_at(query: dict[str, str], now: datetime) -> str:
    try:
        signed = datetime.strptime(query["X-Amz-Date"], _STAMP).replace(tzinfo=UTC)
        seconds = int(query["X-Amz-Expires"])
    except (KeyError, ValueError):
        raise TokenError("it doesn't say when it was signed, or for how long") from None
    if not 0 <= seconds <= LONGEST_S:
        raise TokenError("it would be good for too long")
    if not signed - GOOD_FOR <= now < signed + GOOD_FOR:
        raise TokenError("it has run out")
    return query["X-Amz-Date"]


def _signature(url: str, cluster: str, key: Key, scope: str, signed: str) -> str:
    """What the signature must be, by the SDK's own rules."""
    day, region, service, end = (scope.split("/") + [""] * 4)[:4]
    if (day, service, end) != (signed[:8], "sts", "aws4_request"):
        raise TokenError("it was signed for another service")
    path, _, query = url.partition("?")
    unsigned = "&".join(one for one in query.split("&") if not one.startswith("X-Amz-Signature="))
    request = AWSRequest("GET", f"{path}?{unsigned}", headers={CLUSTER_HEADER: cluster})
    request.context["timestamp"] = signed
    auth = SigV4Auth(Credentials("", key.secret), "sts", region)
    return str(auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request))
