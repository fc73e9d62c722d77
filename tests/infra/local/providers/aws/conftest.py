"""The AWS the provider's tests make things at: one moto server, empty for every test."""

import json
from collections.abc import Iterator

import httpx
import pytest
from moto.server import ThreadedMotoServer

from infra.local.aws.mending import mend
from infra.local.providers.aws.provider import AwsProvider

SERVICES = ("autoscaling", "ec2", "iam", "kms", "logs", "rds", "s3", "secretsmanager", "ssm", "sts")
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


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    mend()
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


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
