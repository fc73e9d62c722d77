# ruff: noqa: ARG002 - handlers share one signature, and most need only a part of it
"""What is always there and only changed: a zone's settings, and what a tunnel's connectors are told."""

from collections.abc import Callable
from typing import Any

from infra.local.providers.base import Call, Kind, Live
from infra.local.providers.cloudflare.api import Api, segment
from infra.local.providers.cloudflare.shapes import from_api, split_import_id, to_api
from infra.local.providers.drift import as_declared
from infra.local.providers.properties import Properties
from infra.local.providers.supported import require_inputs


class ZoneSetting(Kind):
    """`cloudflare:index/zoneSetting:ZoneSetting`; its id is the setting's. A delete leaves its value, as really."""

    computed = ("editable", "modifiedOn")
    replace_on = ("zoneId", "settingId")

    def __init__(self, api: Callable[[], Api]) -> None:
        self.api = api

    def check(self, call: Call, inputs: Properties, old_inputs: Properties) -> Properties:
        require_inputs(call, inputs, ("zoneId", "settingId", "value"))
        return inputs

    def create(self, call: Call, inputs: Properties) -> Live:
        return Live(inputs["settingId"], self.update(call, {}, {}, inputs))

    def update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        changed = self.api().call("PATCH", _setting(inputs), json={"value": inputs["value"]})
        return {**inputs, "editable": changed["editable"], "modifiedOn": changed["modified_on"]}

    def read(self, call: Call, state: Properties, inputs: Properties) -> Live | None:
        places = ("zoneId", "settingId")
        known = inputs or state or dict(zip(places, split_import_id(call.id, *places), strict=True))
        found = self.api().call("GET", _setting(known))
        live = {name: known[name] for name in places} | {"value": found["value"]}
        computed = {"editable": found["editable"], "modifiedOn": found["modified_on"]}
        return Live(known["settingId"], {**live, **computed}, live)

    def delete(self, call: Call, state: Properties, inputs: Properties) -> None:
        """Nothing: a zone without the setting there is not."""


class TunnelConfig(Kind):
    """`cloudflare:index/zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig`; its id is the tunnel's."""

    computed = ("createdAt",)
    replace_on = ("accountId", "tunnelId")

    def __init__(self, api: Callable[[], Api]) -> None:
        self.api = api

    def check(self, call: Call, inputs: Properties, old_inputs: Properties) -> Properties:
        require_inputs(call, inputs, ("accountId", "tunnelId", "config"), ("source",))
        return inputs

    def create(self, call: Call, inputs: Properties) -> Live:
        return Live(inputs["tunnelId"], self.update(call, {}, {}, inputs))

    def update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        config = to_api(_renamed(inputs["config"], "ingresses", "ingress"))
        told = self.api().call("PUT", _configuration(inputs), json={"config": config})
        return {**inputs, "createdAt": told["created_at"]}

    def read(self, call: Call, state: Properties, inputs: Properties) -> Live | None:
        places = ("accountId", "tunnelId")
        known = inputs or state or dict(zip(places, split_import_id(call.id, *places), strict=True))
        found = self.api().find("GET", _configuration(known))
        if found is None:
            return None
        config = _renamed(from_api(found["config"]), "ingress", "ingresses")
        live = {name: known[name] for name in places} | {"source": found["source"], "config": config}
        declared = as_declared(inputs, live) if inputs else live
        return Live(known["tunnelId"], {**declared, "createdAt": found["created_at"]}, declared)

    def delete(self, call: Call, state: Properties, inputs: Properties) -> None:
        """Nothing: it goes with its tunnel."""


def _setting(inputs: Properties) -> str:
    return f"/zones/{segment(inputs['zoneId'])}/settings/{segment(inputs['settingId'])}"


def _configuration(inputs: Properties) -> str:
    account, tunnel = segment(inputs["accountId"]), segment(inputs["tunnelId"])
    return f"/accounts/{account}/cfd_tunnel/{tunnel}/configurations"


def _renamed(config: dict[str, Any], name: str, other: str) -> dict[str, Any]:
    return {other if key == name else key: value for key, value in config.items()}
