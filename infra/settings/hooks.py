"""A tenant's webhooks."""

import re
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from infra.loopback import is_loopback, is_loopback_http
from infra.settings.fields import LABEL_REMEDY, Name, Section, Setting, Url, wrong

_RECEIVER = "Give the https URL of a server on the Internet; http on this machine alone; leave it out to answer at once"
# The WHATWG's URL parser, so the Worker's, takes a host for an IPv4 address by its last label alone.
_NUMERIC = re.compile(r"([0-9]+|0x[0-9a-f]*)$")


def _receiver_url(text: str) -> str:
    """A URL that answers may be sent to: not readable on the way, and nothing of a private network's."""
    parts = urlsplit(text)
    if parts.scheme != "https" and not is_loopback_http(text):
        raise wrong("could be read by anybody on the way")
    host = (parts.hostname or "").rstrip(".")
    if is_loopback(host):
        return text
    try:
        public = ip_address(host).is_global
    except ValueError:
        public = _NUMERIC.fullmatch(host.rpartition(".")[2]) is None
    if not public:
        raise wrong("is an address of no server on the Internet")
    return text


class Hook(Section):
    """A webhook: what is delivered to `/v1/hooks/<id>`, signed, is a chat of an agent's."""

    id: Annotated[Name, Setting("example-crm", LABEL_REMEDY)]
    agent: Annotated[Name, Setting("example-agent", "Name one of the tenant's agents")]
    versions: Annotated[
        list[Annotated[int, Field(ge=1)]],
        Field(min_length=1, max_length=2),
        Setting([1], "List its secret's live versions, two while it is rotated; `moltghost hook-secret` tells each"),
    ] = Field(default_factory=lambda: [1])
    deliver_to: Annotated[
        Annotated[Url, Field(pattern=r"^[\x21-\x7e]+$", max_length=2048), AfterValidator(_receiver_url)] | None,
        Setting("https://crm.example.com/answers", _RECEIVER),
    ] = None
