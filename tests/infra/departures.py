"""The ways a bad config departs from a good one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Config = dict[str, Any]
SECRET_KEY = "mg_acme_0123456789abcdefghij"
PRIVATE_PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----"
PRIVATE_JWK = {"kty": "OKP", "crv": "Ed25519", "kid": "one", "x": "A" * 43, "d": "very-private"}


@dataclass(frozen=True)
class Bad:
    """One departure. `path` is the place that must be named, `says` what the message must contain."""

    name: str
    change: Callable[[Config], object]
    path: str
    says: tuple[str, ...]


def put(value: object, *steps: str | int) -> Callable[[Config], None]:
    """Set one place of the config."""

    def change(config: Config) -> None:
        holder: Any = config
        for step in steps[:-1]:
            holder = holder[step]
        holder[steps[-1]] = value

    return change


def take(*steps: str | int) -> Callable[[Config], None]:
    """Remove one place of the config."""

    def change(config: Config) -> None:
        holder: Any = config
        for step in steps[:-1]:
            holder = holder[step]
        del holder[steps[-1]]

    return change


def both(*changes: Callable[[Config], object]) -> Callable[[Config], None]:
    """Several departures that make one fault together."""

    def change(config: Config) -> None:
        for each in changes:
            each(config)

    return change


R, E, T, M = "moltghost:region", "moltghost:edge", "moltghost:tenants", "moltghost:machine"
L = "moltghost:models"
AGENT = (T, 0, "agents", 0)
AT = "moltghost:tenants[0].agents[0]"


def egress(cidr: object, ports: object = (443,)) -> Callable[[Config], None]:
    """Give the first agent one egress rule."""
    return put([{"cidr": cidr, "ports": list(ports) if isinstance(ports, tuple) else ports}], *AGENT, "egress")


def rename(tenant: str) -> Callable[[Config], None]:
    """Give the first tenant another id, everywhere it stands."""

    def change(config: Config) -> None:
        skills = config[M]["skills"]
        skills[tenant] = skills.pop(config[T][0]["id"])
        config[T][0]["id"] = config[M]["api_keys"][0]["tenant"] = tenant

    return change
