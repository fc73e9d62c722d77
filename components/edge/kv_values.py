"""Records of the edge's key-value namespaces, declared."""

from collections.abc import Iterable

import pulumi
import pulumi_cloudflare as cloudflare

from components.edge.kv import KvRecord


def declare_records(
    records: Iterable[KvRecord], account_id: str, namespace_id: pulumi.Input[str], options: pulumi.ResourceOptions
) -> None:
    """Write records into a namespace."""
    for record in records:
        cloudflare.WorkersKv(
            record.name,
            account_id=account_id,
            namespace_id=namespace_id,
            key_name=record.key,
            value=record.value,
            opts=options,
        )
