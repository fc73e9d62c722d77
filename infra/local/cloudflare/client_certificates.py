"""An account's CAs of client certificates, and the host names that ask for them: kept, not run, for no client here
speaks TLS."""

from aiohttp import web
from cryptography import x509

from infra.local.cloudflare.errors import invalid, not_found, taken
from infra.local.cloudflare.records import Records
from infra.local.cloudflare.requests import API, CLOUD, body, now, success
from infra.local.cloudflare.store import Collections, Record, collection, every, owners

ASSOCIATIONS = f"{API}/zones/{{zone}}/certificate_authorities/hostname_associations"
CAS, ASSOCIATED = "mtls-certificates", "hostname-associations"
_WRONG = 1412


class CaRecords(Records):
    """CAs: one never changes, and stays while a host name asks for what it signs."""

    def routes(self) -> list[web.RouteDef]:
        """The handlers and their paths."""
        return [route for route in super().routes() if route.method != "PUT"]

    def require_unused(self, record: Record, declared: Collections) -> None:
        """Raises `ApiError` while host names are associated with it."""
        zones = (collection(declared, ASSOCIATED, zone) for zone in owners(declared, ASSOCIATED))
        hostnames = [name for associated in zones for name in associated.get(record["id"], {}).get("hostnames", [])]
        if hostnames:
            raise taken(f"{record['name']}: is associated with {', '.join(hostnames)}; remove these first", 1414)


def routes() -> list[web.RouteDef]:
    """The handlers and their paths."""
    cas = CaRecords("mtls_certificates", CAS, ("name",), read_ca, "accounts", hidden=("created_on",))
    return [*cas.routes(), web.get(ASSOCIATIONS, get_hostnames), web.put(ASSOCIATIONS, put_hostnames)]


async def read_ca(request: web.Request) -> Record:
    """The CA a request describes. Raises `ApiError`."""
    fields = await body(request, {"name": str, "ca": bool, "certificates": str})
    if not fields["ca"]:
        raise invalid("ca: false is not supported by the local API, only CAs", _WRONG)
    try:
        found = x509.load_pem_x509_certificate(fields["certificates"].encode())
        is_ca = found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except ValueError:
        raise invalid("certificates: is no certificate in PEM form", _WRONG) from None
    except x509.ExtensionNotFound:
        is_ca = False
    if not is_ca:
        raise invalid("certificates: its basic constraints say that it is no CA's", _WRONG)
    told = {"expires_on": found.not_valid_after_utc.isoformat(), "issuer": found.issuer.rfc4514_string()}
    return {**fields, **told, "serial_number": str(found.serial_number), "uploaded_on": now()}


async def get_hostnames(request: web.Request) -> web.Response:
    """The host names that ask for what the CA in the query signs."""
    declared = request.app[CLOUD].declared
    ca = _known(declared, request.query.get("mtls_certificate_id", ""))
    found = collection(declared, ASSOCIATED, request.match_info["zone"]).get(ca)
    return success({"hostnames": found["hostnames"] if found else []})


async def put_hostnames(request: web.Request) -> web.Response:
    """Other host names for a CA, in place of all it had."""
    fields = await body(request, {"mtls_certificate_id": str, "hostnames": list})
    if not all(isinstance(hostname, str) and hostname for hostname in fields["hostnames"]):
        raise invalid("hostnames: must be a list of host names", _WRONG)

    def edit(declared: Collections) -> Record:
        associated: Record = {"hostnames": fields["hostnames"]}
        ca = _known(declared, fields["mtls_certificate_id"])
        collection(declared, ASSOCIATED, request.match_info["zone"])[ca] = associated
        return associated

    return success(await request.app[CLOUD].change(edit))


def _known(declared: Collections, ca: str) -> str:
    if ca not in every(declared, CAS):
        raise not_found(f"mtls_certificate_id {ca!r}: the CA", _WRONG)
    return ca
