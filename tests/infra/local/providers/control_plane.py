"""A control plane for the provider's tests: etcd, API server and controllers on free loopback ports."""

import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from infra.local.tools import Tools
from tests.loopback import free_ports
from tests.waiting import eventually

START_TIMEOUT = 60


def tool(name: str) -> Path:
    """The very program the machine would run. One that is still to be made fails the test: it must be there by now."""
    found = Tools().resolve(name).path
    if found is None:
        pytest.fail(f"{name} is neither installed nor in the tool cache: run `moltghost prepare`")
    return found


@dataclass
class ControlPlane:
    """A running API server: how to reach it, and a client of the test's own."""

    kubeconfig: Path
    http: httpx.Client

    def get(self, path: str) -> dict[str, Any] | None:
        answer = self.http.get(path)
        return None if answer.status_code == 404 else answer.raise_for_status().json()

    def object(self, path: str) -> dict[str, Any]:
        found = self.get(path)
        assert found is not None, f"{path} does not exist"
        return found


@contextmanager
def control_plane(folder: Path) -> Iterator[ControlPlane]:
    """Run one for as long as the block lasts; its state in `folder`."""
    ports = free_ports(4)
    token = secrets.token_hex(16)
    key = folder / "service-account.key"
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    (folder / "tokens.csv").write_text(f'{token},tester,1,"system:masters"\n')
    server = f"https://127.0.0.1:{ports[2]}"
    kubeconfig = write_kubeconfig(folder / "kubeconfig", server, token)
    running: list[subprocess.Popen[bytes]] = []
    try:
        running.append(start(folder, "etcd", etcd_command(folder, ports)))
        running.append(start(folder, "apiserver", apiserver_command(folder, ports, key)))
        http = httpx.Client(
            base_url=server,
            headers={"Authorization": f"Bearer {token}"},
            verify=False,  # noqa: S501 - it signed its certificate itself
            trust_env=False,
            timeout=30,
        )
        await_ready(http, running, folder)
        running.append(start(folder, "controllers", controllers_command(kubeconfig, ports, key)))
        yield ControlPlane(kubeconfig, http)
        http.close()
    finally:
        for process in reversed(running):
            process.kill()
            process.wait()


def etcd_command(folder: Path, ports: list[int]) -> list[str]:
    client, peer = (f"http://127.0.0.1:{port}" for port in ports[:2])
    return [
        str(tool("etcd")),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        "--log-level=error",
    ]


def apiserver_command(folder: Path, ports: list[int], key: Path) -> list[str]:
    return [
        str(tool("kube-apiserver")),
        f"--etcd-servers=http://127.0.0.1:{ports[0]}",
        "--bind-address=127.0.0.1",
        f"--secure-port={ports[2]}",
        f"--cert-dir={folder / 'certificates'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",  # as hosted clusters have it: refusing such pods is left to Pod Security
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=198.19.240.0/24",
        "--endpoint-reconciler-type=none",
    ]


def controllers_command(kubeconfig: Path, ports: list[int], key: Path) -> list[str]:
    return [
        str(tool("kube-controller-manager")),
        f"--kubeconfig={kubeconfig}",
        "--bind-address=127.0.0.1",
        f"--secure-port={ports[3]}",
        "--leader-elect=false",
        f"--service-account-private-key-file={key}",
        "--concurrent-namespace-syncs=2",
        "--kube-api-qps=200",
        "--kube-api-burst=200",
    ]


def start(folder: Path, name: str, command: list[str]) -> "subprocess.Popen[bytes]":
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)


def await_ready(http: httpx.Client, running: list["subprocess.Popen[bytes]"], folder: Path) -> None:
    def ready() -> bool:
        for process in running:
            assert process.poll() is None, f"{process.args!r} ended; see {folder}"
        try:
            return all(http.get(path).is_success for path in ("/readyz", "/api/v1/namespaces/default"))
        except httpx.TransportError:
            return False

    eventually(ready, f"the API server is ready; see {folder}", START_TIMEOUT)


def write_kubeconfig(path: Path, server: str, token: str) -> Path:
    document = {
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {"server": server, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "test", "user": {"token": token}}],
    }
    path.write_text(yaml.safe_dump(document))
    return path
