"""CAs of client certificates that must be refused."""

from collections.abc import Callable
from typing import Any

from tests.authorities import pem, signs
from tests.infra.bad_access import certificate
from tests.infra.departures import Bad, Config, E, both, put

CAS = f"{E}.client_cas"
OWN = f"{CAS}.acme.certificate"
AUTHORITY = "moltghost:tenants[0].certificates[0].authority"


def ca(text: object, **more: Any) -> Callable[[Config], None]:
    """Let the edge know of one CA."""
    return put({"acme": {"certificate": text, **more}}, E, "client_cas")


BAD_CLIENT_CAS = [
    Bad("CA without its certificate", put({"acme": {}}, E, "client_cas"), OWN, ("is missing", "Add it. Give the one")),
    Bad("CAs as a list", put([pem()], E, "client_cas"), CAS, ("must be a mapping", "List CAs of client certificates")),
    Bad(
        "CA with a misspelt key",
        ca(pem(), trust=False),
        f"{CAS}.acme.trust",
        ("is not a setting", "Did you mean `trusted`?"),
    ),
    Bad("CA by its file", ca("ca.pem"), OWN, ('= "ca.pem"', "is not a certificate in PEM form", "below `|`")),
    Bad("CA that is cut off", ca(pem()[:200]), OWN, ("is not a certificate in PEM form",)),
    Bad("CA that is a number", ca(7), OWN, ("= 7", "must be text")),
    Bad("two CAs as one", ca(pem() + pem("B6" * 20)), OWN, ("holds 2 certificates", "an id of its own")),
    Bad("client as CA", ca(pem(ca=False)), OWN, ("is not a CA's", "signs no certificates")),
    Bad("CA that may not sign", ca(pem(more=[signs(False)])), OWN, ("is not a CA's", "key usage")),
    Bad("CA nobody can name", ca(pem(None)), OWN, ("has no subject key identifier",)),
    Bad("CA Cloudflare refuses", ca(pem(as_cloudflare_takes_it=False)), OWN, ("neither RSA nor ECDSA",)),
    Bad("CA whose time is over", ca(pem(end="2025-12-31")), OWN, ('= "2025-12-31', "is over", "`trusted: false`")),
    Bad(
        "CA in another's name",
        put({"acme": {"certificate": pem()}, "globex": {"certificate": pem(end="2199-12-31")}}, E, "client_cas"),
        f"{CAS}.globex.certificate",
        (f'= "{"A5" * 20}"', "is a CA's subject key identifier twice", "client_cas.acme.certificate has it too"),
    ),
    Bad(
        "certificate of no CA there is",
        certificate(authority="B6" * 20),
        AUTHORITY,
        (f'= "{"B6" * 20}"', "is no CA the edge trusts", f"name one of {'A5' * 20} (acme)"),
    ),
    Bad(
        "certificate without any CA",
        both(certificate(), put({}, E, "client_cas")),
        AUTHORITY,
        ("is no CA the edge trusts. List that CA under `edge.client_cas`",),
    ),
    Bad(
        "certificate of a CA no longer trusted",
        both(certificate(), ca(pem(), trusted=False)),
        AUTHORITY,
        ("is no CA the edge trusts",),
    ),
]
