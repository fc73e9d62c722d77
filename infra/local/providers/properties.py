"""Property values between the wire (protobuf structs with signatures) and plain Python values.

Plain means: None, bool, int, float, str, list, dict, and three markers: `UNKNOWN` (known only after an update),
`Secret` (a handler marks an output of its own) and `Asset`. Which values were secret is kept beside them, as paths.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final

from google.protobuf import struct_pb2

Properties = dict[str, Any]
Path = tuple[str | int, ...]

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a signature of the wire format
ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWN_TEXTS: Final = frozenset(
    {
        UNKNOWN_TEXT,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
SHORTEST_SECRET: Final = 6
"""Characters below which a secret is not looked for inside other text: it would match by chance."""


class Unknown:
    """The type of `UNKNOWN`: equal to nothing but itself."""

    def __repr__(self) -> str:
        return "<unknown>"

    def __deepcopy__(self, memo: Any) -> "Unknown":
        return self


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Secret:
    """An output a handler wants kept secret in the state."""

    value: Any = field(repr=False)


@dataclass(frozen=True)
class Asset:
    """An asset or archive as the engine sent it."""

    fields: Mapping[str, Any]

    def read(self) -> bytes:
        """The asset's bytes. Raises `ValueError` for an archive or a remote asset."""
        if "text" in self.fields:
            return str(self.fields["text"]).encode()
        if "path" in self.fields and self.fields.get(SIGNATURE) == ASSET:
            return FilePath(self.fields["path"]).read_bytes()
        raise ValueError("only text and file assets can be read here, not archives or remote assets")


@dataclass(frozen=True)
class Decoded:
    """Plain properties, and the paths of those that are secret."""

    value: Properties
    secrets: frozenset[Path] = frozenset()


def decode(properties: struct_pb2.Struct) -> Decoded:
    """Plain values of a struct the engine sent."""
    secrets: set[Path] = set()
    value = {key: _decode(item, (key,), secrets) for key, item in properties.fields.items()}
    return Decoded(value, frozenset(secrets))


def _decode(value: struct_pb2.Value, path: Path, secrets: set[Path]) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _decode_struct(value.struct_value, path, secrets)
        case "list_value":
            return [_decode(item, (*path, i), secrets) for i, item in enumerate(value.list_value.values)]
        case "string_value":
            return UNKNOWN if value.string_value in UNKNOWN_TEXTS else value.string_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
    return None


def _decode_struct(value: struct_pb2.Struct, path: Path, secrets: set[Path]) -> Any:
    fields = value.fields
    signature = fields[SIGNATURE].string_value if SIGNATURE in fields else ""
    if signature == SECRET:
        secrets.add(path)
        return _decode(fields["value"], path, secrets)
    if signature == OUTPUT:
        if fields["secret"].bool_value if "secret" in fields else False:
            secrets.add(path)
        return _decode(fields["value"], path, secrets) if "value" in fields else UNKNOWN
    plain = {key: _decode(item, (*path, key), secrets) for key, item in fields.items()}
    return Asset(plain) if signature in (ASSET, ARCHIVE) else plain


@dataclass(frozen=True)
class Marks:
    """What an answer must keep secret.

    A value is marked where its path is in `paths`, or where it is a string that holds one of `texts` (the secret
    strings known so far), so that no copy of a secret loses its mark on the way. A string that stands at the same path
    in `public` (the user's own inputs) was no secret there and is none here.
    """

    paths: frozenset[Path] = frozenset()
    texts: frozenset[str] = frozenset()
    public: Any = None

    def of(self, value: Any, path: Path) -> bool:
        """Whether the value at `path` is secret."""
        if path in self.paths:
            return True
        found = isinstance(value, str) and any(text in value for text in self.texts)
        return found and _find(self.public, path) != value


def encode(properties: Mapping[str, Any], marks: Marks = Marks()) -> struct_pb2.Struct:
    """The struct of plain properties; a `Secret` in it, and what `marks` say, is marked secret."""
    fields = {key: _encode(value, (key,), marks) for key, value in properties.items()}
    return struct_pb2.Struct(fields=fields)


def _encode(value: Any, path: Path, marks: Marks) -> struct_pb2.Value:
    secret = isinstance(value, Secret) or marks.of(value, path)
    if isinstance(value, Secret):
        value = value.value
    if secret:  # what lies below a secret is secret as a whole
        fields = {SIGNATURE: struct_pb2.Value(string_value=SECRET), "value": _encode_plain(value, path, Marks())}
        return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
    return _encode_plain(value, path, marks)


def _encode_plain(value: Any, path: Path, marks: Marks) -> struct_pb2.Value:
    match value:
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case Unknown():
            return struct_pb2.Value(string_value=UNKNOWN_TEXT)
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() | float():
            return struct_pb2.Value(number_value=value)
        case str():
            return struct_pb2.Value(string_value=value)
        case list() | tuple():
            items = [_encode(item, (*path, i), marks) for i, item in enumerate(value)]
            return struct_pb2.Value(list_value=struct_pb2.ListValue(values=items))
        case Asset() | Mapping():
            fields = value.fields if isinstance(value, Asset) else value
            encoded = {str(key): _encode(item, (*path, str(key)), marks) for key, item in fields.items()}
            return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=encoded))
    raise TypeError(f"{format_path(path)}: a {type(value).__name__} can't be a property value")


def has_unknown(value: Any) -> bool:
    """Whether `UNKNOWN` is anywhere in `value`."""
    if isinstance(value, Mapping):
        return any(map(has_unknown, value.values()))
    if isinstance(value, list | tuple):
        return any(map(has_unknown, value))
    return isinstance(value, Unknown)


def secret_texts(decoded: Decoded) -> Iterator[str]:
    """Every string below a secret path."""
    for path in decoded.secrets:
        yield from _strings(_at(decoded.value, path))


def format_path(path: Path) -> str:
    """A path as the engine writes it: `spec.ports[0].name`, `metadata.labels["a.b/c"]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.replace("_", "a").replace("-", "a").isalnum():
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]'
    return text


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value.fields[str(part)] if isinstance(value, Asset) else value[part]
    return value


def _find(value: Any, path: Path) -> Any:
    """The value at `path`, None where there is none."""
    for part in path:
        if isinstance(value, Mapping) and isinstance(part, str):
            value = value.get(part)
        else:
            value = value[part] if isinstance(value, list) and isinstance(part, int) and part < len(value) else None
    return value


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Secret):
        yield from _strings(value.value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)
