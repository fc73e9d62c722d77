"""The AWS account the provider was configured for: clients at its endpoints, default tags, the mark of ownership."""

import json
import os
import threading
from collections.abc import Mapping
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.session import Session as BotoSession

from infra.local.providers.base import Failure, InvalidInputsError, ProviderError, owner
from infra.local.providers.properties import UNKNOWN, Path, Properties
from infra.loopback import is_loopback_http

OWNER_TAG = "moltghost:urn-sha256"
"""Says which resource of the program a thing was made for, so that one made by a killed engine is found again."""
_LOCAL_ONLY = "the local aws provider acts on local endpoints only, never on an account"
# A person's own AWS files and profile are for real accounts: no client of ours reads them.
_SESSION = BotoSession(
    {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
)


class Session:
    """Clients by the provider's settings, which `check_settings` has passed; nothing of the environment counts."""

    def __init__(self, settings: Properties) -> None:
        self.settings = settings
        self.region = settings.get("region") or "us-east-1"
        self.endpoints = {service: url for _, service, url in _endpoints(settings)}
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()  # making a client of a shared session isn't thread-safe

    def require_account(self) -> None:
        """Ask STS, where there is an endpoint for it, whose account this is. Raises InvalidInputsError, ProviderError.

        One that `allowedAccountIds` does not name is refused.
        """
        allowed = _decoded(self.settings.get("allowedAccountIds"))
        if not allowed or "sts" not in self.endpoints:
            return
        try:
            account = self.account
        except BotoCoreError as error:
            raise ProviderError(f"endpoints.sts: {error}; run `make up` to start it") from None
        if account not in allowed:
            reason = f"are {', '.join(allowed)}, but the endpoint answers for account {account}"
            raise InvalidInputsError([Failure(("allowedAccountIds",), reason)])

    @property
    def default_tags(self) -> dict[str, str]:
        """Tags every resource gets."""
        return dict((_decoded(self.settings.get("defaultTags")) or {}).get("tags") or {})

    @property
    def account(self) -> str:
        """The account's id, as STS says it."""
        return str(self.client("sts").get_caller_identity()["Account"])

    @property
    def s3(self) -> Any:
        """The S3 client."""
        return self.client("s3")

    @property
    def kms(self) -> Any:
        """The KMS client."""
        return self.client("kms")

    def client(self, service: str, region: str = "") -> Any:
        """The client of a service, in the provider's region if no other is asked for. Raises InvalidInputsError."""
        at = (service, region or self.region)
        with self._lock:
            if at not in self._clients:
                self._clients[at] = self._client(*at)
            return self._clients[at]

    def close(self) -> None:
        """Close every client's connections."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def tags_all(self, inputs: Properties) -> dict[str, str]:
        """The tags of a resource, those of the provider included."""
        return self.default_tags | (inputs.get("tags") or {})

    def owned_tags(self, urn: str, inputs: Properties) -> dict[str, str]:
        """`tags_all` and the mark of ownership."""
        return self.tags_all(inputs) | {OWNER_TAG: owner(urn)}

    def _client(self, service: str, region: str) -> Any:
        if service not in self.endpoints:
            reason = f"has no {service!r}; {_LOCAL_ONLY}"
            raise InvalidInputsError([Failure(("endpoints",), reason)])
        return _SESSION.create_client(
            service,
            endpoint_url=self.endpoints[service],
            region_name=region,
            aws_access_key_id=self.settings["accessKey"],
            aws_secret_access_key=self.settings["secretKey"],
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2}, proxies={}),
        )


def check_settings(settings: Properties) -> None:
    """Refuse settings that could reach an account. Raises InvalidInputsError naming each; values may be UNKNOWN."""
    failures = [Failure((name,), "must be given") for name in ("accessKey", "secretKey") if not settings.get(name)]
    if settings.get("endpoints") is not UNKNOWN:
        endpoints = _endpoints(settings)
        if not endpoints:
            failures.append(Failure(("endpoints",), f"is missing; {_LOCAL_ONLY}"))
        for path, _, url in endpoints:
            if url is not UNKNOWN and not is_loopback_http(url):
                failures.append(Failure(path, f"{url!r} must be an http URL on loopback; {_LOCAL_ONLY}"))
    if failures:
        raise InvalidInputsError(failures)


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


def _endpoints(settings: Properties) -> list[tuple[Path, str, Any]]:
    """Where in the settings an endpoint stands, of which service it is, and its URL."""
    return [
        (("endpoints", at, service), service, url)
        for at, one in enumerate(_decoded(settings.get("endpoints")) or [])
        for service, url in one.items()
        if url
    ]
