"""Clusters on EKS: control planes, node groups, addons, who may use them, and pods' identities.

Types and their inputs are those of https://www.pulumi.com/registry/packages/aws/api-docs/eks/.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from infra.local.providers.aws.resource import At, Change, Input, Raw, Ready, ResourceType, Tagging
from infra.local.providers.aws.shapes import same_json
from infra.local.providers.properties import Properties

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")


def _plain(value: Any) -> Any:
    """EKS writes names as properties are written; what isn't said is left out."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items() if inner is not None}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _open(sent: str = "", live: str | Callable[[Raw], Any] = "", **about: Any) -> Input:
    return Input(sent, live=live, encode=_plain, **about)


def _tags(arn: str) -> Tagging:
    """Tags of something of EKS's; `arn` is where its description has its ARN."""

    def add(at: At, raw: Raw, tags: Mapping[str, str]) -> None:
        at.client.tag_resource(resourceArn=raw[arn], tags=dict(tags))

    def remove(at: At, raw: Raw, names: Sequence[str]) -> None:
        at.client.untag_resource(resourceArn=raw[arn], tagKeys=list(names))

    return Tagging(
        request=lambda tags: {"tags": dict(tags)}, read=lambda _, raw: raw.get("tags") or {}, add=add, remove=remove
    )


def _in_cluster(identifier: str) -> tuple[str, str]:
    """The cluster's name, and what comes after it: a name, or an ARN, which has colons of its own."""
    cluster, _, rest = identifier.partition(":")
    return cluster, rest


# Clusters


def _logging(types: Sequence[str]) -> Properties:
    wanted, rest = sorted(types), sorted(set(LOG_TYPES) - set(types))
    sets = [{"types": wanted, "enabled": True}, {"types": rest, "enabled": False}]
    return {"clusterLogging": [one for one in sets if one["types"]]}


def _log_types(raw: Raw) -> list[str]:
    sets = (raw.get("logging") or {}).get("clusterLogging") or []
    return sorted(one for each in sets if each.get("enabled") for one in each["types"])


def _encryption(raw: Raw) -> Properties | None:
    config = raw.get("encryptionConfig") or []
    return {"provider": config[0]["provider"], "resources": config[0]["resources"]} if config else None


def _create_cluster(at: At, request: Raw, inputs: Properties) -> str:
    if types := inputs.get("enabledClusterLogTypes"):
        request["logging"] = _logging(types)
    at.client.create_cluster(**request)
    return str(inputs["name"])


def _find_cluster(at: At) -> Raw | None:
    return dict(at.client.describe_cluster(name=at.id)["cluster"])


def _configured(name: str, sent: str, encode: Callable[[Any], Any] = _plain) -> Change:
    """A change UpdateClusterConfig takes; it takes one kind at a time."""
    return Change([name], lambda at, new, _: at.client.update_cluster_config(name=at.id, **{sent: encode(new[name])}))


def _change_network(at: At, new: Properties, _: Properties) -> None:
    wanted = _plain(new["vpcConfig"])
    for names in (("subnetIds", "securityGroupIds"), ("endpointPrivateAccess", "endpointPublicAccess")):
        given = {name: wanted[name] for name in names if name in wanted}
        at.client.update_cluster_config(name=at.id, resourcesVpcConfig=given)


def _network(raw: Raw) -> Properties:
    return dict(raw["resourcesVpcConfig"])


def _remote_networks(config: Any) -> dict[str, Any]:
    """Nodes' networks elsewhere as the API takes them: lists of ranges; none where there are none any more."""
    told = _plain(config) or {}
    return {"remoteNodeNetworks": [told["remoteNodeNetworks"]] if told.get("remoteNodeNetworks") else []}


def _remote_network(raw: Raw) -> Properties | None:
    networks = (raw.get("remoteNetworkConfig") or {}).get("remoteNodeNetworks")
    return {"remoteNodeNetworks": networks[0]} if networks else None


CLUSTER = ResourceType(
    service="eks",
    inputs={
        "name": Input("name", named=True, replaces=True),
        "roleArn": Input("roleArn", required=True, replaces=True),
        "version": Input("version"),
        "vpcConfig": _open(
            "resourcesVpcConfig",
            _network,
            required=True,
            unordered=True,
            members=("subnetIds", "securityGroupIds", "endpointPrivateAccess", "endpointPublicAccess"),
        ),
        "accessConfig": _open(
            "accessConfig", members=("authenticationMode", "bootstrapClusterCreatorAdminPermissions")
        ),
        "bootstrapSelfManagedAddons": Input("bootstrapSelfManagedAddons", kept=True, replaces=True),
        "deletionProtection": Input("deletionProtection"),
        "enabledClusterLogTypes": Input(live=_log_types, unordered=True),
        "encryptionConfig": Input(
            "encryptionConfig",
            live=_encryption,
            replaces=True,
            encode=lambda config: [_plain(config)],
            members=("provider", "resources"),
        ),
        "kubernetesNetworkConfig": _open(
            "kubernetesNetworkConfig", replaces=True, members=("serviceIpv4Cidr", "ipFamily")
        ),
        "remoteNetworkConfig": Input(
            "remoteNetworkConfig", live=_remote_network, encode=_remote_networks, members=("remoteNodeNetworks",)
        ),
        "upgradePolicy": _open("upgradePolicy", members=("supportType",)),
    },
    create=_create_cluster,
    find=_find_cluster,
    changes=[
        Change(["version"], lambda at, new, _: at.client.update_cluster_version(name=at.id, version=new["version"])),
        Change(["vpcConfig"], _change_network),
        _configured("enabledClusterLogTypes", "logging", _logging),
        _configured(
            "accessConfig", "accessConfig", lambda config: {"authenticationMode": config["authenticationMode"]}
        ),
        _configured("remoteNetworkConfig", "remoteNetworkConfig", _remote_networks),
        _configured("upgradePolicy", "upgradePolicy"),
        _configured("deletionProtection", "deletionProtection"),
    ],
    delete=lambda at, *_: at.client.delete_cluster(name=at.id),
    tagging=_tags("arn"),
    orphans=lambda _, inputs, *__: [inputs["name"]],
    ready=Ready("status", ("ACTIVE",), ("FAILED",), "health.issues[0].message"),
    outputs={
        "arn": "arn",
        "certificateAuthority": "certificateAuthority",
        "endpoint": "endpoint",
        "platformVersion": "platformVersion",
        "status": "status",
    },
    computed_in={"vpcConfig": ("clusterSecurityGroupId", "vpcId")},
    replace_on=("accessConfig.bootstrapClusterCreatorAdminPermissions",),
)


# Node groups


def _group(at: At) -> Properties:
    cluster, name = _in_cluster(at.id)
    return {"clusterName": cluster, "nodegroupName": name}


def _create_group(at: At, request: Raw, inputs: Properties) -> str:
    at.client.create_nodegroup(**request)
    return f"{inputs['clusterName']}:{inputs['nodeGroupName']}"


def _find_group(at: At) -> Raw | None:
    return dict(at.client.describe_nodegroup(**_group(at))["nodegroup"])


def _resources(_: At, raw: Raw) -> list[Properties]:
    groups = (raw.get("resources") or {}).get("autoScalingGroups") or []
    return [{"autoscalingGroups": [{"name": one["name"]} for one in groups]}]


def _changed_labels(new: Properties, old: Properties) -> Properties:
    wanted, before = new.get("labels") or {}, old.get("labels") or {}
    return {"addOrUpdateLabels": dict(wanted), "removeLabels": sorted(set(before) - set(wanted))}


def _changed_taints(new: Properties, old: Properties) -> Properties:
    wanted, before = _plain(new.get("taints") or []), _plain(old.get("taints") or [])
    kept = {(one["key"], one["effect"]) for one in wanted}
    gone = [one for one in before if (one["key"], one["effect"]) not in kept]
    return {"addOrUpdateTaints": wanted, "removeTaints": gone}


def _reconfigure(at: At, new: Properties, old: Properties) -> None:
    sizes = {name: _plain(new[name]) for name in ("scalingConfig", "updateConfig") if new.get(name)}
    at.client.update_nodegroup_config(
        **_group(at), labels=_changed_labels(new, old), taints=_changed_taints(new, old), **sizes
    )


def _renew(at: At, new: Properties, _: Properties) -> None:
    """Replace every node by one of the new version; pods are moved first, or by force."""
    wanted = {name: _plain(new[name]) for name in ("version", "releaseVersion", "launchTemplate") if new.get(name)}
    at.client.update_nodegroup_version(**_group(at), force=bool(new.get("forceUpdateVersion")), **wanted)


NODE_GROUP = ResourceType(
    service="eks",
    inputs={
        "clusterName": Input("clusterName", required=True, replaces=True),
        "nodeGroupName": Input("nodegroupName", live="nodegroupName", named=True, replaces=True),
        "nodeRoleArn": Input("nodeRole", required=True, replaces=True),
        "subnetIds": Input("subnets", required=True, replaces=True, unordered=True),
        "amiType": Input("amiType", replaces=True),
        "capacityType": Input("capacityType", replaces=True),
        "scalingConfig": _open("scalingConfig", required=True, members=("minSize", "maxSize", "desiredSize")),
        "updateConfig": _open("updateConfig", members=("maxUnavailable", "maxUnavailablePercentage", "updateStrategy")),
        "labels": _open("labels", lambda raw: dict(raw.get("labels") or {})),
        "taints": _open("taints", members=("key", "value", "effect"), unordered=True),
        "version": Input("version"),
        "releaseVersion": Input("releaseVersion"),
        "launchTemplate": _open("launchTemplate", required=True, members=("id", "version")),
        "forceUpdateVersion": Input(kept=True),  # how to change it
    },
    create=_create_group,
    find=_find_group,
    changes=[
        Change(["labels", "taints", "scalingConfig", "updateConfig"], _reconfigure),
        Change(["version", "releaseVersion", "launchTemplate"], _renew),
    ],
    delete=lambda at, *_: at.client.delete_nodegroup(**_group(at)),
    tagging=_tags("nodegroupArn"),
    orphans=lambda _, inputs, *__: [f"{inputs['clusterName']}:{inputs['nodeGroupName']}"],
    ready=Ready("status", ("ACTIVE",), ("CREATE_FAILED", "DELETE_FAILED", "DEGRADED"), "health.issues[0].message"),
    outputs={"arn": "nodegroupArn", "resources": _resources, "status": "status"},
    replace_on=("launchTemplate.id",),
)


# Addons


def _addon(at: At) -> Properties:
    cluster, name = _in_cluster(at.id)
    return {"clusterName": cluster, "addonName": name}


def _create_addon(at: At, request: Raw, inputs: Properties) -> str:
    if how := inputs.get("resolveConflictsOnCreate"):
        request["resolveConflicts"] = how
    at.client.create_addon(**request)
    return f"{inputs['clusterName']}:{inputs['addonName']}"


def _find_addon(at: At) -> Raw | None:
    found = dict(at.client.describe_addon(**_addon(at))["addon"])
    cluster, _ = _in_cluster(at.id)
    identities = [
        at.client.describe_pod_identity_association(clusterName=cluster, associationId=arn.rpartition("/")[2])
        for arn in found.get("podIdentityAssociations") or []
    ]
    return found | {"identities": [one["association"] for one in identities]}


def _identities(raw: Raw) -> list[Properties] | None:
    found = [{"roleArn": one["roleArn"], "serviceAccount": one["serviceAccount"]} for one in raw["identities"]]
    return found or None


def _change_addon(at: At, new: Properties, _: Properties) -> None:
    names = ("addonVersion", "serviceAccountRoleArn", "configurationValues")
    wanted = {name: new[name] for name in names if new.get(name) is not None}
    if how := new.get("resolveConflictsOnUpdate"):
        wanted["resolveConflicts"] = how
    identities = _plain(new.get("podIdentityAssociations") or [])
    at.client.update_addon(**_addon(at), podIdentityAssociations=identities, **wanted)


ADDON = ResourceType(
    service="eks",
    inputs={
        "clusterName": Input("clusterName", required=True, replaces=True),
        "addonName": Input("addonName", required=True, replaces=True),
        "addonVersion": Input("addonVersion"),
        "configurationValues": Input("configurationValues", same=same_json),
        "serviceAccountRoleArn": Input("serviceAccountRoleArn"),
        "podIdentityAssociations": _open(
            "podIdentityAssociations", _identities, members=("roleArn", "serviceAccount"), unordered=True
        ),
        # How to make, change and delete it: nothing EKS keeps.
        "resolveConflictsOnCreate": Input(kept=True),
        "resolveConflictsOnUpdate": Input(kept=True),
        "preserve": Input(kept=True),
    },
    create=_create_addon,
    find=_find_addon,
    changes=[
        Change(
            ["addonVersion", "configurationValues", "serviceAccountRoleArn", "podIdentityAssociations"], _change_addon
        )
    ],
    delete=lambda at, _, inputs: at.client.delete_addon(**_addon(at), preserve=bool(inputs.get("preserve"))),
    tagging=_tags("addonArn"),
    orphans=lambda _, inputs, *__: [f"{inputs['clusterName']}:{inputs['addonName']}"],
    ready=Ready("status", ("ACTIVE",), ("CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED", "DEGRADED")),
    outputs={"arn": "addonArn"},
)


# Who may use a cluster


def _entry(at: At) -> Properties:
    cluster, principal = _in_cluster(at.id)
    return {"clusterName": cluster, "principalArn": principal}


def _create_entry(at: At, request: Raw, inputs: Properties) -> str:
    at.client.create_access_entry(**request)
    return f"{inputs['clusterName']}:{inputs['principalArn']}"


def _change_entry(at: At, new: Properties, _: Properties) -> None:
    names = {"kubernetesGroups": "kubernetesGroups", "userName": "username"}
    wanted = {sent: new[name] for name, sent in names.items() if new.get(name) is not None}
    at.client.update_access_entry(**_entry(at), **wanted)


ACCESS_ENTRY = ResourceType(
    service="eks",
    inputs={
        "clusterName": Input("clusterName", required=True, replaces=True),
        "principalArn": Input("principalArn", required=True, replaces=True),
        "type": Input("type", replaces=True, default="STANDARD"),
        "userName": Input("username"),
        "kubernetesGroups": Input("kubernetesGroups", unordered=True),
    },
    create=_create_entry,
    find=lambda at: dict(at.client.describe_access_entry(**_entry(at))["accessEntry"]),
    changes=[Change(["userName", "kubernetesGroups"], _change_entry)],
    delete=lambda at, *_: at.client.delete_access_entry(**_entry(at)),
    tagging=_tags("accessEntryArn"),
    orphans=lambda _, inputs, *__: [f"{inputs['clusterName']}:{inputs['principalArn']}"],
    outputs={"accessEntryArn": "accessEntryArn"},
)


def _associate(at: At, request: Raw, inputs: Properties) -> str:
    at.client.associate_access_policy(**request)
    return _association_id(inputs)


def _association_id(inputs: Properties) -> str:
    return "#".join(inputs[name] for name in ("clusterName", "principalArn", "policyArn"))


def _find_association(at: At) -> Raw | None:
    cluster, principal, policy = at.id.split("#")
    whose = {"clusterName": cluster, "principalArn": principal}
    found = at.client.list_associated_access_policies(**whose)["associatedAccessPolicies"]
    return next((whose | one for one in found if one["policyArn"] == policy), None)


def _disassociate(at: At, raw: Raw, _: Properties) -> None:
    names = ("clusterName", "principalArn", "policyArn")
    at.client.disassociate_access_policy(**{name: raw[name] for name in names})


ACCESS_POLICY_ASSOCIATION = ResourceType(
    service="eks",
    inputs={
        "clusterName": Input("clusterName", required=True, replaces=True),
        "principalArn": Input("principalArn", required=True, replaces=True),
        "policyArn": Input("policyArn", required=True, replaces=True),
        "accessScope": _open("accessScope", required=True, replaces=True, members=("type", "namespaces")),
    },
    create=_associate,
    find=_find_association,
    delete=_disassociate,
    orphans=lambda _, inputs, *__: [_association_id(inputs)],
)
"""Its id is the form an import takes: `cluster#principal#policy`."""


# Pods' identities


def _identity(at: At) -> Properties:
    cluster, _, identifier = at.id.partition(",")
    return {"clusterName": cluster, "associationId": identifier}


def _create_identity(at: At, request: Raw, inputs: Properties) -> str:
    made = at.client.create_pod_identity_association(**request)["association"]
    return f"{inputs['clusterName']},{made['associationId']}"


def _known_identities(at: At, inputs: Properties, _: str) -> list[str]:
    place = {name: inputs[name] for name in ("clusterName", "namespace", "serviceAccount")}
    found = at.client.list_pod_identity_associations(**place)["associations"]
    return [f"{inputs['clusterName']},{one['associationId']}" for one in found]


def _change_identity(at: At, new: Properties, _: Properties) -> None:
    at.client.update_pod_identity_association(**_identity(at), roleArn=new["roleArn"])


POD_IDENTITY_ASSOCIATION = ResourceType(
    service="eks",
    inputs={
        "clusterName": Input("clusterName", required=True, replaces=True),
        "namespace": Input("namespace", required=True, replaces=True),
        "serviceAccount": Input("serviceAccount", required=True, replaces=True),
        "roleArn": Input("roleArn", required=True),
    },
    create=_create_identity,
    find=lambda at: dict(at.client.describe_pod_identity_association(**_identity(at))["association"]),
    changes=[Change(["roleArn"], _change_identity)],
    delete=lambda at, *_: at.client.delete_pod_identity_association(**_identity(at)),
    tagging=_tags("associationArn"),
    orphans=_known_identities,
    outputs={"associationArn": "associationArn", "associationId": "associationId"},
)
"""Its id is the form an import takes, `cluster,association`."""

TYPES: Mapping[str, ResourceType] = {
    "aws:eks/accessEntry:AccessEntry": ACCESS_ENTRY,
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": ACCESS_POLICY_ASSOCIATION,
    "aws:eks/addon:Addon": ADDON,
    "aws:eks/cluster:Cluster": CLUSTER,
    "aws:eks/nodeGroup:NodeGroup": NODE_GROUP,
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": POD_IDENTITY_ASSOCIATION,
}
