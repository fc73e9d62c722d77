"""The engine's side of the program: takes every registration down, and answers as a preview of an empty stack would."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime import settings
from pulumi.runtime.proto import engine_pb2, resource_pb2
from pulumi.runtime.rpc import UNKNOWN

from infra.stacks.references import READ_OUTPUTS
from infra.synth.properties import secret
from infra.synth.symbols import symbol

ROOT = "pulumi:pulumi:Stack"
REFERENCE = "pulumi:pulumi:StackReference"
URN_PROPERTY = "__moltghost_urn"
"""What an answer also carries, so that whoever unpacks it knows whose it is."""

_FEATURES = (
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
)
"""Those the program may use; what else the SDK can do without."""


class SynthError(Exception):
    """The program cannot be run without an engine: the text says what it asked for."""


@dataclass(frozen=True)
class Exports:
    """What a stack exports as the engine passes it on: secrets unwrapped, the names of those that hold one aside."""

    outputs: struct_pb2.Struct
    secret: tuple[str, ...] = ()


@dataclass
class Engine:
    """The engine's log: what the program says of errors is kept, for whoever asks why it failed."""

    errors: list[str] = field(default_factory=list)

    def Log(self, request: Any) -> None:  # noqa: N802  # the protocol's name
        """Keep an error."""
        if request.severity == engine_pb2.ERROR:
            self.errors.append(request.message)


@dataclass
class Monitor:
    """What the SDK talks to instead of the engine's gRPC service.

    `exported` says what another stack exports. Methods are the protocol's, named as it names them:
    https://github.com/pulumi/pulumi/blob/v3.256.0/proto/pulumi/resource.proto
    """

    stack: str
    project: str
    exported: Callable[[str], Exports]
    symbolic: bool
    requests: dict[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        """Take a resource down; its outputs are its inputs, and nothing more is known of it."""
        urn = self._urn(request)
        if urn in self.requests:
            raise SynthError(f"{urn} is declared twice")
        self.requests[urn] = request
        known = struct_pb2.Struct()
        known.CopyFrom(request.object)
        for name in request.additionalSecretOutputs:
            if name not in known.fields:
                known.fields[name].CopyFrom(secret(struct_pb2.Value(string_value=UNKNOWN)))
        if self.symbolic:
            known.fields[URN_PROPERTY].string_value = urn
        id_ = symbol(urn, "id") if self.symbolic and request.custom else ""
        return resource_pb2.RegisterResourceResponse(urn=urn, id=id_, object=known)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        """Keep what the stack exports; what components say of themselves serves nobody."""
        if self.requests[request.urn].type == ROOT:
            self.outputs = dict(request.outputs.fields)
        return empty_pb2.Empty()

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        """Answer for another stack. Raises SynthError for anything else: there is no cloud to read it from."""
        if request.type != REFERENCE:
            raise SynthError(f"the program reads {request.type} {request.name}: nothing is there without an engine")
        exports = self.exported(request.id)
        found = struct_pb2.Struct()
        found.fields["name"].string_value = request.id
        found.fields["outputs"].struct_value.SetInParent()
        found.fields["outputs"].struct_value.CopyFrom(exports.outputs)
        found.fields["secretOutputNames"].list_value.SetInParent()
        found.fields["secretOutputNames"].list_value.extend(list(exports.secret))
        return resource_pb2.ReadResourceResponse(urn=self._urn(request), properties=found)

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        """Say that this stack has exported nothing yet. Raises SynthError for what only a provider could answer."""
        own = f"{settings.get_organization()}/{self.project}/{self.stack}"
        if request.tok == READ_OUTPUTS and request.args.fields["name"].string_value == own:
            answer = resource_pb2.ResourceInvokeResponse()
            told: struct_pb2.Struct = getattr(answer, "return")
            told.fields["name"].string_value = own
            told.fields["outputs"].struct_value.SetInParent()
            return answer
        raise SynthError(f"the program asks a provider ({request.tok}): nobody answers without an engine")

    def Call(self, request: Any) -> Any:  # noqa: N802
        """Refuse, as Invoke does."""
        raise SynthError(f"the program calls a resource's method ({request.tok}): nobody answers without an engine")

    def SupportsFeature(self, _request: Any) -> Any:  # noqa: N802
        """None but those of GetDeploymentInfo."""
        return resource_pb2.SupportsFeatureResponse(hasSupport=False)

    def GetDeploymentInfo(self, _request: Any) -> Any:  # noqa: N802
        """What this end can do."""
        return resource_pb2.DeploymentInfo(supportedFeatures=_FEATURES)

    def RegisterPackage(self, request: Any) -> Any:  # noqa: N802
        """Refuse: which package it would be, only an engine that has it can say."""
        raise SynthError(f"the program registers the package {request.name}: that needs an engine")

    def SignalAndWaitForShutdown(self, _request: Any) -> Any:  # noqa: N802
        """Nothing here waits for anything."""
        return empty_pb2.Empty()

    def _urn(self, request: Any) -> str:
        """https://www.pulumi.com/docs/iac/concepts/resources/names/#urns: the root stack is in no child's type."""
        qualified = request.type
        if request.parent and (above := request.parent.split("::")[2]) != ROOT:
            qualified = f"{above}${request.type}"
        return f"urn:pulumi:{self.stack}::{self.project}::{qualified}::{request.name}"
