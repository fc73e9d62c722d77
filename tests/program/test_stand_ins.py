"""What the program declares of AWS and Cloudflare is what the stand-ins of this machine take, input for input."""

from typing import Any

import pytest

from infra.local.providers.aws.provider import AwsProvider
from infra.local.providers.base import Call, Provider
from infra.local.providers.cloudflare.provider import CloudflareProvider
from tests.program.recording import Recording, Secret


def handed_over(value: Any) -> Any:
    """As handlers see it: secrets unwrapped."""
    if isinstance(value, Secret):
        return handed_over(value.value)
    if isinstance(value, dict):
        return {key: handed_over(item) for key, item in value.items()}
    return [handed_over(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("provider", [AwsProvider(), CloudflareProvider()], ids=lambda provider: provider.name)
def test_every_input_is_one_that_is_honoured(provider: Provider, recording: Recording) -> None:
    (declared,) = recording.of(f"pulumi:providers:{provider.name}")
    settings = handed_over(declared.inputs)
    provider.check_config(settings)
    settings.pop("allowedAccountIds", None)  # so that no server is asked whose account it is
    provider.configure(settings)
    resources = [each for each in recording.resources if each.type.startswith(f"{provider.name}:")]
    assert resources
    for each in resources:
        inputs = handed_over(each.inputs)
        assert provider.kind(each.type).check(Call(each.urn, each.type, each.name), inputs, {}) == inputs
