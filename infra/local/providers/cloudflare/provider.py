"""The package `cloudflare`: the resource types a region's edge is made of, and no other."""

from collections.abc import Callable, Mapping
from functools import partial

from infra.local.providers.base import Failure, InvalidInputsError, Kind, Provider, ProviderError
from infra.local.providers.cloudflare.api import Api
from infra.local.providers.cloudflare.kv_value import KvValue
from infra.local.providers.cloudflare.records import DNS_RECORDS, NAMESPACES, ROUTES, RULESETS, RecordKind
from infra.local.providers.cloudflare.script import Script
from infra.local.providers.properties import Properties, has_unknown
from infra.loopback import is_loopback_http

KINDS: Mapping[str, Callable[[Callable[[], Api]], Kind]] = {
    "cloudflare:index/dnsRecord:DnsRecord": partial(RecordKind, collection=DNS_RECORDS),
    "cloudflare:index/ruleset:Ruleset": partial(RecordKind, collection=RULESETS),
    "cloudflare:index/workersKv:WorkersKv": KvValue,
    "cloudflare:index/workersKvNamespace:WorkersKvNamespace": partial(RecordKind, collection=NAMESPACES),
    "cloudflare:index/workersRoute:WorkersRoute": partial(RecordKind, collection=ROUTES),
    "cloudflare:index/workersScript:WorkersScript": Script,
}


class CloudflareProvider(Provider):
    """Cloudflare as far as the local API answers for it."""

    name = "cloudflare"
    version = "6.23.1"

    def __init__(self) -> None:
        self._api: Api | None = None

    def check_config(self, inputs: Properties) -> Properties:
        """`baseUrl` must be on loopback: this stand-in never speaks to an account."""
        failures = []
        base_url = inputs.get("baseUrl")
        if not base_url or (isinstance(base_url, str) and not is_loopback_http(base_url)):
            reason = "must be an http URL on loopback; the local cloudflare provider acts on nothing else"
            failures.append(Failure(("baseUrl",), reason))
        if not inputs.get("apiToken"):
            failures.append(Failure(("apiToken",), "must be given"))
        if failures:
            raise InvalidInputsError(failures)
        return inputs

    def configure(self, settings: Properties) -> None:
        if not has_unknown(settings):
            self.check_config(settings)
            self._api = Api(settings["baseUrl"], settings["apiToken"])

    def kind(self, token: str) -> Kind:
        make = KINDS.get(token)
        if make is None:
            known = ", ".join(sorted(KINDS))
            raise ProviderError(f"{token}: the local cloudflare provider has no such type; it has {known}")
        return make(self.api)

    def api(self) -> Api:
        """The API of the settings. Raises `ProviderError` while those are unknown."""
        if self._api is None:
            raise ProviderError("the cloudflare provider's settings are not known yet")
        return self._api
