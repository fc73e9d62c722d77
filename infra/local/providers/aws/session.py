"""The AWS account the provider was configured for: clients at its endpoints, default tags, the mark of ownership."""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from infra.local.providers.base import Failure, InvalidInputsError
from infra.local.providers.properties import Properties

OWNER_TAG = "moltghost:urn-sha256"
"""Says which resource of the program a thing was made for, so that one made by a killed engine is found again."""


class Session:
    """Clients by the provider's settings. Raises InvalidInputsError when no endpoint is set: this is a stand-in."""

    def __init__(self, settings: Properties) -> None:
        self.settings = settings
        self.region = settings.get("region") or "us-east-1"
        self.endpoints = _endpoints(_decoded(settings.get("endpoints")))
        if not self.endpoints:
            reason = "is missing; the local aws provider acts on a local endpoint only, never on an account"
            raise InvalidInputsError([Failure(("endpoints",), reason)])

    @property
    def default_tags(self) -> dict[str, str]:
        """Tags every resource gets."""
        return dict((_decoded(self.settings.get("defaultTags")) or {}).get("tags") or {})

    @cached_property
    def s3(self) -> Any:
        """The S3 client."""
        return self._client("s3")

    @cached_property
    def kms(self) -> Any:
        """The KMS client."""
        return self._client("kms")

    def tags_all(self, inputs: Properties) -> dict[str, str]:
        """The tags of a resource, those of the provider included."""
        return self.default_tags | (inputs.get("tags") or {})

    def owned_tags(self, urn: str, inputs: Properties) -> dict[str, str]:
        """`tags_all` and the mark of ownership."""
        return self.tags_all(inputs) | {OWNER_TAG: owner(urn)}

    def _client(self, service: str) -> Any:
        if service not in self.endpoints:
            reason = f"has no {service!r}; the local aws provider acts on a local endpoint only"
            raise InvalidInputsError([Failure(("endpoints",), reason)])
        return boto3.client(
            service,
            endpoint_url=self.endpoints[service],
            region_name=self.region,
            aws_access_key_id=self.settings.get("accessKey"),
            aws_secret_access_key=self.settings.get("secretKey"),
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2}),
        )


def owner(urn: str) -> str:
    """The value of the ownership tag: a URN has characters that a tag may not have."""
    return hashlib.sha256(urn.encode()).hexdigest()


def declared_tags(inputs: Properties, live: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, str]:
    """The tags a read reports as inputs: the live ones, less the mark and the provider's own."""
    declared = inputs.get("tags") or {}
    return {
        name: value
        for name, value in live.items()
        if name != OWNER_TAG and (name in declared or defaults.get(name) != value)
    }


def _decoded(value: Any) -> Any:
    """Provider settings that are no strings come as JSON text."""
    return json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value


def _endpoints(value: Any) -> dict[str, str]:
    merged: dict[str, str] = {}
    for one in value or []:
        merged |= {service: url for service, url in one.items() if url}
    return merged
