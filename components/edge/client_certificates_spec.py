"""Which authorities' client certificates the edge asks for."""

from typing import Any

from pydantic import Field

from components.labels import Region
from components.naming import PLATFORM, resource_name
from components.values import Label, Values


class ClientCaSpec(Values):
    """One authority (CA): its certificate as PEM, which is no secret, and whether what it signs is taken."""

    id: Label
    certificate: str
    trusted: bool = True


class ClientCertificatesSpec(Values):
    """The authorities the account holds for one host name of a zone."""

    region: Region
    account_id: str
    zone_id: str
    hostname: str
    cas: tuple[ClientCaSpec, ...] = Field(min_length=1)


def ca_name(spec: ClientCertificatesSpec, ca: ClientCaSpec) -> str:
    """What a CA's resources, and the CA in the account, are called."""
    return resource_name(PLATFORM, spec.region, f"client-ca-{ca.id}")


def build_ca(spec: ClientCertificatesSpec, ca: ClientCaSpec) -> dict[str, Any]:
    """One CA of the account."""
    return {"account_id": spec.account_id, "ca": True, "certificates": ca.certificate, "name": ca_name(spec, ca)}


def build_association(spec: ClientCertificatesSpec, ca: ClientCaSpec) -> dict[str, Any]:
    """The host names that ask for what one CA signs: with none it is trusted nowhere, and can be deleted.

    https://developers.cloudflare.com/ssl/client-certificates/byo-ca/#delete-an-uploaded-ca
    """
    return {"zone_id": spec.zone_id, "hostnames": [spec.hostname] if ca.trusted else []}
