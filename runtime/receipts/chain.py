"""Following a chain of receipts: who comes after whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from runtime.receipts.format import Identity, genesis, identity_of


class Fault(StrEnum):
    """What can be wrong with a line, or with the book it stands in."""

    MALFORMED = "malformed"
    ALTERED = "altered"
    FOREIGN = "foreign"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    MISSING = "missing"
    ORDER = "order"
    BROKEN = "broken"
    TRUNCATED = "truncated"


@dataclass(frozen=True)
class Break:
    """Where a chain stops being one: what is wrong, and in words."""

    fault: Fault
    reason: str


class Chain:
    """The state of a chain after the receipts followed so far.

    `after` is the hash the first receipt must name as the one before it; without it the chain must begin with the very
    first receipt of an agent. `identity` is whose chain it must be; without it, whose the first receipt is.
    """

    def __init__(self, after: str | None = None, identity: Identity | None = None) -> None:
        self._after = after
        self.identity = identity
        self.head: str | None = None
        """Hash of the last receipt followed."""
        self.next_seq: int | None = None
        """Number the next receipt must have; None before the first."""

    def follow(self, receipt: Mapping[str, Any]) -> Break | None:
        """Take the next receipt, or say why it is not the next one: then nothing has changed."""
        wrong = self._foreign(receipt) or self._out_of_place(receipt)
        if wrong is None:
            self.identity = identity_of(receipt)
            self.head = receipt["hash"]
            self.next_seq = receipt["seq"] + 1
        return wrong

    def begins_after(self, head: str | None) -> bool:
        """Whether this is the hash an agent's very first receipt names: what is answered before there is any."""
        return self.identity is not None and head == genesis(self.identity)

    def _foreign(self, receipt: Mapping[str, Any]) -> Break | None:
        found = identity_of(receipt)
        if self.identity is not None and found != self.identity:
            return Break(Fault.FOREIGN, f"it is a receipt of {found}, in the book of {self.identity}")
        return None

    def _out_of_place(self, receipt: Mapping[str, Any]) -> Break | None:
        if self.next_seq is None:
            return self._no_beginning(receipt)
        seq, expected = receipt["seq"], self.next_seq
        if seq > expected:
            return Break(Fault.MISSING, f"receipt {_numbers(expected, seq - 1)} missing before receipt {seq}")
        if seq < expected:
            return Break(Fault.ORDER, f"receipt {seq} stands after receipt {expected - 1}: repeated or moved")
        if receipt["prev"] != self.head:
            return Break(Fault.BROKEN, f"receipt {seq} does not follow the line before it: one of the two was replaced")
        return None

    def _no_beginning(self, receipt: Mapping[str, Any]) -> Break | None:
        seq, prev = receipt["seq"], receipt["prev"]
        if self._after is not None:
            if prev == self._after:
                return None
            return Break(Fault.MISSING, f"receipt {seq} does not follow the hash it was said to follow")
        if seq > 0:
            return Break(Fault.MISSING, f"the book begins with receipt {seq}; receipt {_numbers(0, seq - 1)} missing")
        if prev != genesis(identity_of(receipt)):
            return Break(Fault.BROKEN, "receipt 0 does not begin the book of its agent")
        return None


def _numbers(first: int, last: int) -> str:
    return f"{first} is" if first == last else f"{first} to {last} are"
