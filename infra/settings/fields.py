"""The kinds of values a setting can have, and what its reader is told when it hasn't."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from pathlib import PurePosixPath
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from components.naming import LABEL, MAX_LENGTH
from runtime.contract import edge

_WEB_ORIGIN = re.compile(edge.ORIGIN_PATTERN)


class Section(BaseModel):
    """A mapping in a stack file: frozen, no unknown key, no value coerced from another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


@dataclass(frozen=True)
class Setting:
    """What one setting looks like when it is right, and how to mend it. Every setting has one."""

    example: Any
    remedy: str


def wrong(message: str) -> PydanticCustomError:
    """The error of a value that has the right type and is still not usable."""
    return PydanticCustomError("unusable", "{reason}", {"reason": message})


def _label(text: str) -> str:
    if len(text) > MAX_LENGTH:
        raise wrong(f"is {len(text)} characters long; a name has at most {MAX_LENGTH}")
    if LABEL.fullmatch(text) is None:
        raise wrong("is not a DNS label")
    return text


def _network(value: object) -> IPv4Network:
    if not isinstance(value, str):
        raise wrong("must be a range of IPv4 addresses, as text")
    try:
        return IPv4Network(value)
    except (AddressValueError, NetmaskValueError):
        raise wrong("is not a range of IPv4 addresses") from None
    except ValueError:
        network = IPv4Network(value, strict=False)
        raise wrong(f"has bits set beyond its prefix; the range it lies in is {network}") from None


def _url(text: str) -> str:
    parts = urlsplit(text)
    try:
        complete = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        complete = False
    if not complete or parts.query or parts.fragment or parts.username or parts.password:
        raise wrong("is not the URL of a server")
    return text


def _web_origin(text: str) -> str:
    if _WEB_ORIGIN.fullmatch(text) is None:
        raise wrong("is not a web origin as browsers write it")
    parts = urlsplit(text)
    try:
        default = parts.port == {"https": 443, "http": 80}[parts.scheme]
    except ValueError:
        raise wrong("has no port there can be") from None
    if default:
        raise wrong("names the port its scheme has anyway, which browsers leave out")
    if parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1"}:
        raise wrong("is not https")
    return text


def _absolute(text: str) -> str:
    if not PurePosixPath(text).is_absolute():
        raise wrong("is not an absolute path")
    return text


LABEL_REMEDY = "A name is at most 63 lower-case letters, digits and hyphens; a letter comes first, no hyphen last"

ORIGIN_REMEDY = (
    "Give scheme, host and, where it is another one, port: https://app.example.com, or http://localhost:3000"
)

Name = Annotated[str, AfterValidator(_label)]
Cidr = Annotated[IPv4Network, BeforeValidator(_network)]
Url = Annotated[str, AfterValidator(_url)]
WebOrigin = Annotated[str, AfterValidator(_web_origin)]
AbsolutePath = Annotated[str, AfterValidator(_absolute)]
Domain = Annotated[str, Field(pattern=r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$", max_length=253)]
Port = Annotated[int, Field(ge=1, le=65535)]
Image = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._:/-]*@sha256:[0-9a-f]{64}$")]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
PublicKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")]
FileName = Annotated[str, Field(pattern=r"^[a-z0-9]([-._a-z0-9]{0,250}[a-z0-9])?$")]
BucketName = Annotated[str, Field(pattern=r"^[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]$")]
Prefix = Annotated[str, Field(pattern=r"^([-_.A-Za-z0-9]+/)*$")]
