"""Who may use a cluster: access entries, and the access policies associated with them."""

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.moto_api._internal import mock_random

from infra.local.aws.eks.hosting import ACCESS_POLICIES
from infra.local.aws.eks.record import Asked, Entry, given, in_use, invalid, missing, now, parts

_TYPES: dict[str, Entry] = {
    "STANDARD": {},
    "HYBRID_LINUX": {"kubernetesGroups": ["system:nodes"], "username": "system:node:{{SessionName}}"},
}
"""What an entry of a type is given that says nothing itself; of machines that are no instance it says who they are:
https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html"""


class Access(Asked):
    """Access entries and their policies."""

    def create_access_entry(self) -> ActionResult:
        """CreateAccessEntry."""
        asked, cluster = self.asked, self.cluster()
        principal = asked["principalArn"]
        entries = parts(cluster).access
        if principal in entries:
            raise in_use("The specified access entry resource is already in use on this cluster.")
        kind, _, name = principal.rpartition(":")[2].partition("/")
        if kind not in ("role", "user") or not name:
            raise invalid(f"The specified principalArn is invalid: {principal} is neither a role nor a user")
        if (entry_type := asked.get("type", "STANDARD")) not in _TYPES:
            raise invalid(f"type: {entry_type} isn't played here; use {' or '.join(_TYPES)}")
        path = f"{cluster.name}/{kind}/{self.backend.account_id}/{name}/{mock_random.uuid4()}"
        entries[principal] = {
            "clusterName": cluster.name,
            "principalArn": principal,
            "kubernetesGroups": [],
            "accessEntryArn": f"arn:aws:eks:{self.region}:{self.backend.account_id}:access-entry/{path}",
            "createdAt": now(),
            "modifiedAt": now(),
            "tags": {},
            "username": _username(principal),
            "type": "STANDARD",
            "policies": {},
            **_TYPES[entry_type],
        } | given(asked, "kubernetesGroups", "username", "type", "tags")
        return ActionResult({"accessEntry": entries[principal]})

    def describe_access_entry(self) -> ActionResult:
        """DescribeAccessEntry."""
        return ActionResult({"accessEntry": self._entry()})

    def list_access_entries(self) -> ActionResult:
        """ListAccessEntries."""
        return ActionResult({"accessEntries": sorted(parts(self.cluster()).access)})

    def update_access_entry(self) -> ActionResult:
        """UpdateAccessEntry."""
        entry = self._entry()
        entry.update(given(self.asked, "kubernetesGroups", "username"), modifiedAt=now())
        return ActionResult({"accessEntry": entry})

    def delete_access_entry(self) -> ActionResult:
        """DeleteAccessEntry: its policies go along."""
        del parts(self.cluster()).access[self._entry()["principalArn"]]
        return EmptyResult()

    def associate_access_policy(self) -> ActionResult:
        """AssociateAccessPolicy; of scopes this machine has the whole cluster alone."""
        asked, entry = self.asked, self._entry()
        policy, scope = asked["policyArn"], asked["accessScope"]
        if policy not in ACCESS_POLICIES:
            raise invalid(f"The policyArn {policy} is invalid; this machine has {', '.join(sorted(ACCESS_POLICIES))}")
        if scope["type"] != "cluster":
            raise invalid(f"accessScope.type: {scope['type']} isn't played here; use cluster")
        entry["policies"][policy] = {
            "policyArn": policy,
            "accessScope": {"type": "cluster", "namespaces": []},
            "associatedAt": now(),
            "modifiedAt": now(),
        }
        return ActionResult(self._about(entry) | {"associatedAccessPolicy": entry["policies"][policy]})

    def disassociate_access_policy(self) -> ActionResult:
        """DisassociateAccessPolicy."""
        entry, policy = self._entry(), self.named("policyArn")
        if entry["policies"].pop(policy, None) is None:
            raise missing(f"No association of {policy} with {entry['principalArn']}")
        return EmptyResult()

    def list_associated_access_policies(self) -> ActionResult:
        """ListAssociatedAccessPolicies."""
        entry = self._entry()
        return ActionResult(self._about(entry) | {"associatedAccessPolicies": list(entry["policies"].values())})

    def _entry(self) -> Entry:
        principal = self.named("principalArn")
        found = parts(self.cluster()).access.get(principal)
        if found is None:
            raise missing(f"The specified principalArn could not be found: {principal}")
        return found

    def _about(self, entry: Entry) -> dict[str, Any]:
        return {"clusterName": entry["clusterName"], "principalArn": entry["principalArn"]}


def _username(principal: str) -> str:
    """What EKS calls a principal's user where no name is given; a role's is told apart by its session.

    https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html
    """
    account, role = principal.split(":")[4], principal.rpartition("/")[2]
    if ":role/" not in principal:
        return principal
    return f"arn:aws:sts::{account}:assumed-role/{role}/{{{{SessionName}}}}"
