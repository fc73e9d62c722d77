"""Declares Kubernetes objects from plain manifests."""

from collections.abc import Mapping
from typing import Any

import pulumi

_CORE = "core/v1"


def token(manifest: Mapping[str, Any]) -> str:
    """The Pulumi type of a manifest: `kubernetes:<group>/<version>:<Kind>`."""
    version = manifest["apiVersion"]
    return f"kubernetes:{_CORE if version == 'v1' else version}:{manifest['kind']}"


def declare(name: str, manifest: Mapping[str, Any], opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """Register a manifest as it is.

    The SDK's typed classes would have it written twice, in snake case; the provider reads the same inputs either way.
    """
    return pulumi.CustomResource(token(manifest), name, dict(manifest), opts)
