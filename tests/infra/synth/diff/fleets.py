"""Records of a small fleet, made by hand, and of what becomes of it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from policies.record import Resource, Secret, Stack, Unknown, Value

CUSTOMERS = 300
KEY = "urn:pulumi:{stack}::moltghost::aws:kms/key:Key::{stack}-use1-key"
CONFIG = "worker {\n  listen 8080\n  limit 10\n  log off\n}\n"


def resource(stack: str, type_: str, name: str, inputs: Mapping[str, Value], **rest: Any) -> Resource:
    """A resource of a stack, with nothing special about it."""
    made = Resource(
        urn=f"urn:pulumi:{stack}::moltghost::{type_}::{name}",
        type=type_,
        name=name,
        parent=None,
        provider=f"urn:pulumi:{stack}::moltghost::pulumi:providers:aws::platform-use1-aws",
        dependencies=(),
        property_dependencies={},
        inputs=inputs,
        protect=False,
        options={},
        custom=True,
    )
    return replace(made, **rest)


def object_of(kind: str, api: str, name: str, **rest: Value) -> dict[str, Value]:
    """A Kubernetes object's inputs."""
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "agents"}, **rest}


def policy(stack: str, actions: list[str]) -> Unknown:
    """A bucket's policy, which names a key nobody knows yet."""
    key = KEY.format(stack=stack)
    statement = [
        {"Sid": "Writers", "Effect": "Allow", "Action": actions, "Resource": f"arn:aws:s3:::{stack}/*"},
        {"Sid": "Key", "Effect": "Deny", "Action": "s3:PutObject", "Resource": f"{{{{{key}#arn}}}}"},
    ]
    return Unknown(f"{key}#arn", json.dumps({"Version": "2012-10-17", "Statement": statement}))


def customer(name: str) -> Stack:
    """A customer's stack."""
    quota = object_of("ResourceQuota", "v1", "quota", spec={"hard": {"requests.cpu": "8", "pods": 4}})
    claim = object_of("PersistentVolumeClaim", "v1", "models", spec={"storageClassName": "gp3", "volumeMode": "Block"})
    ports: list[Value] = [{"name": "door", "port": 8080}, {"name": "metrics", "port": 9090}]
    service = object_of("Service", "v1", "door", spec={"ports": ports})
    sandbox = object_of(
        "Sandbox", "agents.x-k8s.io/v1beta1", "helper", spec={"podTemplate": {"spec": {"image": "one"}}}
    )
    resources = [
        resource(name, "kubernetes:core/v1:ResourceQuota", f"{name}-use1-quota", quota),
        resource(name, "kubernetes:core/v1:PersistentVolumeClaim", f"{name}-use1-models", claim),
        resource(name, "kubernetes:core/v1:Service", f"{name}-use1-door", service),
        resource(name, "kubernetes:core/v1:Secret", f"{name}-use1-secrets", {"data": {"token": Secret(f"{name}-1")}}),
        resource(name, "kubernetes:core/v1:ConfigMap", f"{name}-use1-config", {"data": {"worker.conf": CONFIG}}),
        resource(name, "kubernetes:agents.x-k8s.io/v1beta1:Sandbox", f"{name}-use1-helper", sandbox),
        resource(name, "aws:kms/key:Key", f"{name}-use1-key", {"multiRegion": False, "description": f"of {name}"}),
        resource(
            name,
            "aws:s3/bucketPolicy:BucketPolicy",
            f"{name}-use1-policy",
            {"bucket": f"{name}-snapshots", "policy": policy(name, ["s3:PutObject"])},
        ),
    ]
    return Stack(name=name, kind="tenant", resources=tuple(resources), outputs={"regions": {"use1": {}}})


def region() -> Stack:
    """A region's stack: a network, and a database that stands in it."""
    vpc = resource("use1", "aws:ec2/vpc:Vpc", "platform-use1-vpc", {"cidrBlock": "10.24.0.0/14"})
    subnet = resource(
        "use1",
        "aws:ec2/subnet:Subnet",
        "platform-use1-a",
        {"vpcId": Unknown(f"{vpc.urn}#id", f"{{{{{vpc.urn}#id}}}}"), "cidrBlock": "10.24.0.0/20"},
        property_dependencies={"vpcId": (vpc.urn,)},
    )
    database = resource(
        "use1",
        "aws:rds/instance:Instance",
        "platform-use1-database",
        {"engine": "postgres", "storageEncrypted": True, "deletionProtection": True, "backupRetentionPeriod": 14},
        protect=True,
    )
    return Stack(name="use1", kind="region", resources=(vpc, subnet, database), outputs={"region": "use1"})


def fleet(customers: int = CUSTOMERS) -> dict[str, Stack]:
    """The fleet as it was."""
    names = [f"customer{at:03}" for at in range(1, customers + 1)]
    return {"use1": region(), **{name: customer(name) for name in names}}


Edit = Callable[[dict[str, Any]], object]


def changed(stack: Stack, role: str, edit: Edit) -> Stack:
    """The stack with one resource's inputs edited."""

    def mended(each: Resource) -> Resource:
        if not each.name.endswith(f"-{role}"):
            return each
        inputs = _copied(each.inputs)
        edit(inputs)
        return replace(each, inputs=inputs)

    assert any(each.name.endswith(f"-{role}") for each in stack.resources), role
    return replace(stack, resources=tuple(map(mended, stack.resources)))


def without(stack: Stack, role: str) -> Stack:
    """The stack without one resource."""
    return replace(stack, resources=tuple(each for each in stack.resources if not each.name.endswith(f"-{role}")))


def added(stack: Stack, *resources: Resource) -> Stack:
    """The stack with further resources."""
    return replace(stack, resources=(*stack.resources, *resources))


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _copied(each) for name, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value
