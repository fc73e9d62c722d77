"""An agent's secrets reach the engine marked as secrets, and nothing of them does otherwise."""

import base64
import json

import pulumi

from components.agent.sealed import declare_secret, secrets_of
from tests.components.specs import AGENT
from tests.program.recording import Recording, Secret, record_declaring

VALUES = {"receipt-key.pem": "-----BEGIN PRIVATE KEY-----\nkey\n", "crm-token": "crm-5f0e8c2b"}
EVERY = {"acme/helper": VALUES, "acme/sibling": {"receipt-key.pem": "not for the helper"}}


def declared(text: str) -> Recording:
    """What is registered when the stack's config holds `text`, and the config itself was not even marked."""

    def declare() -> None:
        values = secrets_of(AGENT, pulumi.Output.from_input(text))
        declare_secret(AGENT, values, pulumi.ResourceOptions())

    return record_declaring(declare)


def test_contents_are_secret_for_the_engine_and_right_for_the_cluster() -> None:
    (secret,) = declared(json.dumps(EVERY)).of("kubernetes:core/v1:Secret")
    assert secret.name == "acme-sin-helper-secrets"
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in VALUES.items()}
    assert secret.inputs["data"] == {name: Secret(value) for name, value in encoded.items()}
    assert secret.secret_outputs == ("data",)


def test_nothing_of_them_is_registered_in_the_clear() -> None:
    def clear(value: object) -> str:
        if isinstance(value, Secret):
            return ""
        if isinstance(value, dict):
            return " ".join(f"{name} {clear(each)}" for name, each in value.items())
        return str(value)

    recording = declared(json.dumps(EVERY))
    text = " ".join(clear(each.inputs) for each in recording.resources)
    assert "helper-secrets" in text
    for value in VALUES.values():
        assert value not in text
        assert base64.b64encode(value.encode()).decode() not in text
