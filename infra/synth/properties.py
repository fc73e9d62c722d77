"""Property values as they go over the wire: plain ones, secrets, unknown ones, references.

https://github.com/pulumi/pulumi/blob/v3.256.0/sdk/go/common/resource/plugin/rpc.go says how each is marked.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime.rpc import UNKNOWN, _special_secret_sig, _special_sig_key


def secret(value: struct_pb2.Value) -> struct_pb2.Value:
    """A value marked as a secret."""
    marked = struct_pb2.Value()
    marked.struct_value.fields[_special_sig_key].string_value = _special_secret_sig
    marked.struct_value.fields["value"].CopyFrom(value)
    return marked


def unsecret(value: struct_pb2.Value) -> struct_pb2.Value | None:
    """What a secret holds; None if the value is no secret."""
    fields = value.struct_value.fields
    if _special_sig_key in fields and fields[_special_sig_key].string_value == _special_secret_sig:
        return fields["value"]
    return None


def holds_secret(value: struct_pb2.Value) -> bool:
    """Whether there is a secret in a value, at any depth."""
    match value.WhichOneof("kind"):
        case "struct_value":
            return unsecret(value) is not None or any(map(holds_secret, value.struct_value.fields.values()))
        case "list_value":
            return any(map(holds_secret, value.list_value.values))
        case _:
            return False


def is_unknown(value: struct_pb2.Value) -> bool:
    """Whether the value is the mark of one that isn't known."""
    return bool(value.string_value == UNKNOWN)


def opened(value: struct_pb2.Value) -> Any:
    """A value in Python's own types, secrets opened: never to be shown or kept. Unknown ones stay the mark they are."""
    match value.WhichOneof("kind"):
        case "struct_value":
            inner = unsecret(value)
            return opened_fields(value.struct_value.fields) if inner is None else opened(inner)
        case "list_value":
            return [opened(each) for each in value.list_value.values]
        case "number_value":
            return whole(value.number_value)
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def opened_fields(fields: Mapping[str, struct_pb2.Value]) -> dict[str, Any]:
    """`opened`, for each value of a mapping."""
    return {name: opened(value) for name, value in fields.items()}


def whole(number: float) -> int | float:
    """A number as the program wrote it: on the wire there are only floats."""
    return int(number) if number.is_integer() else number
