"""The AWS the provider's tests make things at: one moto server, empty for every test."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any

import httpx
import pytest
from moto.server import ThreadedMotoServer

from infra.local.aws.eks import hosting
from infra.local.aws.eks.hosting import Access, Identity
from infra.local.aws.mending import mend
from infra.local.providers.aws.provider import AwsProvider
from infra.local.providers.aws.session import Session
from tests.infra.local.providers.conftest import Program

SERVICES = ("autoscaling", "ec2", "eks", "iam", "kms", "logs", "rds", "s3", "secretsmanager", "ssm", "sts")
ACCOUNT = "123456789012"
"""Whose account moto is."""


def provider_settings(endpoint: str) -> dict[str, str]:
    """The settings the engine hands over: lists and mappings as JSON."""
    return {
        "region": "ap-southeast-1",
        "endpoints": json.dumps([dict.fromkeys(SERVICES, endpoint)]),
        "allowedAccountIds": json.dumps([ACCOUNT]),
        "defaultTags": json.dumps({"tags": {"managed-by": "moltghost"}}),
        "accessKey": "test",
        "secretKey": "test",
    }


class NoMachine:
    """Runs no cluster: for what only EKS's record is asked of."""

    def start(self, cluster: Identity, services: IPv4Network, data_key: bytes | None) -> Access:
        return Access(f"https://{cluster.key}.example", "bm9ib2R5")

    def stop(self, cluster: Identity) -> None: ...

    def join(self, cluster: Identity, nodes: Sequence[dict[str, Any]]) -> None: ...

    def leave(self, cluster: Identity, names: Sequence[str]) -> None: ...

    def install(self, cluster: Identity, objects: Mapping[str, dict[str, Any]]) -> None: ...

    def uninstall(self, cluster: Identity, paths: Iterable[str]) -> None: ...

    def stop_all(self) -> None: ...


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    mend()
    hosting.configure(NoMachine())
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()
    hosting.configure(None)


@pytest.fixture
def endpoint(server: str) -> str:
    """Its URL; nothing is there yet."""
    httpx.post(f"{server}/moto-api/reset", trust_env=False).raise_for_status()
    return server


@pytest.fixture
def provider(endpoint: str) -> Iterator[AwsProvider]:
    provider = AwsProvider()
    provider.configure(provider_settings(endpoint))
    yield provider
    assert provider.session is not None
    provider.session.close()


@pytest.fixture
def program(make_program: Callable[[str, dict[str, str]], Program], endpoint: str) -> Program:
    """A program of the engine that makes things at this AWS."""
    return make_program("aws", provider_settings(endpoint))


@pytest.fixture
def account(endpoint: str) -> Iterator[Session]:
    """Clients of the test's own."""
    session = Session(provider_settings(endpoint))
    yield session
    session.close()
