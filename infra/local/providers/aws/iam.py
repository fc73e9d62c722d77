"""Identities: roles, their policies, instance profiles.

Types and their inputs are those of https://www.pulumi.com/registry/packages/aws/api-docs/iam/.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from infra.local.providers.aws.resource import At, Change, Input, Raw, ResourceType, Tagging
from infra.local.providers.aws.shapes import same_json, tag_list, tag_map
from infra.local.providers.properties import Properties

SHORTEST_SESSION_S = 3600
POLICY_VERSIONS = 5
"""The most versions a managed policy may have: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html."""


def _named(inputs: Properties) -> Iterable[str]:
    return [inputs["name"]]


def _moment(raw: Raw) -> str:
    made = raw["CreateDate"]
    return made.isoformat() if isinstance(made, datetime) else str(made)


def _tags(kind: str, parameter: str) -> Tagging:
    """Tags of an IAM resource, by its name or ARN in `parameter`."""

    def add(at: At, _: Raw, tags: Mapping[str, str]) -> None:
        getattr(at.client, f"tag_{kind}")(**{parameter: at.id}, Tags=tag_list(tags))

    def remove(at: At, _: Raw, names: Any) -> None:
        getattr(at.client, f"untag_{kind}")(**{parameter: at.id}, TagKeys=list(names))

    return Tagging(
        request=lambda tags: {"Tags": tag_list(tags)},
        read=lambda _, raw: tag_map(raw.get("Tags") or []),
        add=add,
        remove=remove,
    )


def _document(name: str) -> Callable[[Raw], str]:
    """A policy as text; botocore has parsed it."""
    return lambda raw: raw[name] if isinstance(raw[name], str) else json.dumps(raw[name])


def _created_named(operation: str) -> Callable[[At, Raw, Properties], str]:
    def create(at: At, request: Raw, inputs: Properties) -> str:
        getattr(at.client, operation)(**request)
        return str(inputs["name"])

    return create


def _change_role(at: At, new: Properties, _: Properties) -> None:
    seconds = int(new.get("maxSessionDuration") or SHORTEST_SESSION_S)
    at.client.update_role(RoleName=at.id, Description=new.get("description") or "", MaxSessionDuration=seconds)


def _change_boundary(at: At, new: Properties, _: Properties) -> None:
    if new.get("permissionsBoundary"):
        at.client.put_role_permissions_boundary(RoleName=at.id, PermissionsBoundary=new["permissionsBoundary"])
    else:
        at.client.delete_role_permissions_boundary(RoleName=at.id)


def _delete_role(at: At, _: Raw, inputs: Properties) -> None:
    for profile in at.client.list_instance_profiles_for_role(RoleName=at.id)["InstanceProfiles"]:
        at.client.remove_role_from_instance_profile(InstanceProfileName=profile["InstanceProfileName"], RoleName=at.id)
    if inputs.get("forceDetachPolicies"):
        for policy in at.client.list_attached_role_policies(RoleName=at.id)["AttachedPolicies"]:
            at.client.detach_role_policy(RoleName=at.id, PolicyArn=policy["PolicyArn"])
        for name in at.client.list_role_policies(RoleName=at.id)["PolicyNames"]:
            at.client.delete_role_policy(RoleName=at.id, PolicyName=name)
    at.client.delete_role(RoleName=at.id)


ROLE = ResourceType(
    service="iam",
    inputs={
        "name": Input("RoleName", named=True, replaces=True),
        "assumeRolePolicy": Input(
            "AssumeRolePolicyDocument", live=_document("AssumeRolePolicyDocument"), required=True, same=same_json
        ),
        "description": Input("Description"),
        "path": Input("Path", replaces=True, default="/"),
        "maxSessionDuration": Input("MaxSessionDuration", default=SHORTEST_SESSION_S),
        "permissionsBoundary": Input("PermissionsBoundary", live="PermissionsBoundary.PermissionsBoundaryArn"),
        "forceDetachPolicies": Input(kept=True),  # a wish of the program
    },
    create=_created_named("create_role"),
    find=lambda at: at.client.get_role(RoleName=at.id)["Role"],
    changes=[
        Change(
            ["assumeRolePolicy"],
            lambda at, new, _: at.client.update_assume_role_policy(
                RoleName=at.id, PolicyDocument=new["assumeRolePolicy"]
            ),
        ),
        Change(["description", "maxSessionDuration"], _change_role),
        Change(["permissionsBoundary"], _change_boundary),
    ],
    delete=_delete_role,
    tagging=_tags("role", "RoleName"),
    orphans=lambda _, inputs, *__: _named(inputs),
    outputs={"arn": "Arn", "uniqueId": "RoleId", "createDate": lambda _, raw: _moment(raw)},
)


def _role_policy(at: At) -> tuple[str, str]:
    role, _, name = at.id.partition(":")
    return role, name


def _put_role_policy(at: At, request: Raw, inputs: Properties) -> str:
    at.client.put_role_policy(**request)
    return f"{inputs['role']}:{inputs['name']}"


def _find_role_policy(at: At) -> Raw:
    role, name = _role_policy(at)
    return dict(at.client.get_role_policy(RoleName=role, PolicyName=name))


def _change_role_policy(at: At, new: Properties, _: Properties) -> None:
    role, name = _role_policy(at)
    at.client.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=new["policy"])


def _delete_role_policy(at: At, *_: Any) -> None:
    role, name = _role_policy(at)
    at.client.delete_role_policy(RoleName=role, PolicyName=name)


ROLE_POLICY = ResourceType(
    service="iam",
    inputs={
        "role": Input("RoleName", required=True, replaces=True),
        "name": Input("PolicyName", named=True, replaces=True),
        "policy": Input("PolicyDocument", live=_document("PolicyDocument"), required=True, same=same_json),
    },
    create=_put_role_policy,
    find=_find_role_policy,
    changes=[Change(["policy"], _change_role_policy)],
    delete=_delete_role_policy,
    orphans=lambda _, inputs, *__: [f"{inputs['role']}:{inputs['name']}"],
)
"""`aws:iam/rolePolicy:RolePolicy`; its id is the form an import takes, `role:name`."""


def _find_policy(at: At) -> Raw:
    raw = dict(at.client.get_policy(PolicyArn=at.id)["Policy"])
    version = at.client.get_policy_version(PolicyArn=at.id, VersionId=raw["DefaultVersionId"])["PolicyVersion"]
    return raw | {"Document": version["Document"]}


def _change_policy(at: At, new: Properties, _: Properties) -> None:
    versions = at.client.list_policy_versions(PolicyArn=at.id)["Versions"]
    if len(versions) >= POLICY_VERSIONS:
        oldest = min(
            (one for one in versions if not one["IsDefaultVersion"]), key=lambda one: int(one["VersionId"][1:])
        )
        at.client.delete_policy_version(PolicyArn=at.id, VersionId=oldest["VersionId"])
    at.client.create_policy_version(PolicyArn=at.id, PolicyDocument=new["policy"], SetAsDefault=True)


def _delete_policy(at: At, *_: Any) -> None:
    for one in at.client.list_policy_versions(PolicyArn=at.id)["Versions"]:
        if not one["IsDefaultVersion"]:
            at.client.delete_policy_version(PolicyArn=at.id, VersionId=one["VersionId"])
    at.client.delete_policy(PolicyArn=at.id)


POLICY = ResourceType(
    service="iam",
    inputs={
        "name": Input("PolicyName", named=True, replaces=True),
        "path": Input("Path", replaces=True, default="/"),
        "description": Input("Description", replaces=True, default="Managed by Pulumi"),
        "policy": Input("PolicyDocument", live=_document("Document"), required=True, same=same_json),
    },
    create=lambda at, request, _: at.client.create_policy(**request)["Policy"]["Arn"],
    find=_find_policy,
    changes=[Change(["policy"], _change_policy)],
    delete=_delete_policy,
    tagging=_tags("policy", "PolicyArn"),
    orphans=lambda at, inputs, _: [f"arn:aws:iam::{at.session.account}:policy{inputs['path']}{inputs['name']}"],
    outputs={"arn": "Arn", "policyId": "PolicyId", "attachmentCount": "AttachmentCount"},
)


def _attach(at: At, request: Raw, inputs: Properties) -> str:
    at.client.attach_role_policy(**request)
    return f"{inputs['role']}/{inputs['policyArn']}"


def _find_attachment(at: At) -> Raw | None:
    role, _, policy = at.id.partition("/")
    for page in at.client.get_paginator("list_attached_role_policies").paginate(RoleName=role):
        if any(one["PolicyArn"] == policy for one in page["AttachedPolicies"]):
            return {"RoleName": role, "PolicyArn": policy}
    return None


ROLE_POLICY_ATTACHMENT = ResourceType(
    service="iam",
    inputs={
        "role": Input("RoleName", required=True, replaces=True),
        "policyArn": Input("PolicyArn", required=True, replaces=True),
    },
    create=_attach,
    find=_find_attachment,
    delete=lambda at, raw, _: at.client.detach_role_policy(**raw),
    orphans=lambda _, inputs, *__: [f"{inputs['role']}/{inputs['policyArn']}"],
)
"""`aws:iam/rolePolicyAttachment:RolePolicyAttachment`; its id is the form an import takes, `role/policy-arn`."""


def _set_profile_role(at: At, new: Properties, old: Properties) -> None:
    if old.get("role"):
        at.client.remove_role_from_instance_profile(InstanceProfileName=at.id, RoleName=old["role"])
    if new.get("role"):
        at.client.add_role_to_instance_profile(InstanceProfileName=at.id, RoleName=new["role"])


def _delete_profile(at: At, raw: Raw, _: Properties) -> None:
    for role in raw.get("Roles") or []:
        at.client.remove_role_from_instance_profile(InstanceProfileName=at.id, RoleName=role["RoleName"])
    at.client.delete_instance_profile(InstanceProfileName=at.id)


INSTANCE_PROFILE = ResourceType(
    service="iam",
    inputs={
        "name": Input("InstanceProfileName", named=True, replaces=True),
        "path": Input("Path", replaces=True, default="/"),
        "role": Input(live="Roles[0].RoleName"),
    },
    create=_created_named("create_instance_profile"),
    find=lambda at: at.client.get_instance_profile(InstanceProfileName=at.id)["InstanceProfile"],
    changes=[Change(["role"], _set_profile_role, after_create=True)],
    delete=_delete_profile,
    tagging=_tags("instance_profile", "InstanceProfileName"),
    orphans=lambda _, inputs, *__: _named(inputs),
    outputs={"arn": "Arn", "uniqueId": "InstanceProfileId", "createDate": lambda _, raw: _moment(raw)},
)

TYPES: Mapping[str, ResourceType] = {
    "aws:iam/instanceProfile:InstanceProfile": INSTANCE_PROFILE,
    "aws:iam/policy:Policy": POLICY,
    "aws:iam/role:Role": ROLE,
    "aws:iam/rolePolicy:RolePolicy": ROLE_POLICY,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ROLE_POLICY_ATTACHMENT,
}
