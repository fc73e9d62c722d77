"""What a gateway is told by its environment."""

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from runtime.contract import env
from runtime.http.edge_token import load_keys
from runtime.http.environment import Reader


@dataclass(frozen=True)
class GatewaySettings:
    """The region served, and the keys edge tokens are verified with."""

    region: str
    keys: Mapping[str, Ed25519PublicKey]


def read_settings(environ: Mapping[str, str]) -> GatewaySettings:
    """Raises SettingsError, naming every variable that is missing or wrong."""
    reader = Reader(environ)
    settings = GatewaySettings(
        region=reader.read(env.REGION, str, ""),
        keys=reader.read(env.EDGE_KEYS, load_keys, {}),
    )
    reader.require()
    return settings
