"""The dev stack's config as tests need it: the committed file, and what `make up` would lay over it."""

import base64
import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from infra.plan import Plan, plan_stack
from infra.settings import Source, draft_settings
from runtime.skills.bundle import write_bundle
from tests.runtime.skills.bundles import PUBLIC, bundle_of

PROJECT = Path(__file__).resolve().parent.parent
DEV_STACK = PROJECT / "Pulumi.dev.yaml"
API_SERVER_PORT = 20003
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "local",
    "contexts": [{"name": "local", "context": {"cluster": "local", "user": "local"}}],
    "clusters": [{"name": "local", "cluster": {"server": f"https://127.0.0.1:{API_SERVER_PORT}"}}],
    "users": [{"name": "local", "user": {}}],
}
PEPPER = "a pepper nobody may see"
SIGNING_KEY = '{"kty":"OKP","crv":"Ed25519","kid":"one","x":"public","d":"private"}'
DIGEST = "sha256:" + "ab" * 32
RECEIPT_KEY = (
    Ed25519PrivateKey.from_private_bytes(bytes(32))
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)
CRM_TOKEN = "a token only the CRM may see"
AGENT_SECRETS = json.dumps(
    {
        "acme/helper": {"receipt-key.pem": RECEIPT_KEY, "crm-token": CRM_TOKEN},
        "globex/analyst": {"receipt-key.pem": RECEIPT_KEY},
    }
)


@cache
def _committed() -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(DEV_STACK.read_text())["config"]
    return config


def dev_config() -> dict[str, Any]:
    """The committed config, freely changeable."""
    return copy.deepcopy(_committed())


def machine(folder: Path) -> dict[str, Any]:
    """A machine's part, with its files made in `folder`."""
    kubeconfig, script, bundle = folder / "kubeconfig", folder / "index.js", folder / "crm.skills.tar.gz"
    kubeconfig.write_text(yaml.safe_dump(KUBECONFIG))
    script.write_text("export default { fetch: () => new Response('hello') }")
    bundle.write_bytes(write_bundle(bundle_of()))
    skills = {"acme": {"bundle": str(bundle), "key": base64.b64encode(PUBLIC).decode()}}
    return {**MACHINE, "kubeconfig": str(kubeconfig), "worker_script": str(script), "skills": skills}


MACHINE: dict[str, Any] = {
    "kubeconfig": "/nowhere/kubeconfig",
    "aws_endpoint": "http://127.0.0.1:20010",
    "cloudflare_endpoint": "http://127.0.0.1:20011",
    "gateway_origin": "http://127.0.0.1:20013",
    "tunnel_source": "198.51.100.1/32",
    "images": {
        "agent": f"localhost/moltghost/agent@{DIGEST}",
        "platform": f"localhost/moltghost/platform@{DIGEST}",
        "agent_sandbox": f"localhost/moltghost/agent-sandbox-controller@{DIGEST}",
    },
    "models": {"tiny": f"localhost/moltghost/model-tiny@{DIGEST}"},
    "skills": {"acme": {"bundle": "/nowhere/crm.skills.tar.gz", "key": "A" * 43 + "="}},
    "worker_script": "/nowhere/index.js",
    "edge_keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "one", "x": "A" * 43}],
    "api_keys": [
        {"tenant": "acme", "id": "default", "hash": "a" * 64},
        {"tenant": "globex", "id": "default", "hash": "b" * 64},
    ],
}


def machine_config() -> dict[str, Any]:
    """The config with a machine's part, whose files are not there."""
    return {**dev_config(), "moltghost:machine": copy.deepcopy(MACHINE)}


def dev_plan(config: dict[str, Any]) -> Plan:
    """The plan of a dev stack with this config."""
    values = {name.partition(":")[2]: value for name, value in config.items() if name.startswith("moltghost:")}
    plan = plan_stack(draft_settings(Source("dev", values, frozenset())))
    assert isinstance(plan, Plan)
    return plan


def engine_config(config: dict[str, Any]) -> dict[str, str]:
    """Config as the engine hands it to the program: text, and JSON where a value has structure."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
