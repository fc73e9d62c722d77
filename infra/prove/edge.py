"""Claims on what the edge keeps of tenants, and where it leads."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from infra.prove.declared import Declared, Findings, listed, mapping, required, text
from infra.prove.problems import UnmodelledError
from infra.prove.verdict import EDGE_APART, NOTHING_OUTSIDE, Breach, Hop
from policies.record import Resource
from runtime.contract import edge, labels

_KV = "cloudflare:index/workersKv:WorkersKv"
_REGION = edge.region_key("")


def judge_edge(declared: Declared, findings: Findings) -> None:
    """Judge records, routes, tunnels and names."""
    records: dict[tuple[str, str], Resource] = {}
    regions = {
        (text(each.inputs.get("keyName")) or "").removeprefix(_REGION)
        for each in declared.of(_KV)
        if (text(each.inputs.get("keyName")) or "").startswith(_REGION)
    }
    for each in declared.of(_KV):
        try:
            findings.breaches |= set(_record(declared, each, records, regions))
        except UnmodelledError as error:
            findings.unmodelled.add(error.what)
    for type_, judge in (
        ("cloudflare:index/zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig", _tunnel),
        ("cloudflare:index/dnsRecord:DnsRecord", _name),
        ("cloudflare:index/workersScriptSubdomain:WorkersScriptSubdomain", _second_door),
    ):
        for each in declared.of(type_):
            try:
                findings.breaches |= set(judge(declared, each))
            except UnmodelledError as error:
                findings.unmodelled.add(error.what)


def _record(
    declared: Declared, resource: Resource, seen: dict[tuple[str, str], Resource], regions: set[str]
) -> Iterator[Breach]:
    key = required(resource.inputs.get("keyName"), resource.urn, "keyName")
    space = required(resource.inputs.get("namespaceId"), resource.urn, "namespaceId")
    other = seen.setdefault((space, key), resource)
    if other is not resource:
        path = (Hop("the edge", resource.urn, "keyName"), Hop("the same record", other.urn, "keyName"))
        yield Breach(EDGE_APART, f"the record {key} is declared twice: the last one holds for both", path)
    owner = declared.owner(resource)
    if owner is None:
        return
    value = _value(resource)
    named = {"tenant": value.get("tenant"), "key": key.partition("/")[0] if "regions" in value else None}
    for what, said in named.items():
        if said is not None and said != owner:
            field = "value" if what == "tenant" else "keyName"
            path = (Hop(f"a client of {owner}", resource.urn, field, f"is {what} {said}"), Hop(f"agents of {said}"))
            yield Breach(EDGE_APART, f"a record of {owner} opens what is {said}'s", path)
    for region in listed(value.get("regions"), resource.urn, "value.regions"):
        if regions and region not in regions:
            path = (
                Hop(f"a client of {owner}", resource.urn, "value.regions"),
                Hop(f"{region}, no region of the fleet"),
            )
            yield Breach(EDGE_APART, f"a route of {owner} leads out of the fleet", path)


def _value(resource: Resource) -> Mapping[str, Any]:
    try:
        found = json.loads(required(resource.inputs.get("value"), resource.urn, "value"))
    except ValueError:
        raise UnmodelledError(resource.urn, "value", "is no JSON") from None
    return found if isinstance(found, Mapping) else {}


def _tunnel(declared: Declared, resource: Resource) -> Iterator[Breach]:
    """A tunnel leads to the gateways' Service, and answers 404 to everything else."""
    config = mapping(resource.inputs.get("config"), resource.urn, "config")
    for at, rule in enumerate(listed(config.get("ingresses"), resource.urn, "config.ingresses")):
        field = f"config.ingresses[{at}].service"
        service = required(mapping(rule, resource.urn, field).get("service"), resource.urn, field)
        if service.startswith("http_status:") or service.partition("//")[2].partition(":")[0] in _gateways(declared):
            continue
        path = (Hop("the Internet, by the tunnel"), Hop("the tunnel", resource.urn, field, f"leads to {service}"))
        yield Breach(NOTHING_OUTSIDE, f"a tunnel leads past the gateways, to {service}", path)


def _gateways(declared: Declared) -> set[str]:
    """Names of the Services that choose gateways alone, and lie in no tenant's namespace."""
    found: set[str] = set()
    tenants = {
        metadata.get("name")
        for each in declared.of("kubernetes:core/v1:Namespace")
        if labels.TENANT in mapping((metadata := _metadata(each)).get("labels"), each.urn, "metadata.labels")
    }
    for each in declared.of("kubernetes:core/v1:Service"):
        metadata, spec = _metadata(each), mapping(each.inputs.get("spec"), each.urn, "spec")
        chosen = mapping(spec.get("selector"), each.urn, "spec.selector").get(labels.ROLE)
        if chosen == labels.ROLE_GATEWAY and metadata.get("namespace") not in tenants:
            found.add(f"{metadata.get('name')}.{metadata.get('namespace')}.svc")
    return found


def _metadata(resource: Resource) -> Mapping[str, Any]:
    return mapping(resource.inputs.get("metadata"), resource.urn, "metadata")


def _name(_: Declared, resource: Resource) -> Iterator[Breach]:
    if resource.inputs.get("type") in {"A", "AAAA", "CNAME"} and resource.inputs.get("proxied") is not True:
        path = (Hop("the Internet"), Hop("a name", resource.urn, "proxied", "leads past the edge"))
        yield Breach(NOTHING_OUTSIDE, "a name leads past the edge", path)


def _second_door(_: Declared, resource: Resource) -> Iterator[Breach]:
    if resource.inputs.get("enabled") is not False or resource.inputs.get("previewsEnabled"):
        path = (Hop("the Internet"), Hop("the Worker's development address", resource.urn, "enabled"))
        yield Breach(NOTHING_OUTSIDE, "the Worker answers beside the zone, and its firewall", path)
