"""Whom the provider speaks to: this machine, with credentials it was given, and nobody else."""

import json
from typing import Any

import pytest

from infra.local.providers.aws.provider import AwsProvider
from infra.local.providers.base import InvalidInputsError, ProviderError
from infra.local.providers.properties import UNKNOWN
from tests.infra.local.providers.aws.conftest import provider_settings

NOBODY = "http://127.0.0.1:1"


def test_without_an_endpoint_there_is_no_account_to_fall_back_to() -> None:
    settings = {name: value for name, value in provider_settings(NOBODY).items() if name != "endpoints"}
    with pytest.raises(InvalidInputsError, match="endpoints: is missing"):
        AwsProvider().configure(settings)


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:20010", "http://192.0.2.1", "http://s3.example.test", "127.0.0.1:20010", "http://[::1"]
)
def test_an_endpoint_elsewhere_is_refused_by_name(url: str) -> None:
    settings = {**provider_settings(NOBODY), "endpoints": json.dumps([{"s3": NOBODY}, {"kms": url}])}
    with pytest.raises(InvalidInputsError, match=r"^endpoints\[1\].kms: .* must be an http URL on loopback"):
        AwsProvider().check_config(settings)
    with pytest.raises(InvalidInputsError, match=r"endpoints\[1\].kms"):
        AwsProvider().configure(settings)


@pytest.mark.parametrize("name", ["accessKey", "secretKey"])
def test_credentials_of_the_environment_are_no_substitute(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ambient")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ambient")
    with pytest.raises(InvalidInputsError, match=f"^{name}: must be given$"):
        AwsProvider().configure({**provider_settings(NOBODY), name: ""})


def test_proxies_and_profiles_of_the_environment_are_left_alone(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, NOBODY)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("AWS_PROFILE", "there-is-none")
    provider = AwsProvider()
    provider.configure(provider_settings(endpoint))
    assert provider.session is not None
    assert provider.session.s3.list_buckets()["Buckets"] == []
    provider.session.s3.close()


def test_an_account_that_is_not_allowed_is_refused(endpoint: str) -> None:
    settings = provider_settings(endpoint)
    other = {**settings, "allowedAccountIds": json.dumps(["999999999999"])}
    with pytest.raises(InvalidInputsError, match=r"allowedAccountIds: are 999999999999, .* for account 123456789012"):
        AwsProvider().configure(other)
    without_sts = {**other, "endpoints": json.dumps([{"s3": endpoint, "kms": endpoint}])}
    AwsProvider().configure(without_sts)


def test_an_endpoint_that_does_not_answer_is_an_error_with_its_remedy() -> None:
    with pytest.raises(ProviderError, match=r"endpoints\.sts: .*127\.0\.0\.1:1.*make up"):
        AwsProvider().configure(provider_settings(NOBODY))


@pytest.mark.parametrize("name", ["endpoints", "accessKey"])
def test_settings_known_only_later_are_waited_for(name: str) -> None:
    settings: dict[str, Any] = {**provider_settings(NOBODY), name: UNKNOWN}
    provider = AwsProvider()
    assert provider.check_config(settings) == settings
    provider.configure(settings)
    with pytest.raises(ProviderError, match="settings are not known yet"):
        provider.kind("aws:kms/key:Key")
