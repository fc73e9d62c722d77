"""Cases of the rules about the edge and the tunnels between sites."""

import base64
from typing import Any

from components.network.mesh.delivery import install_input, pack
from policies.record import Resource, Secret
from tests.policies.cases import Case, Make
from tests.policies.resources import resource

PRIVATE, PRESHARED = "nobody may see this", "nor may they see that"
SECRET, COMMAND = "aws:secretsmanager/secretVersion:SecretVersion", "command:remote:Command"
ZONE = "fedcba9876543210fedcba9876543210"
PEER = {
    "PublicKey": "A" * 43 + "=",
    "PresharedKeyFile": "preshared-one",
    "AllowedIPs": "100.64.0.1/32, 10.24.0.0/16",
    "Endpoint": "203.0.113.7:51820",
    "PersistentKeepalive": "25",
}
SECOND = {**PEER, "AllowedIPs": "100.64.0.2/32, 10.26.0.0/16", "Endpoint": "203.0.113.8:51820"}


def _conf(*peers: dict[str, str]) -> str:
    sections = ["[Interface]\nListenPort = 51820\nPrivateKeyFile = private-0\n"]
    for peer in peers:
        lines = "\n".join(f"{key} = {value}" for key, value in peer.items() if value)
        sections.append(f"[Peer]\n# other\n{lines}\n")
    return "\n".join(sections)


def _bundle(*peers: dict[str, str]) -> bytes:
    return pack({"wg0.conf": _conf(*peers)}, {"private-0": PRIVATE, "preshared-one": PRESHARED})


def _urn(type_: str, component: str, name: str) -> str:
    return f"urn:pulumi:test::moltghost::moltghost:network:{component}${type_}::{name}"


def gateway(*peers: dict[str, str]) -> Make:
    """A cloud gateway's bundle, as its secret is given it."""
    return lambda tag: (
        resource(
            SECRET,
            tag,
            {"secretId": tag, "secretBinary": base64.b64encode(_bundle(*peers)).decode()},
            urn=_urn(SECRET, "Gateways", tag),
        ),
    )


def remote(*peers: dict[str, str]) -> Make:
    """A gateway's bundle, as a remote machine's installer reads it."""
    stdin = install_input(_bundle(*peers))
    return lambda tag: (
        resource(COMMAND, tag, {"create": "sh", "stdin": stdin}, urn=_urn(COMMAND, "RemoteGateway", tag)),
    )


def masked_gateway(tag: str) -> tuple[Resource, ...]:
    """A cloud gateway's bundle, as a record keeps it."""
    return (resource(SECRET, tag, {"secretBinary": Secret("a digest")}, urn=_urn(SECRET, "Gateways", tag)),)


def _subdomain(**flags: bool) -> Make:
    type_ = "cloudflare:index/workersScriptSubdomain:WorkersScriptSubdomain"
    return lambda tag: (resource(type_, tag, {"scriptName": tag, **flags}),)


def _setting(name: str, value: str) -> Make:
    inputs = {"zoneId": ZONE, "settingId": name, "value": value}
    return lambda tag: (resource("cloudflare:index/zoneSetting:ZoneSetting", tag, inputs),)


PHASES = ("http_request_firewall_custom", "http_request_firewall_managed", "http_ratelimit")
RULE = {"action": "block", "expression": "true", "enabled": True}


def _zone(phases: tuple[str, ...] = PHASES, **rule: Any) -> Make:
    """A zone of its own with a route and rulesets."""

    def made(tag: str) -> tuple[Resource, ...]:
        route = {"zoneId": tag, "pattern": f"{tag}.example/*", "script": "edge"}
        rulesets = [
            resource(
                "cloudflare:index/ruleset:Ruleset",
                f"{tag}-{phase}",
                {"zoneId": tag, "phase": phase, "name": phase, "kind": "zone", "rules": [{**RULE, **rule}]},
            )
            for phase in phases
        ]
        return (resource("cloudflare:index/workersRoute:WorkersRoute", tag, route), *rulesets)

    return made


def _developed(tag: str) -> tuple[Resource, ...]:
    route = {"zoneId": ZONE, "pattern": "edge.example.workers.dev/*", "script": "edge"}
    return (resource("cloudflare:index/workersRoute:WorkersRoute", tag, route),)


CASES: dict[str, Case] = {
    "wireguard-peers-are-disjoint": Case(
        lambda tag: (*gateway(PEER, SECOND)(tag), *remote(PEER, SECOND)(tag)),
        {
            "same": gateway(PEER, {**SECOND, "AllowedIPs": "100.64.0.2/32, 10.24.0.0/16"}),
            "within": remote(PEER, {**SECOND, "AllowedIPs": "10.24.128.0/24"}),
            "host-bits": gateway({**PEER, "AllowedIPs": "10.24.0.1/16"}),
        },
    ),
    "wireguard-peer-is-no-default-route": Case(
        gateway(PEER, SECOND),
        {
            "all": gateway({**PEER, "AllowedIPs": "0.0.0.0/0"}),
            "half": remote({**PEER, "AllowedIPs": "10.0.0.0/8, 128.0.0.0/1"}),
            "all-six": gateway({**PEER, "AllowedIPs": "::/0"}),
            "none": gateway({**PEER, "AllowedIPs": ""}),
        },
    ),
    "wireguard-peer-has-a-preshared-key": Case(
        gateway(PEER),
        {
            "absent": gateway({**PEER, "PresharedKeyFile": ""}),
            "remote": remote(PEER, {**SECOND, "PresharedKeyFile": ""}),
        },
    ),
    "wireguard-peer-keeps-alive": Case(
        lambda tag: (*gateway(PEER, {**SECOND, "Endpoint": "", "PersistentKeepalive": ""})(tag),),
        {
            "absent": gateway({**PEER, "PersistentKeepalive": ""}),
            "never": gateway({**PEER, "PersistentKeepalive": "0"}),
        },
    ),
    "worker-has-no-public-dev-route": Case(
        _subdomain(enabled=False, previewsEnabled=False),
        {
            "enabled": _subdomain(enabled=True, previewsEnabled=False),
            "previews": _subdomain(enabled=False, previewsEnabled=True),
            "route": _developed,
        },
    ),
    "firewall-is-on": Case(
        _zone(),
        {
            "no-custom-rules": _zone(PHASES[1:]),
            "no-limits": _zone(PHASES[:2]),
            "off": _zone(enabled=False),
            "skipped": _zone(action="skip"),
        },
    ),
    "zone-speaks-strict-tls": Case(
        _setting("min_tls_version", "1.3"),
        {"old": _setting("min_tls_version", "1.0"), "unchecked": _setting("ssl", "flexible")},
    ),
}
