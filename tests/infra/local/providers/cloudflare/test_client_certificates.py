"""Clients' CAs and the host names that ask for them: the plugin's kinds against the local API, and under the engine."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest

from components.edge.client_certificates_spec import ClientCertificatesSpec
from infra.local.engine import EngineError
from infra.local.providers.base import InvalidInputsError, ProviderError
from tests.authorities import pem
from tests.components.specs import CLIENT_CERTIFICATES
from tests.infra.local.providers.cloudflare.conftest import LocalCloudflare
from tests.infra.local.providers.cloudflare.test_kinds import ASSOCIATIONS, CA, Account, account, call
from tests.infra.local.providers.conftest import Program
from tests.program.recording import record_declaring

__all__ = ["account"]

Inputs = dict[str, Any]


def ca(account: Account) -> Inputs:
    return {"accountId": account.name, "name": "acme", "ca": True, "certificates": pem()}


def association(account: Account, ca_id: str, *hostnames: str) -> Inputs:
    return {"zoneId": account.name, "mtlsCertificateId": ca_id, "hostnames": list(hostnames)}


def test_a_ca_is_made_adopted_and_deleted_and_any_change_is_another(account: Account) -> None:
    inputs = ca(account)
    live = account.make(CA, inputs)
    assert account.declared(CA, live, inputs) == inputs
    assert live.state["serialNumber"] == "7"
    assert account.make(CA, inputs).id == live.id, "one a killed engine made is adopted"
    other = {**inputs, "certificates": pem("B6" * 20)}
    assert account.provider.kind(CA).diff(call(CA, id=live.id), live.state, inputs, other).replaces == {
        ("certificates",)
    }
    again = account.make(CA, other)
    assert again.id != live.id, "one that says something else is not"
    assert account.declared(CA, live, inputs) is None
    assert account.declared(CA, again, other) == other
    found = account.provider.kind(CA).read(call(CA, id=f"{account.name}/{again.id}"), {}, {})
    assert found is not None
    assert found.inputs == other
    account.delete(CA, again, other)
    assert account.declared(CA, again, other) is None
    account.delete(CA, again, other)


def test_host_names_are_associated_changed_and_only_emptied_never_deleted(account: Account) -> None:
    made = account.make(CA, ca(account))
    inputs = association(account, made.id, "api.example.com")
    live = account.make(ASSOCIATIONS, inputs)
    assert live.id == account.name
    assert account.declared(ASSOCIATIONS, live, inputs) == inputs
    imported = account.provider.kind(ASSOCIATIONS).read(call(ASSOCIATIONS, id=f"{account.name}/{made.id}"), {}, {})
    assert imported is not None
    assert (imported.id, imported.inputs) == (account.name, inputs)
    account.delete(ASSOCIATIONS, live, inputs)
    assert account.declared(ASSOCIATIONS, live, inputs) == inputs
    with pytest.raises(ProviderError, match=r"is associated with api\.example\.com; remove these first"):
        account.delete(CA, made, ca(account))
    emptied = association(account, made.id)
    account.update(ASSOCIATIONS, live, inputs, emptied)
    assert account.declared(ASSOCIATIONS, live, inputs) == emptied, "a change by another hand must show"
    account.delete(CA, made, ca(account))
    assert account.declared(ASSOCIATIONS, live, inputs) is None, "it goes with its CA"


def test_cloudflares_own_ca_is_not_here(account: Account) -> None:
    with pytest.raises(InvalidInputsError, match="mtlsCertificateId: must be given"):
        account.checked(ASSOCIATIONS, {"zoneId": account.name, "hostnames": []})


def test_what_cloudflare_would_refuse_is_refused(account: Account) -> None:
    with pytest.raises(ProviderError, match="its basic constraints say that it is no CA's"):
        account.make(CA, {**ca(account), "certificates": pem(ca=False)})
    with pytest.raises(ProviderError, match="the CA not found"):
        account.make(ASSOCIATIONS, association(account, "0", "api.example.com"))


def declared(spec: ClientCertificatesSpec | None) -> str:
    """What the component declares, resource for resource; the CA's id as the engine knows it."""

    def declare() -> None:
        with warnings.catch_warnings():
            # The SDK warns of its own deprecated classes while it is loaded, used or not.
            warnings.filterwarnings("ignore", ".* has been deprecated in favor of", DeprecationWarning)
            import pulumi_cloudflare as cloudflare

            from components.edge.client_certificates import ClientCertificates, ClientCertificatesArgs

        provider = cloudflare.Provider("cloudflare", api_token="test")
        if spec is not None:
            ClientCertificates("clients", ClientCertificatesArgs(spec=spec, cloudflare=provider))

    lines = ["made = {}"]
    for each in record_declaring(declare).resources:
        if each.type == CA:
            lines.append(f"made[{each.name!r}] = resource({each.type!r}, {each.name!r}, {each.inputs!r})")
        elif each.type == ASSOCIATIONS:
            given = {name: value for name, value in each.inputs.items() if name != "mtlsCertificateId"}
            linked = f"{{**{given!r}, 'mtlsCertificateId': made[{each.name!r}].id}}"
            lines.append(f"resource({each.type!r}, {each.name!r}, {linked})")
    return "\n".join(lines)


def test_another_hands_change_is_mended_and_a_ca_goes_once_it_is_trusted_no_more(
    make_program: Callable[[str, dict[str, str]], Program], local: LocalCloudflare
) -> None:
    program = make_program("cloudflare", {"baseUrl": local.api, "apiToken": "test"})
    spec = CLIENT_CERTIFICATES
    program.up(declared(spec))
    assert program.plan() == {}
    program.engine.refresh()
    assert program.plan() == {}

    path = f"/zones/{spec.zone_id}/certificate_authorities/hostname_associations"
    uploads = f"/accounts/{spec.account_id}/mtls_certificates"
    own = "platform-sin-client-ca-acme"
    ids = {one["name"]: one["id"] for one in local.result(uploads)}
    change = local.http.put(f"{local.api}{path}", json={"mtls_certificate_id": ids[own], "hostnames": []})
    change.raise_for_status()
    program.engine.refresh()
    assert program.plan() == {own: ("update", {"hostnames[0]"})}
    program.up()
    assert program.plan() == {}
    assert local.result(f"{path}?mtls_certificate_id={ids[own]}") == {"hostnames": [spec.hostname]}

    with pytest.raises(EngineError, match=f"is associated with {spec.hostname}; remove these first"):
        program.up(declared(None))
    ended = [ca.model_copy(update={"trusted": False}) for ca in spec.cas]
    program.up(declared(spec.model_copy(update={"cas": tuple(ended)})))
    program.up(declared(None))
    assert local.result(uploads) == []
