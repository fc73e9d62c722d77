"""A line holds what it should, in one form, and nothing a client said."""

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from runtime.receipts import Outcome, ReceiptError
from runtime.receipts.format import MAX_INTEGER, MAX_LINE_BYTES, canonical, genesis, hash_of, read, seal
from tests.runtime.receipts.making import ENTRY, HELPER, KEY, chain, public

KID = next(iter(public(KEY)))


def line(**changes: Any) -> bytes:
    """A line whose entry departs from the good one."""
    return seal(replace(ENTRY, **changes), HELPER, 0, genesis(HELPER), 1_790_000_000.1234, KEY, KID)[0]


def test_a_line_is_made_as_documented() -> None:
    raw = line()
    fields = json.loads(raw)
    assert raw == json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    assert (fields["tenant"], fields["agent"], fields["seq"], fields["v"]) == ("acme", "helper", 0, 1)
    assert fields["time"] == "2026-09-21T14:13:20.123Z"
    assert (fields["tokens_in"], fields["tokens_out"], fields["duration_ms"]) == (12, None, 340)
    signed = {name: value for name, value in fields.items() if name not in {"hash", "sig"}}
    digest = hashlib.sha256(json.dumps(signed, sort_keys=True, separators=(",", ":")).encode())
    assert fields["hash"] == digest.hexdigest()
    KEY.public_key().verify(base64.urlsafe_b64decode(fields["sig"] + "=="), digest.digest())


def test_what_was_written_is_read() -> None:
    for raw in chain(len(Outcome)):
        fields = read(raw)
        assert hash_of(fields) == fields["hash"]


def test_two_agents_begin_in_two_ways() -> None:
    begun = {genesis(replace(HELPER, tenant=tenant, agent=agent)) for tenant in "ab" for agent in "ab"}
    assert len(begun) == 4


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", ""),
        ("id", "a prompt of somebody's"),
        ("id", "x" * 201),
        ("id", 'quo"te'),
        ("id", "new\nline"),
        ("id", "ünicode"),
        ("key", ""),
        ("path", "/v1/chat?q=what they asked"),
        ("path", "https://elsewhere/"),
        ("method", "post"),
        ("model", "a model"),
        ("model_digest", "sha256:short"),
        ("tokens_in", -1),
        ("tokens_in", 1.5),
        ("tokens_out", True),
        ("duration_ms", None),
        ("duration_ms", MAX_INTEGER + 1),
        ("outcome", "wonderful"),
    ],
)
def test_what_a_receipt_has_no_room_for_is_refused_by_name_and_not_quoted(field: str, value: Any) -> None:
    with pytest.raises(ReceiptError, match=f"the field {field} of a receipt") as refused:
        line(**{field: value})
    assert not isinstance(value, str) or len(value) < 5 or value not in str(refused.value)


def test_the_longest_line_there_can_be_is_read_again() -> None:
    most = MAX_INTEGER
    raw = line(id="~" * 200, key="~" * 200, model="~" * 200, path="/" + "a" * 99, tokens_in=most, duration_ms=most)
    assert len(raw) < MAX_LINE_BYTES
    assert read(raw)["tokens_in"] == most


def reseal(**changes: Any) -> bytes:
    """A line with fields changed, added or (with None for the key of a removal) taken out, canonical again."""
    fields = {**json.loads(line()), **changes}
    return canonical({name: value for name, value in fields.items() if value != "gone"}) + b"\n"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "torn"),
        (line()[:-1], "torn"),
        (b"{}\n", "fields are not those"),
        (b"[]\n", "fields are not those"),
        (b"nonsense\n", "not JSON"),
        (b"\xff\xfe\n", "not JSON"),
        (b"[" * 4000 + b"\n", "not JSON"),
        (b"x" * 5000 + b"\n", "longer than"),
        (reseal(extra=1), "fields are not those"),
        (reseal(key="gone"), "fields are not those"),
        (reseal(v=2), "its field v is not 1"),
        (reseal(v=True), "its field v is not 1"),
        (reseal(seq=-1), "its field seq"),
        (reseal(seq=0.0), "its field seq"),
        (reseal(tenant="../x"), "its field tenant"),
        (reseal(time="yesterday"), "its field time"),
        (reseal(sig="A" * 85), "its field sig"),
        (reseal(sig="A" * 85 + "B"), "its field sig"),
        (reseal(sig=7), "its field sig"),
        (reseal(hash="A" * 64), "its field hash"),
        (reseal(outcome=[]), "its field outcome"),
        (line().replace(b",", b", "), "canonical"),
        (line().replace(b'{"agent"', b'{"v":1,"agent"'), "canonical"),
        (line().replace(b"helper", b"\\u0068elper"), "canonical"),
    ],
)
def test_what_is_no_receipt_is_not_read(raw: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read(raw)
