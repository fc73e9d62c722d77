"""The edge's records on the running region: written as the program writes them, without an update of the stack."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from components.edge.kv import KvRecord
from infra.local.cloudflare.requests import API
from infra.local.region import COMMITTED, LocalRegion
from infra.settings import DevSettings, load_settings

OPERATOR = {"Authorization": "Bearer operator"}
"""Whoever speaks to the local API shows a token; it does not ask whose."""


@dataclass(frozen=True)
class Namespace:
    """One of the edge's KV namespaces."""

    url: str

    def put(self, record: KvRecord) -> None:
        """Write a record, or write it anew."""
        httpx.put(self._value(record), content=record.value, headers=OPERATOR, trust_env=False).raise_for_status()

    def delete(self, record: KvRecord) -> None:
        """Take a record out."""
        httpx.delete(self._value(record), headers=OPERATOR, trust_env=False).raise_for_status()

    @contextmanager
    def holding(self, records: Sequence[KvRecord]) -> Iterator[None]:
        """Have these records in it for a while."""
        try:
            for record in records:
                self.put(record)
            yield
        finally:
            for record in records:
                self.delete(record)

    def _value(self, record: KvRecord) -> str:
        return f"{self.url}/values/{quote(record.key, safe='')}"


def namespace(region: LocalRegion, role: str) -> Namespace:
    """The namespace that has this role: `keys`, `routes` or `tenants`."""
    account = load_settings(COMMITTED, DevSettings).edge.account_id
    url = f"http://127.0.0.1:{region.addresses.cloudflare}{API}/accounts/{account}/storage/kv/namespaces"
    listed = httpx.get(url, headers=OPERATOR, trust_env=False).raise_for_status().json()["result"]
    (found,) = [each["id"] for each in listed if each["title"].endswith(f"-{role}")]
    return Namespace(f"{url}/{found}")
