"""Agents that must not start: each tells its reason where Kubernetes shows it, and is never Ready."""

import base64
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runtime.contract import env
from tests.e2e.conftest import Cluster, Customer
from tests.e2e.spare import Spare, live

pytestmark = pytest.mark.cluster


def tamper_skill(spare: Spare) -> None:
    (key, content) = next(pair for pair in spare.skill_files().items() if pair[0].endswith("index.js"))
    spare.set_skill_file(key, base64.b64encode(base64.b64decode(content) + b"\n// more").decode())


def other_key(spare: Spare) -> None:
    public = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    spare.set_env(env.SKILLS_KEY, base64.b64encode(public).decode())


def other_digest(spare: Spare) -> None:
    spare.set_env(env.MODEL_DIGEST, "sha256:" + "0" * 64)


def tamper_weights(spare: Spare) -> None:
    spare.tamper_weights()


def too_long_context(spare: Spare) -> None:
    spare.set_env(env.CONTEXT_TOKENS, "1048576")


CASES: dict[str, tuple[Callable[[Spare], None], str]] = {
    "tampered-skill": (tamper_skill, "index.js: was changed since"),
    "skills-of-another-key": (other_key, "is not signed with the key"),
    "wrong-model": (other_digest, "no model has the digest sha256:00000000"),
    "tampered-weights": (tamper_weights, "its content is another"),
    "too-long-context": (too_long_context, "context of"),
}


@pytest.mark.parametrize("name", CASES)
def test_an_agent_does_not_start_with_a(cluster: Cluster, customers: dict[str, Customer], name: str) -> None:
    change, reason = CASES[name]
    life = live(cluster, customers["acme"], name, change)
    assert (life.was_ready, life.phase) == (False, "Failed"), life
    assert reason in life.message


def test_the_same_copy_unchanged_is_ready(cluster: Cluster, customers: dict[str, Customer]) -> None:
    life = live(cluster, customers["acme"], "unchanged", lambda _: None)
    assert (life.was_ready, life.phase, life.message) == (True, "Running", "")
