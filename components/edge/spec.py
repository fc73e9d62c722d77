"""What the edge itself knows: where it answers, and how each region is reached."""

from typing import Annotated, Literal

from pydantic import Field

from components.labels import Region
from components.values import Label, Values

SCRIPT_MODULE = "index.js"

Place = Annotated[str, Field(pattern=r"^[A-Z]{2,3}$")]
"""One of Cloudflare's colos (`SIN`) or continents (`AS`), as the Worker's runtime names them."""


class RegionSpec(Values):
    """One region as the edge sees it: its gateways, whether they take requests, and the clients it is near to.

    `origin` is the URL of its gateways, as the Worker reaches them by tunnel.
    """

    origin: str
    near: tuple[Place, ...] = ()
    state: Literal["open", "closed"] = "open"


class EdgeSpec(Values):
    """The Worker of one hostname, and the regions it can ask. `region` stands in the names of what is declared;
    `logpush` has what the Worker writes given to the account's log jobs (`Logs`); `client_certificates` says that the
    host name asks for them (`ClientCertificates`)."""

    region: Region
    account_id: str
    zone_id: str
    hostname: str
    script_name: Label
    script: str = Field(repr=False, min_length=1)
    regions: dict[Region, RegionSpec]
    logpush: bool = False
    client_certificates: bool = False
