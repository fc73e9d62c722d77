"""A Secret lies encrypted in etcd: asked of the etcd of a real control plane, and seen to fail without the flag."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import yaml

from infra.local.cache import cache_root
from infra.local.cluster.addresses import Addresses
from infra.local.cluster.api import Api
from infra.local.cluster.control_plane import LOOPBACK, ControlPlane, make_credentials
from infra.local.cluster.encryption import build_config, ensure_config
from infra.local.cluster.layout import Layout
from infra.local.probes import tls_context
from infra.local.processes import Processes
from infra.local.supervisord import Program
from infra.local.tools import Tools

SLOT = 8
SECRETS = "/api/v1/namespaces/default/secrets"
FLAG = "--encryption-provider-config="


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> ControlPlane:
    layout, addresses = Layout(tmp_path_factory.mktemp("plane")), Addresses(SLOT)
    tools = Tools(cache_root()).ensure(["etcd", "kube-apiserver"], print)
    return ControlPlane(tools, layout, addresses, make_credentials(layout, addresses), LOOPBACK)


@pytest.fixture(scope="module")
def processes(plane: ControlPlane) -> Iterator[Processes]:
    processes = Processes(plane.layout.state)
    try:
        processes.start([plane.etcd()])
        yield processes
    finally:
        processes.shutdown()


def apiserver(plane: ControlPlane) -> Program:
    return plane.apiserver(plane.credentials.authority.client("admin", "system:masters"), advertise=False)


def connect(plane: ControlPlane) -> Api:
    own = plane.credentials.authority
    return Api(plane.server, own.pair.certificate, own.client("admin", "system:masters"))


def put_secret(plane: ControlPlane, name: str, value: str) -> None:
    with connect(plane) as api:
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"key": value}}
        api.apply(f"{SECRETS}/{name}", body)
        found = api.get(f"{SECRETS}/{name}")
    assert found is not None
    assert base64.b64decode(found["data"]["key"]).decode() == value, "the API gives back what it was given"


def stored(plane: ControlPlane) -> dict[str, bytes]:
    """Everything etcd holds, by key, as etcd itself tells it."""
    own = plane.credentials
    client = (own.etcd_client.certificate, own.etcd_client.key)
    context = tls_context(own.etcd_authority.pair.certificate, client)
    everything = base64.b64encode(b"\0").decode()
    url = f"https://{LOOPBACK}:{plane.addresses.etcd_client}/v3/kv/range"
    answer = httpx.post(url, json={"key": everything, "range_end": everything}, verify=context, trust_env=False)
    pairs = answer.raise_for_status().json()["kvs"]
    return {base64.b64decode(pair["key"]).decode(): base64.b64decode(pair["value"]) for pair in pairs}


@pytest.mark.cluster
@pytest.mark.xdist_group("real-cluster")
def test_a_secret_is_encrypted_in_etcd_and_in_the_clear_without_the_flag(
    plane: ControlPlane, processes: Processes
) -> None:
    program = apiserver(plane)
    processes.start([program])
    put_secret(plane, "sealed", "value-of-the-sealed")
    kept = stored(plane)
    assert kept["/registry/secrets/default/sealed"].startswith(b"k8s:enc:secretbox:v1:local:")
    assert not any(b"value-of-the-sealed" in value for value in kept.values())
    files = [path.read_bytes() for path in plane.layout.etcd.rglob("*") if path.is_file()]
    assert not any(b"value-of-the-sealed" in content for content in files)

    with connect(plane) as api:  # an API server that can't read what is there would never be ready
        api.http.delete(f"{SECRETS}/sealed").raise_for_status()
    mutant = replace(program, argv=[argument for argument in program.argv if not argument.startswith(FLAG)])
    processes.start([mutant])
    put_secret(plane, "open", "value-of-the-open")
    assert b"value-of-the-open" in stored(plane)["/registry/secrets/default/open"]


def test_secrets_and_nothing_else_may_be_read_unencrypted() -> None:
    (rule,) = build_config(b"k" * 32)["resources"]
    assert rule["resources"] == ["secrets"]
    assert [list(provider) for provider in rule["providers"]] == [["secretbox"]]


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = ensure_config(tmp_path / "encryption.yaml")
    first = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert ensure_config(path).read_text() == first
    another = ensure_config(tmp_path / "another.yaml").read_text()
    assert another != first
    key = yaml.safe_load(first)["resources"][0]["providers"][0]["secretbox"]["keys"][0]["secret"]
    assert len(base64.b64decode(key)) == 32
