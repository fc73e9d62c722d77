# ruff: noqa: ARG002 - handlers share one signature, and most need only a part of it
"""CAs of client certificates, and the host names that ask for them."""

from collections.abc import Callable

from infra.local.providers.base import Call, Kind, Live
from infra.local.providers.cloudflare.api import Api, segment
from infra.local.providers.cloudflare.records import Collection, RecordKind
from infra.local.providers.cloudflare.shapes import split_import_id
from infra.local.providers.properties import Properties
from infra.local.providers.supported import require_inputs

CAS = Collection(
    "/accounts/{}/mtls_certificates",
    "accountId",
    required=("ca", "certificates", "name"),
    computed=("expiresOn", "issuer", "serialNumber", "uploadedOn"),
    fixed=("ca", "certificates", "name"),
)


class MtlsCertificate(RecordKind):
    """`cloudflare:index/mtlsCertificate:MtlsCertificate`; its id is the API's, which can't change one."""

    def __init__(self, api: Callable[[], Api]) -> None:
        super().__init__(api, CAS)

    def create(self, call: Call, inputs: Properties) -> Live:
        path, fields = self._path(inputs), self._fields(inputs)
        record = self.api().orphan(path, call.urn, call.known_ids)
        if record is not None and not fields.items() <= record.items():
            self.api().find("DELETE", f"{path}/{segment(record['id'])}")
            record = None
        if record is None:
            record = self.api().create(path, fields, call.urn)
        return Live(record["id"], self._state(inputs, record))


class HostnameAssociations(Kind):
    """`…:CertificateAuthoritiesHostnameAssociations`; its id is the zone's, as really, and so is no CA's alone."""

    replace_on = ("zoneId",)

    def __init__(self, api: Callable[[], Api]) -> None:
        self.api = api

    def check(self, call: Call, inputs: Properties, old_inputs: Properties) -> Properties:
        require_inputs(call, inputs, ("zoneId", "mtlsCertificateId", "hostnames"))
        return inputs

    def create(self, call: Call, inputs: Properties) -> Live:
        return Live(inputs["zoneId"], self.update(call, {}, {}, inputs))

    def update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        fields = {"mtls_certificate_id": inputs["mtlsCertificateId"], "hostnames": inputs["hostnames"]}
        self.api().call("PUT", _path(inputs), json=fields)
        return dict(inputs)

    def read(self, call: Call, state: Properties, inputs: Properties) -> Live | None:
        places = ("zoneId", "mtlsCertificateId")
        known = inputs or state or dict(zip(places, split_import_id(call.id, *places), strict=True))
        query = {"mtls_certificate_id": known["mtlsCertificateId"]}
        found = self.api().find("GET", _path(known), params=query)
        if found is None:
            return None
        live = {name: known[name] for name in places} | {"hostnames": found["hostnames"]}
        return Live(known["zoneId"], live, live)

    def delete(self, call: Call, state: Properties, inputs: Properties) -> None:
        """Nothing, as really: the host names stay associated until they are emptied."""


def _path(inputs: Properties) -> str:
    return f"/zones/{segment(inputs['zoneId'])}/certificate_authorities/hostname_associations"
