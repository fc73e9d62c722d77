"""What is known of a cluster beside what moto keeps, and how it is found."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.eks import exceptions
from moto.eks.models import Cluster, EKSBackend
from moto.eks.responses import EKSResponse

Entry = dict[str, Any]
"""A thing in the words of EKS's API."""


@dataclass
class Parts:
    """What belongs to one cluster, by the name or id it is asked for by."""

    addons: dict[str, Entry] = field(default_factory=dict)
    access: dict[str, Entry] = field(default_factory=dict)
    """Access entries by principal; `policies` in each are its associated access policies by ARN."""
    identities: dict[str, Entry] = field(default_factory=dict)
    """Pod identity associations."""


def now() -> datetime:
    """The time of a change."""
    return datetime.now(UTC)


def missing(message: str) -> Exception:
    """EKS's answer for what isn't there."""
    return exceptions.ResourceNotFoundException(message=message)


def invalid(message: str) -> Exception:
    """EKS's answer for a parameter that can't be."""
    return exceptions.InvalidParameterException(message=message)


def refused(message: str) -> Exception:
    """EKS's answer for what can't be done now."""
    return exceptions.InvalidRequestException(message=message)


def in_use(message: str) -> Exception:
    """EKS's answer for what is there already, or still needed."""
    return exceptions.ResourceInUseException(message=message)


class Asked(EKSResponse):
    """A request to EKS: what the operations below have in common."""

    @property
    def asked(self) -> dict[str, Any]:
        """The body."""
        return dict(json.loads(self.body or "{}"))

    @property
    def backend(self) -> EKSBackend:
        """The record of the account in the region."""
        return self.eks_backend

    def named(self, field: str) -> str:
        """A part of the path."""
        return str(self._get_param(field))

    def cluster(self) -> Cluster:
        """The cluster the path names. Raises where there is none."""
        return cluster_of(self.backend, self.named("name"))


def cluster_of(backend: EKSBackend, name: str) -> Cluster:
    """A cluster by its name. Raises what EKS answers where there is none."""
    found = backend.clusters.get(name)
    if found is None:
        raise missing(f"No cluster found for name: {name}.")
    return found


def parts(cluster: Cluster) -> Parts:
    """What belongs to the cluster beside what moto knows of it."""
    own = cluster.__dict__.setdefault("parts", Parts())
    if not isinstance(own, Parts):
        raise TypeError("moto has come to keep `parts` of a cluster itself")
    return own


def tagged(backend: EKSBackend) -> Iterator[tuple[str, dict[str, str]]]:
    """Every ARN there is, and its tags, to be changed in place."""
    for cluster in backend.clusters.values():
        yield cluster.arn, cluster.tags
        yield from ((group.arn, group.tags) for group in cluster.nodegroups.values())
        own = parts(cluster)
        for entries, arn in (
            (own.addons, "addonArn"),
            (own.access, "accessEntryArn"),
            (own.identities, "associationArn"),
        ):
            yield from ((entry[arn], entry["tags"]) for entry in entries.values())


def given(asked: Mapping[str, Any], *names: str) -> Entry:
    """The fields that were asked for."""
    return {name: asked[name] for name in names if asked.get(name) is not None}
