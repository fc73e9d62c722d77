"""Mends moto where it takes something and then doesn't say it, so that what is read is what is there."""

import threading
from typing import Any

from moto.autoscaling.models import AutoScalingBackend
from moto.core.responses import ActionResult
from moto.eks import urls as eks_urls
from moto.eks.models import EKSBackend
from moto.moto_api._internal import urls as server_urls
from moto.rds.models import RDSBackend
from moto.s3.exceptions import ReplicationConfigurationNotFoundError
from moto.s3.responses import S3Response

from infra.local.aws.eks import hosting, reviews
from infra.local.aws.eks.responses import PATHS, EksResponse

_modify_db_subnet_group = RDSBackend.modify_db_subnet_group
_reset_eks = EKSBackend.reset
_tag_groups = AutoScalingBackend.create_or_update_tags
_tagging = threading.Lock()


def mend() -> None:
    """Replace the methods that forget; may be called again."""
    for owner, name, mended in (
        (RDSBackend, "modify_db_subnet_group", _change_and_keep),
        (S3Response, "get_bucket_replication", _say_whole_replication),
        (EKSBackend, "reset", _stop_and_reset),
        (AutoScalingBackend, "create_or_update_tags", _tag_one_at_a_time),
    ):
        setattr(owner, name, mended)
    eks_urls.url_paths.clear()
    eks_urls.url_paths.update(dict.fromkeys(PATHS, EksResponse.dispatch))
    paths: dict[str, Any] = server_urls.url_paths
    paths[reviews.PATH] = reviews.review


def _change_and_keep(backend: Any, subnet_name: str, *changes: Any, **named: Any) -> Any:
    """moto takes a subnet group out of its table to change it, and doesn't put it back."""
    group = _modify_db_subnet_group(backend, subnet_name, *changes, **named)
    backend.subnet_groups[subnet_name] = group
    return group


def _tag_one_at_a_time(backend: Any, tags: Any) -> None:
    """moto reads a group's tags, adds one and writes them back: two at once, and one of them is lost."""
    with _tagging:
        _tag_groups(backend, tags)


def _stop_and_reset(backend: Any) -> None:
    """moto forgets a cluster; what runs of it must go too."""
    if backend.clusters:
        hosting.stop_all()
    _reset_eks(backend)


def _say_whole_replication(response: Any) -> Any:
    """moto keeps every field of a rule and says five of them, two as constants."""
    response.data["Action"] = "GetBucketReplication"
    kept = response.backend.get_bucket_replication(response.bucket_name)
    if not kept:
        raise ReplicationConfigurationNotFoundError(bucket_name=response.bucket_name)
    rules = [{name: value for name, value in rule.items() if not name.startswith("@")} for rule in kept["Rule"]]
    whole = {"ReplicationConfiguration": {"Role": kept["Role"], "Rules": rules}}
    return response.serialized(ActionResult(whole))
