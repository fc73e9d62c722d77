"""Addons and pods' identities.

Of an addon only what its driver is known by is installed: the programs are AWS's own, and simulated nodes run none.
"""

from typing import Any

from moto.core.responses import ActionResult
from moto.eks.models import Cluster
from moto.moto_api._internal import mock_random

from infra.local.aws.eks import ebs, hosting
from infra.local.aws.eks.clusters import cluster_named, identity, update
from infra.local.aws.eks.record import Asked, Entry, given, in_use, missing, now, parts
from infra.local.cluster import s3_driver

ADDON_NAMESPACE = "kube-system"
INSTALLED: dict[str, dict[str, dict[str, Any]]] = {
    "aws-ebs-csi-driver": {ebs.DRIVER_OBJECT: ebs.build_driver()},
    "aws-mountpoint-s3-csi-driver": {s3_driver.OBJECT: s3_driver.build_object()},
}
"""Objects of an addon, by their API paths."""
_ID_LENGTH = 20


class Addons(Asked):
    """Addons, each with the identities of its pods."""

    def create_addon(self) -> ActionResult:
        """CreateAddon."""
        asked, cluster = self.asked, cluster_named(self.backend, self.named("name"))
        name, addons = asked["addonName"], parts(cluster).addons
        if name in addons:
            raise in_use("Addon already exists.")
        arn = f"arn:aws:eks:{self.region}:{self.backend.account_id}:addon/{cluster.name}/{name}/{mock_random.uuid4()}"
        addons[name] = {
            "addonName": name,
            "clusterName": cluster.name,
            "status": "ACTIVE",
            "health": {"issues": []},
            "addonArn": arn,
            "createdAt": now(),
            "modifiedAt": now(),
            "tags": {},
        } | given(asked, "addonVersion", "serviceAccountRoleArn", "configurationValues", "tags")
        self._identify(cluster, addons[name], asked.get("podIdentityAssociations") or [])
        hosting.current().install(identity(self.backend, cluster.name), INSTALLED.get(name, {}))
        return ActionResult({"addon": addons[name]})

    def describe_addon(self) -> ActionResult:
        """DescribeAddon."""
        return ActionResult({"addon": self._addon()})

    def list_addons(self) -> ActionResult:
        """ListAddons."""
        return ActionResult({"addons": sorted(parts(self.cluster()).addons)})

    def update_addon(self) -> ActionResult:
        """UpdateAddon."""
        asked, addon = self.asked, self._addon()
        addon.update(given(asked, "addonVersion", "serviceAccountRoleArn", "configurationValues"), modifiedAt=now())
        if asked.get("podIdentityAssociations") is not None:
            self._identify(self.cluster(), addon, asked["podIdentityAssociations"])
        return update("AddonUpdate")

    def delete_addon(self) -> ActionResult:
        """DeleteAddon: the identities it owns go along."""
        cluster, addon = self.cluster(), self._addon()
        self._identify(cluster, addon, [])
        hosting.current().uninstall(identity(self.backend, cluster.name), INSTALLED.get(addon["addonName"], {}))
        del parts(cluster).addons[addon["addonName"]]
        return ActionResult({"addon": addon | {"status": "DELETING"}})

    def _addon(self) -> Entry:
        name = self.named("addonName")
        found = parts(self.cluster()).addons.get(name)
        if found is None:
            raise missing(f"No addon: {name} found in cluster: {self.named('name')}")
        return found

    def _identify(self, cluster: Cluster, addon: Entry, wanted: list[dict[str, Any]]) -> None:
        identities = parts(cluster).identities
        for old in [key for key, entry in identities.items() if entry.get("ownerArn") == addon["addonArn"]]:
            del identities[old]
        owned = {"ownerArn": addon["addonArn"], "namespace": ADDON_NAMESPACE, "tags": {}}
        made = [new_identity(self, cluster, {**each, **owned}) for each in wanted]
        addon["podIdentityAssociations"] = [each["associationArn"] for each in made]


class Identities(Asked):
    """Pod identity associations."""

    def create_pod_identity_association(self) -> ActionResult:
        """CreatePodIdentityAssociation; a service account has one at most."""
        asked, cluster = self.asked, self.cluster()
        place = (asked["namespace"], asked["serviceAccount"])
        if any((one["namespace"], one["serviceAccount"]) == place for one in parts(cluster).identities.values()):
            raise in_use(f"Association already exists: {'/'.join(place)}")
        return ActionResult({"association": new_identity(self, cluster, asked)})

    def describe_pod_identity_association(self) -> ActionResult:
        """DescribePodIdentityAssociation."""
        return ActionResult({"association": self._association()})

    def list_pod_identity_associations(self) -> ActionResult:
        """ListPodIdentityAssociations."""
        wanted = {name: self._get_param(name) for name in ("namespace", "serviceAccount") if self._get_param(name)}
        found = [
            entry
            for entry in parts(self.cluster()).identities.values()
            if all(entry[name] == value for name, value in wanted.items())
        ]
        return ActionResult({"associations": found})

    def update_pod_identity_association(self) -> ActionResult:
        """UpdatePodIdentityAssociation."""
        entry = self._association()
        entry.update(given(self.asked, "roleArn", "disableSessionTags", "targetRoleArn"), modifiedAt=now())
        return ActionResult({"association": entry})

    def delete_pod_identity_association(self) -> ActionResult:
        """DeletePodIdentityAssociation."""
        entry = self._association()
        del parts(self.cluster()).identities[entry["associationId"]]
        return ActionResult({"association": entry})

    def _association(self) -> Entry:
        found = parts(self.cluster()).identities.get(self.named("associationId"))
        if found is None:
            raise missing(f"No pod identity association {self.named('associationId')}")
        return found


def new_identity(about: Asked, cluster: Cluster, asked: dict[str, Any]) -> Entry:
    """Record that pods of a service account have a role."""
    identifier = f"a-{mock_random.get_random_string(length=_ID_LENGTH).lower()}"
    arn = f"arn:aws:eks:{about.region}:{about.backend.account_id}:podidentityassociation/{cluster.name}/{identifier}"
    names = ("namespace", "serviceAccount", "roleArn", "tags", "ownerArn", "disableSessionTags", "targetRoleArn")
    entry: Entry = {"clusterName": cluster.name, "associationId": identifier, "associationArn": arn, "tags": {}}
    entry |= {"createdAt": now(), "modifiedAt": now(), "disableSessionTags": False, **given(asked, *names)}
    parts(cluster).identities[identifier] = entry
    return entry
