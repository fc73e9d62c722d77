"""What is no HTTP is answered in the contract's shape, and quoted nowhere."""

import json
import logging

import pytest

from runtime.contract import headers
from runtime.http.log import JsonFormatter
from tests.runtime.raw_http import answer_to_bytes
from tests.runtime.serving import EDGE, gateway, say_ok, upstream

CANARY = "canary-0123456789"


HEAD = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n{headers.EDGE_TOKEN}: "


@pytest.mark.parametrize(
    "sent",
    [
        f"{CANARY}\r\n\r\n".encode(),
        f"GET / HTTP/1.1\r\n{CANARY}\r\n\r\n".encode(),
        f"GET / HTTP/1.1\r\nX-{CANARY}: \x00\r\n\r\n".encode(),
        f"GET /{CANARY}\x00 HTTP/1.1\r\n\r\n".encode(),
        f"GET / HTTP/1.1\r\nHost: x\r\nX: {CANARY * 1000}\r\n\r\n".encode(),
        f"GET /{CANARY * 1000} HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
        f"POST / HTTP/1.1\r\nX: {CANARY}\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n".encode(),
        f"POST / HTTP/1.1\r\nX: {CANARY}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".encode(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["line", "header", "nul", "nul in path", "long header", "long path", "both lengths", "two lengths", "tls"],
)
async def test_what_is_no_http_is_refused_in_shape(sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with upstream(say_ok) as port, gateway(EDGE, port) as url:
        status, answered, body = await answer_to_bytes(url, sent)
    assert (status, json.loads(body)["error"]["code"]) == (400, "invalid_request")
    assert answered[headers.REQUEST_ID]
    lines = [JsonFormatter("gateway").format(record) for record in caplog.records]
    assert any("malformed request" in line for line in lines)
    assert CANARY not in "".join((*lines, caplog.text, body.decode()))


async def test_a_body_that_stops_being_http_is_refused_in_shape() -> None:
    async with upstream(say_ok) as port, gateway(EDGE, port) as url:
        head = f"{HEAD}{EDGE.token()}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        status, _, body = await answer_to_bytes(url, head + b"5\r\nhello\r\n", b"nonsense\r\n\r\n")
    assert (status, json.loads(body)["error"]["code"]) == (400, "invalid_request")
