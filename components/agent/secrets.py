"""The Secret of an agent's own secrets, which its pod mounts as files."""

import json
from collections.abc import Mapping
from typing import Any

from components.agent.spec import AgentSpec
from components.labels import agent_labels
from components.naming import secret_name
from components.values import Manifest

SETTING = "moltghost:agentSecrets"
"""The stack's setting that holds every agent's secrets, encrypted, as JSON: `{"<tenant>/<agent>": {name: value}}`."""


class SecretsError(ValueError):
    """What SETTING holds lacks something; the message names it and quotes no value."""


def pick(text: str, agent: str, name: str) -> str:
    """One secret of one agent (`<tenant>/<agent>`), out of what SETTING holds. Raises SecretsError."""
    try:
        every = json.loads(text)
    except ValueError:
        raise SecretsError(f"{SETTING} is not JSON: set it again, whole") from None
    own = every.get(agent) if isinstance(every, dict) else None
    value = own.get(name) if isinstance(own, dict) else None
    if not isinstance(value, str) or not value.strip():
        raise SecretsError(f"{SETTING} holds no value for {name} of {agent}: add it there, as text")
    return value


def build_secret(spec: AgentSpec, data: Mapping[str, Any]) -> Manifest:
    """The Secret that holds `data`: each secret's content in base64, by file name. Contents pass through untouched.

    Its name never changes and it is not immutable: the kubelet then brings a new content to the running pod. Raises
    ValueError if the names are not those the agent has.
    """
    wrong = sorted(set(spec.secrets) ^ set(data))
    if wrong:
        raise ValueError(
            f"{spec.tenant}/{spec.name}: the secrets given and those declared differ in {', '.join(wrong)}"
        )
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": secret_name(spec.name),
            "namespace": spec.namespace,
            "labels": agent_labels(spec.tenant, spec.region, spec.name),
        },
        "type": "Opaque",
        # Not `stringData`: the server keeps no trace of it, so that a key taken out here would stay there.
        "data": dict(data),
    }
