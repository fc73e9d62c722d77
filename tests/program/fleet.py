"""The committed fleet's stacks, recorded one from what the others export."""

import copy
import json
from collections.abc import Mapping
from typing import Any

import yaml

from tests.mesh_keys import example_keys
from tests.program.recording import Recording, Secret, record
from tests.stack_files import PEPPER, PROJECT, RECEIPT_KEY, SIGNING_KEY, engine_config

ORGANIZATION = "organization/moltghost"
TUNNEL_SECRET = "dGhpcnR5LXR3byBieXRlcyBvZiBhIHR1bm5lbCdzIHNlY3JldA=="
SECRETS: Mapping[str, dict[str, str]] = {
    "global": {"moltghost:keyPepper": PEPPER, "moltghost:edgeSigningKey": SIGNING_KEY},
    "region": {"moltghost:tunnelSecret": TUNNEL_SECRET},
    "tenant": {
        "moltghost:agentSecrets": json.dumps(
            {f"acme/{agent}": {"receipt-key.pem": RECEIPT_KEY} for agent in ("helper", "analyst")}
        )
    },
}
REGIONS = ("use1", "usw2")


def committed(stack: str) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((PROJECT / f"Pulumi.{stack}.yaml").read_text())["config"]
    return copy.deepcopy(config)


def run(config: dict[str, Any], exported: Mapping[str, Recording]) -> Recording:
    """A stack's recording; `exported` are the recordings of the stacks it may ask."""
    stacks = {f"{ORGANIZATION}/{name}": told(one) for name, one in exported.items()}
    return record(engine_config(config), secrets_of(config), stacks)


def secrets_of(config: dict[str, Any]) -> dict[str, str]:
    """A stack's secrets: of its kind, and a region's own part of the mesh's keys."""
    own = config.get("moltghost:region", {}).get("name")
    keys = {"moltghost:meshKeys": example_keys(own)} if own in REGIONS else {}
    return {**SECRETS[config["moltghost:kind"]], **keys}


def told(recording: Recording) -> dict[str, Any]:
    """What a stack exports, the kubeconfig as the secret it is."""
    return {name: Secret(value) if name == "kubeconfig" else value for name, value in recording.exports.items()}
