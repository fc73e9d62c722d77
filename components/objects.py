"""Declares Kubernetes objects from plain manifests."""

from collections.abc import Mapping
from typing import Any

import pulumi

_CORE = "core/v1"


def token(manifest: Mapping[str, Any]) -> str:
    """The Pulumi type of a manifest: `kubernetes:<group>/<version>:<Kind>`."""
    version = manifest["apiVersion"]
    return f"kubernetes:{_CORE if version == 'v1' else version}:{manifest['kind']}"


def declare(
    name: str, manifest: Mapping[str, Any], opts: pulumi.ResourceOptions, *, shared: bool = False
) -> pulumi.CustomResource:
    """Register a manifest as it is.

    The SDK's typed classes would have it written twice, in snake case; the provider reads the same inputs either way.

    What the stack declares wins over what somebody changed by hand, unless the object is `shared` with a program that
    owns some of its fields: then the two meeting on one field is an error.
    """
    inputs = dict(manifest) if shared else with_annotation(manifest, "pulumi.com/patchForce", "true")
    return pulumi.CustomResource(token(manifest), name, inputs, opts)


def with_annotation(manifest: Mapping[str, Any], key: str, value: str) -> dict[str, Any]:
    """The manifest with one annotation more."""
    metadata = manifest["metadata"]
    annotations = {**metadata.get("annotations", {}), key: value}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}
