"""A new version of the Worker beside the one that runs."""

from typing import Any

from pydantic import Field

from components.edge.manifests import build_text_bindings
from components.edge.spec import SCRIPT_MODULE
from components.labels import Region
from components.values import Values
from runtime.contract import edge

MODULE_TYPE = "application/javascript+module"
VERSION_ID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


class RolloutSpec(Values):
    """How a new version is tried.

    `stable` is the id of the version that runs, `script` the new one's text, `percent` of requests go to it. The new
    one has the bindings of the one that runs, `bindings` by name, so that no secret is handed over twice, but is told
    itself whether the host name asks for `client_certificates`: that may change meanwhile. Durable Objects do not
    migrate meanwhile: that is for an upload of the script, which is for all requests at once.
    """

    region: Region
    account_id: str
    script: str = Field(repr=False, min_length=1)
    bindings: tuple[str, ...] = Field(min_length=1)
    client_certificates: bool = False
    stable: str = Field(pattern=VERSION_ID)
    percent: int = Field(ge=0, le=100)


def build_version(spec: RolloutSpec, script_base64: str) -> dict[str, Any]:
    """The new version: its module, the same runtime, and every binding inherited but those in so many words."""
    inherited = [{"name": name, "type": "inherit", "version_id": spec.stable} for name in sorted(spec.bindings)]
    return {
        "main_module": SCRIPT_MODULE,
        "modules": [{"name": SCRIPT_MODULE, "content_type": MODULE_TYPE, "content_base64": script_base64}],
        "compatibility_date": edge.COMPATIBILITY_DATE,
        "compatibility_flags": list(edge.COMPATIBILITY_FLAGS),
        "bindings": [*inherited, *build_text_bindings(client_certificates=spec.client_certificates)],
    }


def build_shares(spec: RolloutSpec, candidate: Any) -> list[dict[str, Any]]:
    """Who answers how many requests: the version that runs first, none with nothing. They add up to 100."""
    shares = [(spec.stable, 100 - spec.percent), (candidate, spec.percent)]
    return [{"version_id": version, "percentage": percent} for version, percent in shares if percent]
