"""What only the machine knows that a stack lands on."""

from typing import Annotated, Literal

from pydantic import Field

from infra.settings.fields import LABEL_REMEDY, AbsolutePath, Cidr, Image, Name, Section, Setting, Url
from infra.settings.skills import Skills

_DIGEST = "Name an image by digest, as name@sha256:…; a tag can move"
_FILE = "Give the absolute path of a file"
_LOOPBACK = "Give the URL of a server on this machine, such as http://127.0.0.1:20010"
_BASE64URL = r"^[A-Za-z0-9_-]{43}$"
_EXAMPLE_DIGEST = "localhost/example@sha256:" + "0" * 64


class Images(Section):
    """The images pods are made from."""

    agent: Annotated[Image, Setting(_EXAMPLE_DIGEST, _DIGEST)]
    platform: Annotated[Image, Setting(_EXAMPLE_DIGEST, _DIGEST)]
    agent_sandbox: Annotated[Image, Setting(_EXAMPLE_DIGEST, _DIGEST)]


class EdgeKey(Section):
    """A public key edge tokens are verified with (RFC 8037)."""

    kty: Annotated[Literal["OKP"], Setting("OKP", "Edge keys are Ed25519: kty is OKP")]
    crv: Annotated[Literal["Ed25519"], Setting("Ed25519", "Edge keys are Ed25519")]
    kid: Annotated[str, Field(min_length=1, max_length=64), Setting("example", "Give the key a name")]
    x: Annotated[str, Field(pattern=_BASE64URL), Setting("A" * 43, "Give the public key: 32 bytes in base64url")]
    alg: Annotated[Literal["EdDSA"], Setting("EdDSA", "Edge keys sign with EdDSA")] = "EdDSA"
    use: Annotated[Literal["sig"], Setting("sig", "Edge keys sign")] = "sig"


class ApiKey(Section):
    """An API key by its keyed hash."""

    tenant: Annotated[Name, Setting("example-tenant", "Name one of the tenants")]
    id: Annotated[Name, Setting("default", LABEL_REMEDY)]
    hash: Annotated[
        str, Field(pattern=r"^[0-9a-f]{64}$"), Setting("0" * 64, "Give the key's HMAC-SHA256 in hex, never the key")
    ]


class Machine(Section):
    """Addresses, files and public keys of one machine."""

    kubeconfig: Annotated[AbsolutePath, Setting("/example/kubeconfig", _FILE)]
    aws_endpoint: Annotated[Url, Setting("http://127.0.0.1:1", _LOOPBACK)]
    cloudflare_endpoint: Annotated[Url, Setting("http://127.0.0.1:1", _LOOPBACK)]
    gateway_origin: Annotated[Url, Setting("http://127.0.0.1:1", _LOOPBACK)]
    tunnel_source: Annotated[Cidr, Setting("192.0.2.1/32", "Give the one address the tunnel comes from, as …/32")]
    images: Images
    models: Annotated[dict[Name, Image], Setting({}, "Name the artifacts made on this machine, by model")] = Field(
        default_factory=dict
    )
    skills: Annotated[dict[Name, Skills], Setting({}, "Name the bundles made on this machine, by tenant")] = Field(
        default_factory=dict
    )
    worker_script: Annotated[AbsolutePath, Setting("/example/index.js", _FILE)]
    edge_keys: Annotated[
        list[EdgeKey], Field(min_length=1, max_length=2), Setting([], "List one public key at least, two at most")
    ]
    api_keys: Annotated[list[ApiKey], Setting([], "List API keys by their hashes; leave it out for none")] = Field(
        default_factory=list
    )


class GlobalMachine(Section):
    """What stands for Cloudflare on one machine."""

    cloudflare_endpoint: Annotated[Url, Setting("http://127.0.0.1:1", _LOOPBACK)]
    worker_script: Annotated[AbsolutePath, Setting("/example/index.js", _FILE)]
    origins: Annotated[dict[Name, Url], Setting({}, "Give the URL each region's gateways answer at on this machine")]


class RegionMachine(Section):
    """What stands for a region's cloud on one machine."""

    kubeconfig: Annotated[
        AbsolutePath | None, Setting("/example/kubeconfig", f"{_FILE}; leave it out where the stack makes the cluster")
    ] = None
    aws_endpoint: Annotated[Url, Setting("http://127.0.0.1:1", _LOOPBACK)]
    tunnel_source: Annotated[
        Cidr | None,
        Setting(
            "192.0.2.1/32",
            "Give the one address the tunnel comes from, as …/32; leave it out where the stack makes the cluster",
        ),
    ] = None


class TenantMachine(Section):
    """What stands for a customer's cloud on one machine."""

    aws_endpoint: Annotated[Url, Setting("http://127.0.0.1:1", _LOOPBACK)]
    cloudflare_endpoint: Annotated[Url, Setting("http://127.0.0.1:1", _LOOPBACK)]
    models: Annotated[dict[Name, Image], Setting({}, "Name the artifacts made on this machine, by model")] = Field(
        default_factory=dict
    )
