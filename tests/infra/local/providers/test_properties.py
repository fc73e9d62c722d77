"""Property values survive the wire: secrets, unknowns, assets, however deep."""

from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from infra.local.providers.properties import (
    ASSET,
    OUTPUT,
    SECRET,
    SIGNATURE,
    UNKNOWN,
    UNKNOWN_TEXT,
    Asset,
    Marks,
    Secret,
    decode,
    encode,
    format_path,
    has_unknown,
    secret_texts,
)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(min_size=1), values, max_size=5))
def test_plain_values_come_back_as_they_went(properties: dict[str, object]) -> None:
    decoded = decode(encode(properties))
    assert decoded.value == properties
    assert decoded.secrets == frozenset()


def test_nested_secrets_keep_their_place() -> None:
    decoded = decode(encode({"a": [{"b": Secret("hidden")}, "open"]}))
    assert decoded.value == {"a": [{"b": "hidden"}, "open"]}
    assert decoded.secrets == {("a", 0, "b")}
    assert list(secret_texts(decoded)) == ["hidden"]


def test_unknowns_and_outputs_are_read() -> None:
    struct = struct_pb2.Struct()
    struct.update(
        {
            "unknown": UNKNOWN_TEXT,
            "output": {SIGNATURE: OUTPUT, "value": "v", "secret": True},
            "computed": {SIGNATURE: OUTPUT},
        }
    )
    decoded = decode(struct)
    assert decoded.value["unknown"] is UNKNOWN
    assert decoded.value["computed"] is UNKNOWN
    assert decoded.value["output"] == "v"
    assert decoded.secrets == {("output",)}
    assert has_unknown({"deep": [{"x": UNKNOWN}]})
    assert not has_unknown({"deep": [{"x": "known"}]})


def test_an_asset_keeps_its_signature_and_can_be_read() -> None:
    struct = struct_pb2.Struct()
    struct.update({"source": {SIGNATURE: ASSET, "text": "content", "hash": "h"}})
    asset = decode(struct).value["source"]
    assert isinstance(asset, Asset)
    assert asset.read() == b"content"
    assert encode({"source": asset}) == struct


def test_a_copy_of_a_secret_is_marked_wherever_it_turns_up_but_not_what_was_public() -> None:
    marks = Marks(texts=frozenset({"hunter22"}), public={"name": "hunter22-db"})
    struct = encode({"name": "hunter22-db", "url": "db://hunter22@host", "other": "x"}, marks)
    assert decode(struct).secrets == {("url",)}
    assert struct.fields["url"].struct_value.fields[SIGNATURE].string_value == SECRET


def test_paths_read_as_the_engine_writes_them() -> None:
    assert format_path(("spec", "ports", 0, "name")) == "spec.ports[0].name"
    assert format_path(("metadata", "labels", "a.b/c")) == 'metadata.labels["a.b/c"]'
