"""An agent's secrets on their way from the stack's config to the cluster: Pulumi secrets all along."""

import base64
from collections.abc import Mapping
from functools import partial

import pulumi

from components.agent.secrets import SecretsError, build_secret, pick
from components.agent.spec import AgentSpec
from components.naming import resource_name, secret_name
from components.objects import declare


def secrets_of(spec: AgentSpec, every_agents: pulumi.Output[str]) -> dict[str, pulumi.Output[str]]:
    """The agent's own secrets by name, out of the JSON that holds every agent's: `{"<tenant>/<agent>": {name: value}}`.

    A value that is not there ends the program with pulumi.RunError, which names it.
    """
    agent = f"{spec.tenant}/{spec.name}"
    return {name: _sealed(every_agents).apply(partial(_pick, agent, name)) for name in spec.secrets}


def declare_secret(
    spec: AgentSpec, values: Mapping[str, pulumi.Output[str]], opts: pulumi.ResourceOptions
) -> pulumi.CustomResource:
    """Register the agent's Secret. Contents reach the engine marked as secrets, so that its state holds them encrypted.

    Raises ValueError if `values` are not those the agent has.
    """
    data = {name: _sealed(value).apply(_base64) for name, value in values.items()}
    kept_secret = pulumi.ResourceOptions(additional_secret_outputs=["data"])
    return declare(
        resource_name(spec.tenant, spec.region, secret_name(spec.name)),
        build_secret(spec, data),
        pulumi.ResourceOptions.merge(opts, kept_secret),
    )


def _sealed(value: pulumi.Output[str]) -> pulumi.Output[str]:
    # Marked here too, whatever the caller did.
    sealed: pulumi.Output[str] = pulumi.Output.secret(value)
    return sealed


def _pick(agent: str, name: str, text: str) -> str:
    try:
        return pick(text, agent, name)
    except SecretsError as error:
        raise pulumi.RunError(str(error)) from None


def _base64(value: str) -> str:
    return base64.b64encode(value.encode()).decode()
