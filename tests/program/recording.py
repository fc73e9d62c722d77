"""Runs the program without an engine and keeps everything it registers."""

import asyncio
import json
import runpy
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import pulumi
import yaml
from google.protobuf import json_format
from pulumi.runtime import mocks, settings
from pulumi.runtime.rpc import _special_secret_sig, _special_sig_key
from pulumi.runtime.sync_await import _sync_await

from tests.stack_files import PROJECT

# The SDK takes its thread's event loop for granted, and keeps loops of its own with it; asynchronous tests leave none.
_THREAD = ThreadPoolExecutor(1, initializer=lambda: asyncio.set_event_loop(asyncio.new_event_loop()))


@dataclass(frozen=True)
class Secret:
    """A value that reached the engine marked as a secret."""

    value: Any


@dataclass(frozen=True)
class Registered:
    """One registration: what the engine is told of a resource."""

    urn: str
    type: str
    name: str
    custom: bool
    parent: str
    inputs: dict[str, Any]
    provider: str
    depends_on: tuple[str, ...]
    create_timeout: str
    ignore_changes: tuple[str, ...]
    secret_outputs: tuple[str, ...]
    protected: bool = False
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass
class Recording:
    """All a run registered, and what its stack exported."""

    resources: list[Registered] = field(default_factory=list)
    exports: dict[str, Any] = field(default_factory=dict)
    awaited: set[str] = field(default_factory=set)

    def of(self, type_: str) -> list[Registered]:
        """The resources of one type."""
        return [each for each in self.resources if each.type == type_]

    def one(self, type_: str, name: str) -> Registered:
        """The resource of a type and a name."""
        (found,) = [each for each in self.of(type_) if each.name == name]
        return found

    def manifests(self) -> list[dict[str, Any]]:
        """Every Kubernetes object."""
        return [each.inputs for each in self.resources if each.type.startswith("kubernetes:")]

    def children(self, parent: Registered) -> Iterator[Registered]:
        """What a component holds."""
        return (each for each in self.resources if each.parent == parent.urn)


class Provider(mocks.Mocks):
    """Answers as the providers do: an id, and what only they know; `stacks` are what other stacks export."""

    def __init__(self, stacks: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.stacks = stacks or {}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.typ == "pulumi:pulumi:StackReference":
            return args.resource_id, self._exported(str(args.resource_id))
        return f"{args.name}-id", {**args.inputs, **_known_of(args)}

    def _exported(self, stack: str) -> dict[str, Any]:
        found = {name: value for name, value in self.stacks.get(stack, {}).items() if value is not None}
        secret = [name for name, value in found.items() if isinstance(value, Secret)]
        plain = {name: value.value if isinstance(value, Secret) else value for name, value in found.items()}
        return {"name": stack, "outputs": plain, "secretOutputNames": secret}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        if args.token == "pulumi:pulumi:readStackOutputs":  # which the engine itself answers
            return {"outputs": self._exported(args.args["name"])["outputs"]}, []
        raise AssertionError(f"the program asks a provider: {args.token}")


def _known_of(args: mocks.MockResourceArgs) -> dict[str, Any]:
    """What a provider alone knows of a resource it has made."""
    match args.typ:
        case "aws:kms/key:Key" | "aws:kms/replicaKey:ReplicaKey":
            return {"arn": f"arn:aws:kms:ap-southeast-1:123456789012:key/{args.name}", "keyId": args.name}
        case "aws:iam/role:Role":
            return {"arn": f"arn:aws:iam::123456789012:role/{args.name}"}
        case "aws:eks/cluster:Cluster":
            group = {**args.inputs["vpcConfig"], "clusterSecurityGroupId": f"{args.name}-group"}
            authority = {"data": "bm9ib2R5"}
            return {"endpoint": f"https://{args.name}.test", "certificateAuthority": authority, "vpcConfig": group}
        case "aws:eks/nodeGroup:NodeGroup":
            return {"resources": [{"autoscalingGroups": [{"name": f"{args.name}-scaling"}]}]}
        case "aws:ec2/launchTemplate:LaunchTemplate":
            return {"latestVersion": 1}
        case "aws:rds/instance:Instance":
            secret = {"secretArn": f"arn:aws:secretsmanager:ap-southeast-1:123456789012:secret:{args.name}"}
            return {"address": f"{args.name}.test", "masterUserSecrets": [secret]}
        case "aws:cloudwatch/logGroup:LogGroup":
            return {"arn": f"arn:aws:of:ap-southeast-1:123456789012:{args.name}"}
        case _:
            return _known_of_network(args)


def _known_of_network(args: mocks.MockResourceArgs) -> dict[str, Any]:
    match args.typ:
        case "aws:ec2/vpcEndpoint:VpcEndpoint":
            return {"prefixListId": f"pl-{args.name}"}
        case "aws:ec2/eip:Eip":
            return {"publicIp": _public_address(args.name), "allocationId": f"eipalloc-{args.name}"}
        case "aws:ec2/networkInterface:NetworkInterface":
            return {"privateIp": "10.0.1.5"}
        case "aws:vpc/routeServerEndpoint:RouteServerEndpoint":
            return {"eniAddress": "10.0.1.9", "routeServerEndpointId": args.name}
        case _:
            return {}


def _public_address(name: str) -> str:
    """An Elastic IP. To gateways of the committed regions AWS gives what the committed global stack lists of them."""
    sites = yaml.safe_load((PROJECT / "Pulumi.global.yaml").read_text())["config"].get("moltghost:sites", [])
    listed = {
        f"platform-{site['name']}-mesh-{own['plane']}": own["endpoint"] for site in sites for own in site["gateways"]
    }
    return str(listed.get(name, "192.0.2.1"))


class Monitor(mocks.MockMonitor):
    """The mocks' monitor, which also keeps what they throw away."""

    def __init__(self, recording: Recording, stacks: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        super().__init__(Provider(stacks))
        self.recording = recording

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  # the protocol's name
        if request.type == "pulumi:pulumi:Stack":
            return super().RegisterResource(request)  # type: ignore[no-untyped-call]
        self.recording.resources.append(
            Registered(
                urn=self.make_urn(request.parent, request.type, request.name),
                type=request.type,
                name=request.name,
                custom=request.custom,
                parent=request.parent,
                inputs=_plain(json_format.MessageToDict(request.object)),
                provider=request.provider,
                depends_on=tuple(request.dependencies),
                create_timeout=request.customTimeouts.create,
                ignore_changes=tuple(request.ignoreChanges),
                secret_outputs=tuple(request.additionalSecretOutputs),
                protected=request.protect,
                property_dependencies={name: tuple(each.urns) for name, each in request.propertyDependencies.items()},
            )
        )
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def record(
    config: Mapping[str, str], secrets: Mapping[str, str], stacks: Mapping[str, Mapping[str, Any]] | None = None
) -> Recording:
    """Run infra/__main__.py with this config; every resource's URN has been awaited when this returns.

    `stacks` are what other stacks export, by their full names. Raises whatever the program raises.
    """
    return _THREAD.submit(_record, _whole_program, config, secrets, stacks).result()


def record_declaring(declare: Callable[[], object]) -> Recording:
    """Run a function that declares resources, without config, as `record` runs the program."""
    return _THREAD.submit(_record, declare, {}, {}).result()


def _whole_program() -> None:
    runpy.run_path(str(PROJECT / "infra" / "__main__.py"), run_name="__main__")


def _record(
    declare: Callable[[], object],
    config: Mapping[str, str],
    secrets: Mapping[str, str],
    stacks: Mapping[str, Mapping[str, Any]] | None = None,
) -> Recording:
    recording = Recording()
    made: list[pulumi.Resource] = []
    register = pulumi.Resource.__init__

    def remember(resource: pulumi.Resource, *args: Any, **kwargs: Any) -> None:
        register(resource, *args, **kwargs)
        made.append(resource)

    def program() -> pulumi.Output[list[str]]:
        # The mocks' stack has been declared already and takes no program of its own.
        with patch.object(pulumi, "run", lambda program: _sync_await(program())), warnings.catch_warnings():
            # SDKs warn of their own deprecated classes while they load them, used or not.
            warnings.filterwarnings("ignore", "(.* has been|This resource is) deprecated", DeprecationWarning)
            declare()
        return pulumi.Output.all(*[resource.urn for resource in made]).apply(
            lambda urns: recording.awaited.update(urns) or urns  # type: ignore[func-returns-value]
        )

    whole = {**config, **secrets}
    environment = {"PULUMI_CONFIG": json.dumps(whole), "PULUMI_CONFIG_SECRET_KEYS": json.dumps(sorted(secrets))}
    settings.reset_options()
    mocks.set_mocks(
        Provider(),
        project="moltghost",
        stack="dev",
        preview=False,
        monitor=Monitor(recording, stacks),
        organization="organization",
    )
    stack = settings.get_root_resource()
    with patch.dict("os.environ", environment), patch.object(pulumi.Resource, "__init__", remember):
        pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    recording.exports = {name: _known(value) for name, value in stack.outputs.items()}  # type: ignore[union-attr]
    return recording


def _known(value: Any) -> Any:
    """A value with its Outputs replaced by what they came to be."""
    known: list[Any] = []
    pulumi.runtime.test(lambda: pulumi.Output.from_input(value).apply(known.append))()  # type: ignore[no-untyped-call]
    return known[0]


def _plain(value: Any) -> Any:
    """A value off the wire: secrets as Secret, whole numbers as such."""
    if isinstance(value, dict):
        if value.get(_special_sig_key) == _special_secret_sig:
            return Secret(_plain(value["value"]))
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
