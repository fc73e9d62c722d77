"""The package `cloudflare`: the resource types a region's edge is made of, and no other."""

from collections.abc import Callable, Mapping
from functools import partial

from infra.local.providers.base import Failure, InvalidInputsError, Kind, Provider, ProviderError
from infra.local.providers.cloudflare import records
from infra.local.providers.cloudflare.api import Api
from infra.local.providers.cloudflare.client_certificates import HostnameAssociations, MtlsCertificate
from infra.local.providers.cloudflare.kv_value import KvValue
from infra.local.providers.cloudflare.logpush import LogpushJob
from infra.local.providers.cloudflare.records import RecordKind
from infra.local.providers.cloudflare.rollout import WorkersDeployment, WorkerVersion
from infra.local.providers.cloudflare.script import Script
from infra.local.providers.cloudflare.settings import TunnelConfig, ZoneSetting
from infra.local.providers.properties import Properties, has_unknown
from infra.loopback import is_loopback_http

KINDS: Mapping[str, Callable[[Callable[[], Api]], Kind]] = {
    "cloudflare:index/certificateAuthoritiesHostnameAssociations:CertificateAuthoritiesHostnameAssociations": (
        HostnameAssociations
    ),
    "cloudflare:index/dnsRecord:DnsRecord": partial(RecordKind, collection=records.DNS_RECORDS),
    "cloudflare:index/loadBalancer:LoadBalancer": partial(RecordKind, collection=records.BALANCERS),
    "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor": partial(RecordKind, collection=records.MONITORS),
    "cloudflare:index/loadBalancerPool:LoadBalancerPool": partial(RecordKind, collection=records.POOLS),
    "cloudflare:index/logpushJob:LogpushJob": LogpushJob,
    "cloudflare:index/mtlsCertificate:MtlsCertificate": MtlsCertificate,
    "cloudflare:index/ruleset:Ruleset": partial(RecordKind, collection=records.RULESETS),
    "cloudflare:index/workerVersion:WorkerVersion": WorkerVersion,
    "cloudflare:index/workersDeployment:WorkersDeployment": WorkersDeployment,
    "cloudflare:index/workersKv:WorkersKv": KvValue,
    "cloudflare:index/workersKvNamespace:WorkersKvNamespace": partial(RecordKind, collection=records.NAMESPACES),
    "cloudflare:index/workersRoute:WorkersRoute": partial(RecordKind, collection=records.ROUTES),
    "cloudflare:index/workersScript:WorkersScript": Script,
    "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication": partial(
        RecordKind, collection=records.ACCESS_APPLICATIONS
    ),
    "cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy": partial(
        RecordKind, collection=records.ACCESS_POLICIES
    ),
    "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared": partial(
        RecordKind, collection=records.TUNNELS
    ),
    "cloudflare:index/zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig": TunnelConfig,
    "cloudflare:index/zoneSetting:ZoneSetting": ZoneSetting,
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
