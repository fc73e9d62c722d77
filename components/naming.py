"""Every name the program gives, made in one place."""

import hashlib
import re

MAX_LENGTH = 63
"""Longest DNS label, and so the longest name, label value and bucket name we give."""

LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
"""RFC 1035: what Kubernetes asks of a Service's name, the strictest of those we give."""

PLATFORM = "platform"
"""Owner of what belongs to no tenant; no tenant may be called so."""

_HASH_LENGTH = 10


def is_label(text: str) -> bool:
    """Whether `text` is a DNS label of at most 63 characters that starts with a letter."""
    return len(text) <= MAX_LENGTH and LABEL.fullmatch(text) is not None


def resource_name(owner: str, region: str, role: str) -> str:
    """`<owner>-<region>-<role>`, a DNS label of at most 63 characters, different for different parts.

    `owner` is a tenant or PLATFORM. A hash of the parts is added where the plain form could be read in two ways (a
    hyphen in owner or region) or is too long, so that no two share a name. Raises ValueError if a part is no DNS label.
    """
    parts = (owner, region, role)
    for part in parts:
        if LABEL.fullmatch(part) is None:
            raise ValueError(
                f"{part!r} cannot be part of a name: it must be a DNS label (lower-case letters, digits, hyphens)"
            )
    plain = "-".join(parts)
    if len(plain) <= MAX_LENGTH and "-" not in owner + region:
        return plain
    digest = hashlib.sha256("/".join(parts).encode()).hexdigest()[:_HASH_LENGTH]
    return f"{plain[: MAX_LENGTH - _HASH_LENGTH - 1].rstrip('-')}-{digest}"


def claim_name(agent: str) -> str:
    """The name of the volume claim the sandbox controller makes for an agent: `<template>-<sandbox>`."""
    return f"{CLAIM_TEMPLATE}-{agent}"


def egress_policy_name(agent: str) -> str:
    """The name of the NetworkPolicy of what one agent may reach."""
    return f"{agent}-egress"


def config_name(agent: str) -> str:
    """The name of the ConfigMap of an agent's configuration."""
    return f"{agent}-config"


def secret_name(agent: str) -> str:
    """The name of the Secret of an agent's own secrets."""
    return f"{agent}-secrets"


def model_claim_name(model: str) -> str:
    """The name of the claim on a model's weights in a bucket."""
    return f"model-{model}"


def skills_name(agent: str, digest: str) -> str:
    """The name of the ConfigMap of an agent's skills: another content has another name."""
    return f"{agent}-skills-{digest[:_HASH_LENGTH]}"


CLAIM_TEMPLATE = "data"
"""Name of the one volume claim template of an agent."""
