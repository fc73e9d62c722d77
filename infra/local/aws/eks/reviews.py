"""What a cluster's API server is told of a token: who has it, by the cluster's access entries.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/#webhook-token-authentication
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from moto.eks.models import eks_backends
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from infra.local.aws.eks.hosting import REVIEWS, policy_group
from infra.local.aws.eks.record import Entry, parts
from infra.local.aws.eks.tokens import Key, TokenError, caller

PATH = f"{{0}}{REVIEWS}/(?P<account>[0-9]+)/(?P<region>[^/]+)/(?P<cluster>[^/]+)/token-review$"
_PARTITION = "aws"


def review(request: Any, full_url: str, _headers: Any) -> tuple[int, dict[str, str], str]:
    """Answer a TokenReview, as moto's server calls it."""
    url = urlsplit(full_url)
    account, region, cluster = url.path.removeprefix(f"{REVIEWS}/").split("/")[:3]
    asked = json.loads(request.data)
    status = judge(account, region, unquote(cluster), asked["spec"]["token"], request.host)
    answer = {"apiVersion": asked["apiVersion"], "kind": "TokenReview", "status": status}
    return 200, {"content-type": "application/json"}, json.dumps(answer)


def judge(account: str, region: str, name: str, token: str, sts: str) -> dict[str, Any]:
    """The status of a review. `sts` is host and port of the STS whose requests count."""
    try:
        arn = caller(token, name, sts, lambda key: _key(account, key), datetime.now(UTC))
        entry = _entry(account, region, name, principal(arn))
    except TokenError as error:
        print(f"{name}: a token is refused: {error}", flush=True)
        return {"authenticated": False, "error": f"the token is refused: {error}"}
    return {"authenticated": True, "user": user(arn, entry)}


def principal(arn: str) -> str:
    """Whose an ARN of STS's is: of an assumed role's session, the role's own."""
    head, _, rest = arn.partition(":assumed-role/")
    return f"arn:{_PARTITION}:iam::{head.split(':')[4]}:role/{rest.partition('/')[0]}" if rest else arn


def user(arn: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """The Kubernetes user of a caller who has an access entry."""
    session = arn.rpartition("/")[2]
    groups = [*entry["kubernetesGroups"], *(policy_group(policy) for policy in entry["policies"])]
    extra = {"arn": [entry["principalArn"]], "sessionName": [session]}
    return {"username": entry["username"].replace("{{SessionName}}", session), "groups": groups, "extra": extra}


def _entry(account: str, region: str, name: str, who: str) -> Entry:
    cluster = eks_backends[account][region].clusters.get(name)
    for arn, entry in parts(cluster).access.items() if cluster else ():
        # A role's path is no part of what STS says of it.
        if arn.rpartition("/")[2] == who.rpartition("/")[2] and arn.partition("/")[0] == who.partition("/")[0]:
            return entry
    raise TokenError("its caller has no access entry")


def _key(account: str, access: str) -> Key | None:
    """What moto's STS and IAM know of an access key."""
    role = sts_backends[account][_PARTITION].get_assumed_role_from_access_key(access)
    if role:
        expires = role.expiration.replace(tzinfo=UTC)
        return Key(role.secret_access_key, role.arn, role.session_token, expires)
    iam = iam_backends[account][_PARTITION]
    owner = iam.get_user_from_access_key_id(access)
    if owner is None:
        return None
    for key in iam.list_access_keys(owner.name):
        if key.access_key_id == access and key.status == "Active":
            return Key(key.secret_access_key, owner.arn)
    return None
