"""What the kubelet and a volume plugin of a node say to each other: CSI, and the registration that precedes it.

No Python package carries these two interfaces. They are declared here, as far as they are used, by the numbers of
`csi.proto` (v1) and of the kubelet's `pluginregistration/v1/api.proto`; fields that aren't listed are skipped.
"""

from collections.abc import Callable, Mapping
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.empty_pb2 import Empty

_PACKAGE = "moltghost.csi"
_Field = descriptor_pb2.FieldDescriptorProto
_TEXT: int = _Field.TYPE_STRING
_BOOL: int = _Field.TYPE_BOOL
_ENUM: int = _Field.TYPE_INT32

_FIELDS: Mapping[str, Mapping[str, tuple[int, int | str | list[int] | list[str]]]] = {
    "PluginInfo": {"type": (1, _TEXT), "name": (2, _TEXT), "endpoint": (3, _TEXT), "supported_versions": (4, [_TEXT])},
    "RegistrationStatus": {"plugin_registered": (1, _BOOL), "error": (2, _TEXT)},
    "GetPluginInfoResponse": {"name": (1, _TEXT), "vendor_version": (2, _TEXT)},
    "NodeGetInfoResponse": {"node_id": (1, _TEXT)},
    "Rpc": {"type": (1, _ENUM)},
    "NodeServiceCapability": {"rpc": (1, "Rpc")},
    "NodeGetCapabilitiesResponse": {"capabilities": (1, ["NodeServiceCapability"])},
    "Entry": {"key": (1, _TEXT), "value": (2, _TEXT)},
    "MountVolume": {"mount_flags": (2, [_TEXT]), "volume_mount_group": (3, _TEXT)},
    "AccessMode": {"mode": (1, _ENUM)},
    "VolumeCapability": {"mount": (2, "MountVolume"), "access_mode": (3, "AccessMode")},
    "NodePublishVolumeRequest": {
        "volume_id": (1, _TEXT),
        "target_path": (4, _TEXT),
        "volume_capability": (5, "VolumeCapability"),
        "readonly": (6, _BOOL),
        "volume_context": (8, ["Entry"]),  # a map is a list of entries on the wire
    },
    "NodeUnpublishVolumeRequest": {"volume_id": (1, _TEXT), "target_path": (2, _TEXT)},
}
"""By message and field: its number, and its protobuf type or the name of a message here; a list means repeated."""

VOLUME_MOUNT_GROUP = 6
"""Capability of a node plugin: a pod's fsGroup is told it, and the kubelet changes no owner."""
MULTI_NODE_READER_ONLY, MULTI_NODE_MULTI_WRITER = 3, 5
"""Access modes."""


def _declared() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="moltghost/csi.proto", package=_PACKAGE, syntax="proto3")
    for message, fields in _FIELDS.items():
        declared = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            label = _Field.LABEL_REPEATED if isinstance(kind, list) else _Field.LABEL_OPTIONAL
            single = kind[0] if isinstance(kind, list) else kind
            field = declared.field.add(name=name, number=number, label=label)
            if isinstance(single, str):
                field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{single}"
            else:
                field.type = _Field.Type.ValueType(single)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _FIELDS}


MESSAGES = _declared() | {"Empty": Empty}
"""The messages' classes."""

Call = Callable[[Any], Any]
"""Takes a request, gives a response. RefusedError is the way to answer with an error."""

_REQUESTS = {
    "NodePublishVolume": "NodePublishVolumeRequest",
    "NodeUnpublishVolume": "NodeUnpublishVolumeRequest",
    "NotifyRegistrationStatus": "RegistrationStatus",
}
"""Methods whose request holds something."""


class RefusedError(Exception):
    """A call's error: a gRPC status, and what the pod's event is to say."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def add_service(server: grpc.Server, service: str, calls: Mapping[str, Call]) -> None:
    """Serve the methods of `service`, its full name."""
    handlers = {name: _handler(name, call) for name, call in calls.items()}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))


def _handler(name: str, call: Call) -> grpc.RpcMethodHandler:
    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return call(request)
        except RefusedError as refused:
            print(f"{name}: {refused}", flush=True)
            context.abort(refused.code, str(refused))

    return grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=MESSAGES[_REQUESTS.get(name, "Empty")].FromString,
        response_serializer=lambda response: response.SerializeToString(),
    )
