"""An agent's secrets: read by it alone, and nowhere written down."""

import base64
import stat

import httpx
import pytest

from components.naming import secret_name
from components.tenant.spec import AGENT_ACCOUNT
from infra.local.cluster.control_plane import LOOPBACK, make_credentials
from infra.local.cluster.layout import Layout
from infra.local.probes import tls_context
from infra.local.region import LocalRegion
from runtime.agent.secrets import leaks
from runtime.contract import image
from tests.e2e.conftest import Cluster, Customer

pytestmark = pytest.mark.cluster


MODES = """
import json, os, pathlib, sys
files = {path.name: path.stat() for path in pathlib.Path(sys.argv[1]).iterdir() if not path.name.startswith(".")}
print(json.dumps({name: [found.st_mode, found.st_uid, found.st_gid] for name, found in files.items()}))
"""


def test_secrets_are_the_agents_own_to_read_and_nobodys_to_write(cluster: Cluster, acme: Customer) -> None:
    found = cluster.in_agent(acme, MODES, image.SECRETS_DIR)
    assert set(found) == {image.RECEIPT_KEY_FILE, "crm-token"}
    for mode, _uid, gid in found.values():
        # Kubernetes keeps the files root's, and lets the pod's group read them where it has one.
        assert stat.S_IMODE(mode) & ~0o440 == 0
        assert gid == image.UID


TEXTS = """
import glob, json, pathlib
texts = {}
for pattern in ("/proc/[0-9]*/environ", "/proc/[0-9]*/cmdline", "/data/openclaw/*.json", "/data/openclaw/*.broken",
                "/etc/moltghost/*.json", "/data/openclaw/**/*.log", "/tmp/**/*.log"):
    for name in glob.glob(pattern, recursive=True):
        try:
            texts[name] = pathlib.Path(name).read_text(errors="replace")
        except OSError:
            pass
print(json.dumps(texts))
"""
SECRETS = """
import json, pathlib, sys
print(json.dumps({path.name: path.read_text() for folder in sys.argv[1:] for path in pathlib.Path(folder).iterdir()
                  if path.is_file()}))
"""


def test_no_secret_stands_where_others_could_read_it(cluster: Cluster, acme: Customer) -> None:
    held = cluster.in_agent(acme, SECRETS, image.SECRETS_DIR, image.RUN_DIR)
    secrets = {name: value.encode() for name, value in held.items()}
    assert {image.RECEIPT_KEY_FILE, "crm-token", image.OPENCLAW_TOKEN_FILE} <= set(secrets)
    texts = cluster.in_agent(acme, TEXTS)
    texts["its log"] = cluster.kubectl("logs", "-n", acme.namespace, cluster.pod_name(acme))
    sandbox = cluster.kubectl("get", "sandboxes,configmaps", "-n", acme.namespace, "-o", "json")
    texts["what the cluster says of it"] = sandbox

    assert any("openclaw" in text for name, text in texts.items() if name.endswith("cmdline")), "OpenClaw's is there"
    assert any("MOLTGHOST_TENANT" in text for name, text in texts.items() if name.endswith("environ"))
    assert f"{image.DATA_DIR}/openclaw/openclaw.json" in texts
    assert leaks(secrets, texts) == []
    assert leaks(secrets, {"a log": f"got {secrets['crm-token'].decode()}"}), "a leak would be seen"


def test_no_service_account_of_a_tenant_reads_the_secret(cluster: Cluster, acme: Customer, globex: Customer) -> None:
    secret = f"secret/{secret_name(acme.agent)}"
    for home in (acme, globex):
        who = f"--as=system:serviceaccount:{home.namespace}:{AGENT_ACCOUNT}"
        with pytest.raises(AssertionError, match="Forbidden"):
            cluster.kubectl("get", secret, "-n", acme.namespace, who)
    assert cluster.kubectl("get", secret, "-n", acme.namespace, "-o", "name").strip() == secret


def test_the_secret_is_encrypted_at_rest(region: LocalRegion, acme: Customer) -> None:
    name = f"/registry/secrets/{acme.namespace}/{secret_name(acme.agent)}"
    value = stored(region, name)
    assert value.startswith(b"k8s:enc:secretbox:")
    token_held = region.credentials.agent_secrets(acme.tenant, acme.agent, ["crm-token"])["crm-token"].encode()
    assert token_held not in value
    assert base64.b64encode(token_held) not in value


def stored(region: LocalRegion, key: str) -> bytes:
    """What etcd holds under a key, as it tells itself."""
    credentials = make_credentials(Layout(region.state), region.addresses)
    client = (credentials.etcd_client.certificate, credentials.etcd_client.key)
    answer = httpx.post(
        f"https://{LOOPBACK}:{region.addresses.etcd_client}/v3/kv/range",
        json={"key": base64.b64encode(key.encode()).decode()},
        verify=tls_context(credentials.etcd_authority.pair.certificate, client),
        trust_env=False,
    )
    (pair,) = answer.raise_for_status().json()["kvs"]
    return base64.b64decode(pair["value"])
