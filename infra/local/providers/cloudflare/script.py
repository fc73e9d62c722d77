# ruff: noqa: ARG002 - handlers share one signature, and most need only a part of it
"""A Worker script with its bindings."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from infra.local.cloudflare.bindings import FIELDS
from infra.local.cloudflare.protocol import KEEP_BINDINGS, METADATA, MIGRATIONS, MODULE
from infra.local.providers.base import Call, Failure, InvalidInputsError, Kind, Live
from infra.local.providers.cloudflare.api import Api, segment
from infra.local.providers.cloudflare.shapes import from_api, split_import_id, to_api
from infra.local.providers.drift import as_declared
from infra.local.providers.properties import Properties
from infra.local.providers.supported import require_inputs

PLACE = ("accountId", "scriptName")
REQUIRED = (*PLACE, "mainModule", "content", "compatibilityDate")
SENT = ("migrations", "keepBindings")
"""What an upload does and the API tells nobody after: as with the provider's own, it is what was declared for good."""
KEPT = ("compatibilityFlags", "bindings", "observability", "logpush")
OPTIONAL = (*KEPT, *SENT)
DERIVED = ("etag", "createdOn", "modifiedOn", "hasAssets", "hasModules", "migrationTag")


class Script(Kind):
    """`cloudflare:index/workersScript:WorkersScript`; its id is its name. An upload replaces, but for a migration."""

    computed = DERIVED
    replace_on = PLACE

    def __init__(self, api: Callable[[], Api]) -> None:
        self.api = api

    def check(self, call: Call, inputs: Properties, old_inputs: Properties) -> Properties:
        require_inputs(call, inputs, REQUIRED, OPTIONAL)
        bindings = inputs.get("bindings")
        failures = [
            Failure(("bindings", i, "type"), f"{kind!r} is not supported by the local cloudflare provider")
            for i, binding in enumerate(bindings if isinstance(bindings, list) else [])
            if isinstance(binding, Mapping) and isinstance(kind := binding.get("type"), str) and kind not in FIELDS
        ]
        if failures:
            raise InvalidInputsError(failures)
        return inputs

    def create(self, call: Call, inputs: Properties) -> Live:
        return Live(inputs["scriptName"], self._interrupted(inputs) or self.update(call, {}, {}, inputs))

    def update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        fields = {*METADATA, MIGRATIONS, KEEP_BINDINGS}
        metadata = {name: value for name, value in to_api(inputs).items() if name in fields}
        files = {
            "metadata": (None, json.dumps(metadata).encode(), "application/json"),
            inputs["mainModule"]: (inputs["mainModule"], inputs["content"].encode(), MODULE),
        }
        uploaded = from_api(self.api().call("PUT", _path(inputs), files=files))
        return {**inputs, **_derived(uploaded)}

    def read(self, call: Call, state: Properties, inputs: Properties) -> Live | None:
        known = inputs or state or dict(zip(PLACE, split_import_id(call.id, *PLACE), strict=True))
        place = {name: known[name] for name in PLACE}
        summary = self._summary(place)
        if summary is None:
            return None
        settings = from_api(self.api().call("GET", f"{_path(place)}/settings"))
        content = self.api().send("GET", _path(place)).text
        live = {**place, **settings, "content": content, "mainModule": summary["mainModule"]}
        live["bindings"] = [_with_secret(binding, inputs.get("bindings") or []) for binding in live["bindings"]]
        live |= {name: inputs[name] for name in SENT if name in inputs}
        declared = as_declared(inputs, live) if inputs else {name: live[name] for name in (*REQUIRED, *KEPT)}
        return Live(place["scriptName"], {**declared, **_derived(summary)}, declared)

    def delete(self, call: Call, state: Properties, inputs: Properties) -> None:
        self.api().find("DELETE", _path(inputs or state))

    def _interrupted(self, inputs: Properties) -> Properties | None:
        """A migration that a killed run made and the engine never noted: made again, it would be refused. Of another
        text it is somebody else's, and refused.
        """
        summary = self._summary(inputs) if "migrations" in inputs else None
        if summary is None or summary.get("migrationTag") != inputs["migrations"]["newTag"]:
            return None
        ours = self.api().send("GET", _path(inputs)).text == inputs["content"]
        return {**inputs, **_derived(summary)} if ours else None

    def _summary(self, place: Properties) -> Properties | None:
        scripts = from_api(self.api().call("GET", f"/accounts/{segment(place['accountId'])}/workers/scripts"))
        return next((one for one in scripts if one["id"] == place["scriptName"]), None)


def _derived(summary: Properties) -> Properties:
    return {name: summary[name] for name in DERIVED if name in summary}


def _path(inputs: Properties) -> str:
    account, name = (segment(inputs[name]) for name in PLACE)
    return f"/accounts/{account}/workers/scripts/{name}"


def _with_secret(binding: dict[str, Any], declared: list[dict[str, Any]]) -> dict[str, Any]:
    """The API never gives a secret's text back: where the secret is still bound, it counts as the declared one."""
    same = [one for one in declared if (one["name"], one["type"]) == (binding["name"], binding["type"])]
    return {**binding, "text": same[0]["text"]} if binding["type"] == "secret_text" and same else binding
