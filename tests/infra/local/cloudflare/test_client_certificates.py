"""CAs of client certificates and the host names that ask for them, as the local API keeps them."""

from typing import Any

import pytest

from tests.authorities import pem
from tests.infra.local.cloudflare.conftest import Cloudflare

pytestmark = pytest.mark.asyncio(loop_scope="session")

CAS = "/accounts/a/mtls_certificates"
HOSTNAMES = "/zones/z/certificate_authorities/hostname_associations"
CA = {"name": "acme", "ca": True, "certificates": pem()}


async def upload(cloudflare: Cloudflare, status: int = 200, **changes: Any) -> Any:
    return await cloudflare.call("POST", CAS, status, json={**CA, **changes})


async def associate(cloudflare: Cloudflare, ca: str, *hostnames: Any, status: int = 200, zone: str = "z") -> Any:
    fields = {"mtls_certificate_id": ca, "hostnames": list(hostnames)}
    return await cloudflare.call("PUT", HOSTNAMES.replace("/z/", f"/{zone}/"), status, json=fields)


async def test_a_ca_is_kept_and_told_of(cloudflare: Cloudflare) -> None:
    made = await upload(cloudflare)
    assert made["certificates"] == CA["certificates"]
    assert (made["serial_number"], made["issuer"]) == ("7", "CN=clients of acme")
    assert made["expires_on"].startswith("9999-12-31")
    assert await cloudflare.call("GET", CAS) == [made]
    assert await cloudflare.call("GET", f"{CAS}/{made['id']}") == made
    assert "has no PUT" in await cloudflare.call("PUT", f"{CAS}/{made['id']}", 405, json=CA), "it never changes"


async def test_host_names_are_each_cas_own(cloudflare: Cloudflare) -> None:
    first, second = await upload(cloudflare), await upload(cloudflare, name="globex")
    await associate(cloudflare, first["id"], "api.example.com", "www.example.com")
    await associate(cloudflare, first["id"], "api.example.com")
    for ca, hostnames in ((first, ["api.example.com"]), (second, [])):
        query = {"mtls_certificate_id": ca["id"]}
        assert await cloudflare.call("GET", HOSTNAMES, params=query) == {"hostnames": hostnames}


async def test_a_ca_stays_while_a_host_name_of_any_zone_asks_for_what_it_signs(cloudflare: Cloudflare) -> None:
    ca = (await upload(cloudflare))["id"]
    await associate(cloudflare, ca, "api.example.com")
    await associate(cloudflare, ca, zone="zz")
    assert "is associated with api.example.com" in await cloudflare.call("DELETE", f"{CAS}/{ca}", 409)
    await associate(cloudflare, ca)
    await cloudflare.call("DELETE", f"{CAS}/{ca}")
    assert await cloudflare.call("GET", CAS) == []
    assert ca in await associate(cloudflare, ca, "api.example.com", status=404)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"certificates": "ca.pem"}, "no certificate in PEM form"),
        ({"certificates": pem(ca=False)}, "no CA's"),
        ({"ca": False}, "only CAs"),
        ({"ca": "yes"}, "ca: must be given, as bool"),
        ({"private_key": "…"}, "private_key: not supported"),
    ],
)
async def test_what_is_no_ca_is_refused(cloudflare: Cloudflare, wrong: dict[str, Any], word: str) -> None:
    assert word in await upload(cloudflare, 400, **wrong)


async def test_a_name_is_one_cas(cloudflare: Cloudflare) -> None:
    await upload(cloudflare)
    assert "acme: there is one in this account already" in await upload(cloudflare, 409, certificates=pem("B6" * 20))


async def test_host_names_are_names_and_a_ca_is_named(cloudflare: Cloudflare) -> None:
    ca = (await upload(cloudflare))["id"]
    assert "list of host names" in await associate(cloudflare, ca, 7, status=400)
    assert "the CA" in await cloudflare.call("GET", HOSTNAMES, 404), "Cloudflare's own CA is not here"
