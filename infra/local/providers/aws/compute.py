"""EC2's machines: launch templates, instances, network interfaces.

Types and their inputs are those of https://www.pulumi.com/registry/packages/aws/api-docs/ec2/.
"""

import base64
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jmespath

from infra.local.providers.aws.ec2 import arn, created, deleted, described, ec2_tags, marked, one_of
from infra.local.providers.aws.resource import At, Change, Input, Raw, Ready, ResourceType
from infra.local.providers.aws.shapes import from_aws, tag_list, tag_map, to_aws
from infra.local.providers.properties import Properties

ROOT_DEVICE = "/dev/sda1"
"""What moto calls every image's."""

METADATA_OPTIONS = (
    "httpEndpoint", "httpTokens", "httpPutResponseHopLimit", "httpProtocolIpv6", "instanceMetadataTags",
)  # fmt: skip


def _booleans(value: Any) -> Any:
    """The provider's schema has texts where the API has booleans: `encrypted`, `deleteOnTermination` and others."""
    if isinstance(value, Mapping):
        return {key: _booleans(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_booleans(inner) for inner in value]
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _renamed(names: Mapping[str, str], values: list[Mapping[str, Any]] | None) -> list[Properties]:
    return [{names.get(key, key): value for key, value in one.items()} for one in values or ()]


def _interfaces_to_aws(values: list[Mapping[str, Any]]) -> Any:
    return to_aws(_booleans(_renamed({"securityGroups": "groups"}, values)))


def _interfaces_from_aws(raw: Raw) -> Any:
    return _renamed({"groups": "securityGroups"}, from_aws(raw["Data"].get("NetworkInterfaces"))) or None


def _tags_to_aws(values: list[Mapping[str, Any]]) -> Any:
    return [{"ResourceType": one["resourceType"], "Tags": tag_list(one.get("tags") or {})} for one in values]


def _tags_from_aws(raw: Raw) -> Any:
    # moto counts the template's own tags among what it gives to what is made of it
    found = [one for one in raw["Data"].get("TagSpecifications") or [] if one["ResourceType"] != "launch-template"]
    return [{"resourceType": one["ResourceType"], "tags": tag_map(one["Tags"])} for one in found] or None


def _data(name: str, members: tuple[str, ...] = (), **about: Any) -> Input:
    """An input that is a part of the template's data."""
    return Input(f"LaunchTemplateData.{name}", live=about.pop("live", f"Data.{name}"), members=members, **about)


DATA = {
    "imageId": _data("ImageId"),
    "instanceType": _data("InstanceType"),
    "keyName": _data("KeyName"),
    "userData": _data("UserData"),
    "ebsOptimized": _data("EbsOptimized", encode=_booleans),
    "vpcSecurityGroupIds": _data("SecurityGroupIds", unordered=True),
    "iamInstanceProfile": _data("IamInstanceProfile", ("arn", "name")),
    "monitoring": _data("Monitoring", ("enabled",)),
    "metadataOptions": _data("MetadataOptions", METADATA_OPTIONS),
    "placement": _data("Placement", ("availabilityZone", "groupName", "tenancy")),
    "blockDeviceMappings": _data(
        "BlockDeviceMappings",
        ("deviceName", "ebs", "noDevice", "virtualName"),
        encode=lambda value: to_aws(_booleans(value)),
    ),
    "networkInterfaces": _data(
        "NetworkInterfaces",
        ("associatePublicIpAddress", "deleteOnTermination", "description", "deviceIndex", "networkInterfaceId",
         "securityGroups", "subnetId"),
        encode=_interfaces_to_aws,
        live=_interfaces_from_aws,
    ),
    "capacityReservationSpecification": _data(
        "CapacityReservationSpecification", ("capacityReservationPreference", "capacityReservationTarget")
    ),
    "instanceMarketOptions": _data("InstanceMarketOptions", ("marketType", "spotOptions")),
    "tagSpecifications": _data(
        "TagSpecifications", ("resourceType", "tags"), encode=_tags_to_aws, live=_tags_from_aws
    ),
}  # fmt: skip


def _create_template(at: At, request: Raw, _: Properties) -> str:
    request.setdefault("LaunchTemplateData", {})
    return str(at.client.create_launch_template(**request)["LaunchTemplate"]["LaunchTemplateId"])


def _find_template(at: At) -> Raw | None:
    raw = described("describe_launch_templates", "LaunchTemplateIds", "LaunchTemplates")(at)
    if raw is None:
        return None
    answer = at.client.describe_launch_template_versions(LaunchTemplateId=at.id, Versions=["$Latest"])
    latest = answer["LaunchTemplateVersions"][0]
    return raw | {"Data": latest["LaunchTemplateData"], "VersionDescription": latest.get("VersionDescription")}


def _new_version(at: At, new: Properties, _: Properties) -> None:
    data = {about.sent.split(".")[1]: about.encode(new[name]) for name, about in DATA.items() if name in new}
    about = {"VersionDescription": new["description"]} if new.get("description") else {}
    answer = at.client.create_launch_template_version(LaunchTemplateId=at.id, LaunchTemplateData=data, **about)
    if new.get("updateDefaultVersion"):
        number = str(answer["LaunchTemplateVersion"]["VersionNumber"])
        at.client.modify_launch_template(LaunchTemplateId=at.id, DefaultVersion=number)


LAUNCH_TEMPLATE = ResourceType(
    service="ec2",
    inputs={
        "name": Input("LaunchTemplateName", named=True, replaces=True),
        "description": Input("VersionDescription"),
        "updateDefaultVersion": Input(kept=True),  # how to change it
        **DATA,
    },
    create=_create_template,
    find=_find_template,
    changes=[Change(("description", *DATA), _new_version)],
    delete=deleted("delete_launch_template", "LaunchTemplateId"),
    tagging=ec2_tags("launch-template"),
    orphans=marked("describe_launch_templates", "LaunchTemplates[].LaunchTemplateId"),
    outputs={
        "arn": arn("launch-template", "OwnerId"),
        "latestVersion": "LatestVersionNumber",
        "defaultVersion": "DefaultVersionNumber",
    },
    moving=("latestVersion", "defaultVersion"),
)


def _attribute(at: At, name: str) -> Any:
    answer = at.client.describe_instance_attribute(InstanceId=at.id, Attribute=name)
    return answer.get(name[0].upper() + name[1:], {}).get("Value")


def _root_volume(at: At) -> Raw | None:
    wanted = {"attachment.instance-id": at.id, "attachment.device": ROOT_DEVICE}
    filters = [{"Name": name, "Values": [value]} for name, value in wanted.items()]
    found = at.client.describe_volumes(Filters=filters)["Volumes"]
    return {name: found[0][name] for name in ("Encrypted", "VolumeType", "Size")} if found else None


def _find_instance(at: At) -> Raw | None:
    found = jmespath.search("Reservations[].Instances[]", at.client.describe_instances(InstanceIds=[at.id]))
    if not found or found[0]["State"]["Name"] in ("shutting-down", "terminated"):
        return None
    return dict(found[0]) | {
        "Root": _root_volume(at),
        "UserData": _attribute(at, "userData") or None,
        "DisableApiTermination": _attribute(at, "disableApiTermination"),
    }


def _decoded_user_data(raw: Raw) -> str | None:
    return base64.b64decode(raw["UserData"]).decode(errors="replace") if raw["UserData"] else None


def _run(at: At, request: Raw, inputs: Properties) -> str:
    if encoded := inputs.get("userDataBase64"):
        request["UserData"] = base64.b64decode(encoded)  # botocore encodes it again
    instance = at.client.run_instances(**request, MinCount=1, MaxCount=1)["Instances"][0]
    return str(instance["InstanceId"])


def _modify_instance(attribute: str, name: str, plain: bool, at: At, new: Properties, _: Properties) -> None:
    value = new.get(name) if plain else {"Value": bool(new.get(name))}
    at.client.modify_instance_attribute(InstanceId=at.id, **{attribute: value})


def _modified(attribute: str, name: str, *, plain: bool = False, after_create: bool = False) -> Change:
    return Change([name], partial(_modify_instance, attribute, name, plain), after_create)


def _profile_name(raw: Raw) -> str | None:
    profile = raw.get("IamInstanceProfile")
    return profile["Arn"].rsplit("/", 1)[-1] if profile else None


def _primary_interface(raw: Raw) -> Properties | None:
    """The interface it was started with, where that was there before it."""
    found = [each for each in raw.get("NetworkInterfaces", []) if each["Attachment"]["DeviceIndex"] == 0]
    return {"networkInterfaceId": found[0]["NetworkInterfaceId"]} if found else None


def _terminate(at: At, *_: Any) -> None:
    at.client.terminate_instances(InstanceIds=[at.id])


INSTANCE = ResourceType(
    service="ec2",
    inputs={
        "ami": Input("ImageId", required=True, replaces=True),
        "instanceType": Input("InstanceType", required=True, replaces=True),  # AWS stops and starts it; moto's stays
        "subnetId": Input("SubnetId", replaces=True),
        "primaryNetworkInterface": Input(
            "NetworkInterfaces",
            live=_primary_interface,
            members=("networkInterfaceId",),
            encode=lambda value: [{"DeviceIndex": 0, "NetworkInterfaceId": value["networkInterfaceId"]}],
            replaces=True,
        ),
        "availabilityZone": Input("Placement.AvailabilityZone", replaces=True),
        "privateIp": Input("PrivateIpAddress", replaces=True),
        "keyName": Input("KeyName", replaces=True),
        "vpcSecurityGroupIds": Input("SecurityGroupIds", live="SecurityGroups[].GroupId", unordered=True),
        "iamInstanceProfile": Input("IamInstanceProfile.Name", live=_profile_name, replaces=True),
        "userData": Input("UserData", live=_decoded_user_data, replaces=True),
        "userDataBase64": Input(live="UserData", replaces=True),
        "userDataReplaceOnChange": Input(kept=True),  # here a change of the user data always replaces
        "sourceDestCheck": Input(live="SourceDestCheck", default=True),
        "disableApiTermination": Input("DisableApiTermination", live="DisableApiTermination"),
        "metadataOptions": Input("MetadataOptions", members=METADATA_OPTIONS, replaces=True),
        "rootBlockDevice": Input(
            "BlockDeviceMappings",
            live="Root.{encrypted: Encrypted, volumeType: VolumeType, volumeSize: Size}",
            members=("encrypted", "volumeType", "volumeSize"),
            encode=lambda value: [{"DeviceName": ROOT_DEVICE, "Ebs": to_aws(value)}],
            replaces=True,  # AWS changes a volume in place; moto's stays as it was made
        ),
        "maintenanceOptions": Input("MaintenanceOptions", members=("autoRecovery",), kept=True),  # moto forgets it
    },
    create=_run,
    find=_find_instance,
    changes=[
        _modified("Groups", "vpcSecurityGroupIds", plain=True),
        _modified("SourceDestCheck", "sourceDestCheck", after_create=True),
        _modified("DisableApiTermination", "disableApiTermination"),
    ],
    delete=_terminate,
    tagging=ec2_tags("instance"),
    orphans=marked("describe_instances", "Reservations[].Instances[].InstanceId"),
    ready=Ready("State.Name", ("running",), ("terminated", "stopped")),
    outputs={
        "arn": arn("instance"),
        "instanceState": "State.Name",
        "primaryNetworkInterfaceId": "NetworkInterfaces[0].NetworkInterfaceId",
        "privateDns": "PrivateDnsName",
        "publicIp": "PublicIpAddress",
    },
    rules=[one_of("userData", "userDataBase64", needed=False), one_of("subnetId", "primaryNetworkInterface")],
)


def _modify_interface(attribute: str, wrap: Callable[[Any], Any], name: str, at: At, new: Properties, _: Any) -> None:
    at.client.modify_network_interface_attribute(NetworkInterfaceId=at.id, **{attribute: wrap(new.get(name))})


def _value(value: Any) -> Raw:
    return {"Value": value if value is not None else ""}


NETWORK_INTERFACE = ResourceType(
    service="ec2",
    inputs={
        "subnetId": Input("SubnetId", required=True, replaces=True),
        "privateIp": Input("PrivateIpAddress", replaces=True),
        "description": Input("Description"),
        "securityGroups": Input("Groups", live="Groups[].GroupId", unordered=True),
        "sourceDestCheck": Input(live="SourceDestCheck", default=True),
    },
    create=created("create_network_interface", "NetworkInterface.NetworkInterfaceId"),
    find=described("describe_network_interfaces", "NetworkInterfaceIds", "NetworkInterfaces"),
    changes=[
        Change(["securityGroups"], partial(_modify_interface, "Groups", lambda value: value or [], "securityGroups")),
        Change(["sourceDestCheck"], partial(_modify_interface, "SourceDestCheck", _value, "sourceDestCheck"), True),
        Change(["description"], partial(_modify_interface, "Description", _value, "description")),
    ],
    delete=deleted("delete_network_interface", "NetworkInterfaceId"),
    tagging=ec2_tags("network-interface"),
    orphans=marked("describe_network_interfaces", "NetworkInterfaces[].NetworkInterfaceId"),
    outputs={"arn": arn("network-interface"), "macAddress": "MacAddress", "ownerId": "OwnerId"},
)

TYPES: Mapping[str, ResourceType] = {
    "aws:ec2/instance:Instance": INSTANCE,
    "aws:ec2/launchTemplate:LaunchTemplate": LAUNCH_TEMPLATE,
    "aws:ec2/networkInterface:NetworkInterface": NETWORK_INTERFACE,
}
"""`aws:ec2/capacityReservation:CapacityReservation` is missing: moto has no capacity reservations."""
