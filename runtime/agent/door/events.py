"""OpenClaw's streams, event by event: what goes on to the client, what is to be learned from them."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from runtime.contract import errors, headers

EVENT_BYTES = 16 * 1_048_576
"""Largest event, and largest answer in one piece: what OpenClaw says, not what clients send."""

_END = b"\n\n"
_DONE = b"data: [DONE]"


class BrokenStreamError(Exception):
    """OpenClaw's stream cannot go on; `kind` is what the client reads of it."""

    def __init__(self, kind: errors.ErrorKind) -> None:
        super().__init__(kind.code)
        self.kind = kind


@dataclass(frozen=True)
class Usage:
    """Tokens an answer took, None where nobody counted them."""

    tokens_in: int | None = None
    tokens_out: int | None = None

    def __str__(self) -> str:
        """As the contract writes it, for the edge; empty where nobody counted both."""
        known = self.tokens_in is not None and self.tokens_out is not None
        return f"{self.tokens_in} {self.tokens_out}" if known else ""


class Splitter:
    """Cuts what arrives into events, each as soon as it is whole."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The events that are whole with this chunk, without their blank line. Raises BrokenStreamError."""
        searched = max(0, len(self._rest) - len(_END) + 1)
        self._rest += chunk
        start = 0
        while (end := self._rest.find(_END, max(start, searched))) >= 0:
            yield bytes(self._rest[start:end])
            start = end + len(_END)
        del self._rest[:start]
        if len(self._rest) > EVENT_BYTES:
            raise BrokenStreamError(errors.UPSTREAM_FAILED)


class Retelling(ABC):
    """Tells OpenClaw's answer again as the agent's own.

    `done` says that the answer is whole, `failure` that it says itself that it failed; `usage` is known at its end.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self.done = False
        self.failure: errors.ErrorKind | None = None
        self.usage = Usage()

    def event(self, event: bytes) -> bytes | None:
        """What the client gets of an event, None if that is nothing. Raises BrokenStreamError."""
        if event == _DONE:
            return self._close()
        data = _data(event)
        if not data:
            return None
        said = parse(data)
        if said.get("error"):
            raise BrokenStreamError(kind_of(said["error"]))
        return self._retell(said)

    @abstractmethod
    def answer(self, said: dict[str, Any]) -> dict[str, Any]:
        """An answer that came in one piece."""

    def _comment(self) -> bytes:
        """What the answer took, said to the edge before the last event: comments are nothing to clients."""
        usage = str(self.usage)
        return f":{headers.USAGE} {usage}".encode() + _END if usage else b""

    @abstractmethod
    def last_words(self, kind: errors.ErrorKind) -> bytes:
        """The event that ends a stream which will not be whole, so that clients see it."""

    @abstractmethod
    def _retell(self, said: dict[str, Any]) -> bytes | None: ...

    @abstractmethod
    def _close(self) -> bytes | None:
        """OpenClaw says that this was all."""


class ChatRetelling(Retelling):
    """Chat completions."""

    def __init__(self, model: str, wants_usage: bool) -> None:
        super().__init__(model)
        self._wants_usage = wants_usage

    def answer(self, said: dict[str, Any]) -> dict[str, Any]:
        """An answer that came in one piece."""
        self._take_usage(said)
        self.done = True
        return {**said, "model": self._model}

    def last_words(self, kind: errors.ErrorKind) -> bytes:
        """An error where SDKs look for one, and no `[DONE]`."""
        return b"data: " + _json(errors.body(kind)) + _END

    def _retell(self, said: dict[str, Any]) -> bytes | None:
        if said.get("usage"):
            self._take_usage(said)
            if not self._wants_usage and not said.get("choices"):
                return None
        said["model"] = self._model
        return b"data: " + _json(said) + _END

    def _close(self) -> bytes | None:
        self.done = True
        return self._comment() + _DONE + _END

    def _take_usage(self, said: dict[str, Any]) -> None:
        self.usage = _usage(said, "prompt_tokens", "completion_tokens")


class ResponsesRetelling(Retelling):
    """Responses. `remember` is told the answer's id as soon as there is one."""

    _ENDS = ("response.completed", "response.incomplete", "response.failed")

    def __init__(self, model: str, remember: Callable[[str], None]) -> None:
        super().__init__(model)
        self._remember = remember
        self._number = 0

    def answer(self, said: dict[str, Any]) -> dict[str, Any]:
        """An answer that came in one piece."""
        self._take_end(said)
        self.done = True
        return self._renamed(said)

    def last_words(self, kind: errors.ErrorKind) -> bytes:
        """An error event as it is documented, and as SDKs look for it."""
        error = errors.body(kind)["error"]
        said = {**error, "type": "error", "sequence_number": self._number, "error": error}
        return b"event: error\ndata: " + _json(said) + _END

    def _retell(self, said: dict[str, Any]) -> bytes | None:
        name = said.get("type")
        if not isinstance(name, str) or not name.isascii() or not name.isprintable():
            raise BrokenStreamError(errors.UPSTREAM_FAILED)
        response, comment = said.get("response"), b""
        if isinstance(response, dict):
            if name in self._ENDS:
                self._take_end(response)
                self.done = True
                comment = self._comment()
            said["response"] = self._renamed(response)
        said["sequence_number"] = self._number
        self._number += 1
        return comment + b"event: " + name.encode() + b"\ndata: " + _json(said) + _END

    def _close(self) -> bytes | None:
        # OpenAI's responses end with an event of their own; without one, this was not all.
        return None

    def _take_end(self, response: dict[str, Any]) -> None:
        self.usage = _usage(response, "input_tokens", "output_tokens")
        if response.get("status") == "failed":
            self.failure = _kind_of_failed(response.get("error"))

    def _renamed(self, response: dict[str, Any]) -> dict[str, Any]:
        if isinstance(response.get("id"), str):
            self._remember(response["id"])
        renamed = {**response, "model": self._model}
        if response.get("error") is not None:
            # Its own words may be a program's of the pod.
            renamed["error"] = {"code": "server_error", "message": errors.UPSTREAM_FAILED.message}
        return renamed


def parse(answer: bytes) -> dict[str, Any]:
    """The JSON object OpenClaw answered. Raises BrokenStreamError."""
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise BrokenStreamError(errors.UPSTREAM_FAILED)
    return said


def kind_of(error: object) -> errors.ErrorKind:
    """The contract's error for one OpenClaw says in a stream; its words stay in the pod."""
    if isinstance(error, dict) and error.get("type") == "invalid_request_error":
        return errors.INVALID_REQUEST
    return errors.UPSTREAM_FAILED


def _kind_of_failed(error: object) -> errors.ErrorKind:
    """The same, where the answer itself is the error."""
    return kind_of({"type": error.get("code")} if isinstance(error, dict) else None)


def _data(event: bytes) -> bytes:
    """An event's data; none of a comment that only keeps the connection awake."""
    return b"\n".join(line.removeprefix(b"data:") for line in event.split(b"\n") if line.startswith(b"data:"))


def _usage(said: dict[str, Any], read: str, made: str) -> Usage:
    usage = said.get("usage")
    if not isinstance(usage, dict):
        return Usage()
    counted = Usage(_count(usage.get(read)), _count(usage.get(made)))
    # No question is of no tokens: OpenClaw says so where its model did not count.
    return counted if counted.tokens_in else Usage()


def _count(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
