"""Values of the rule language and the conditions made of them.

One condition has one text: sets are sorted and hold nothing twice, and joined conditions of one kind lie flat.
Cloudflare keeps an expression as it was sent, so a text that moves is a difference in every preview.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

LONGEST_EXPRESSION = 4096
"""Characters of one expression; the API refuses more."""


class RuleError(ValueError):
    """Something the rule language has no words for."""


@dataclass(frozen=True)
class Condition:
    """Something that is true of a request or not; `joint` is the operator that holds its outermost parts together."""

    source: str
    joint: str = ""

    def __and__(self, other: "Condition") -> "Condition":
        return all_of(self, other)

    def __or__(self, other: "Condition") -> "Condition":
        return any_of(self, other)

    def __invert__(self) -> "Condition":
        return Condition(f"not {_grouped(self) if self.joint else self.source}")

    def __bool__(self) -> bool:
        # `a and b` of Python's would drop a condition without a word.
        raise RuleError("a condition has no truth of its own: join conditions with &, | and ~")


@dataclass(frozen=True)
class Each:
    """A condition on each of several values; `any` or `all` of them make a Condition of it."""

    source: str

    def any(self) -> Condition:
        """Whether it holds for one at least."""
        return Condition(f"any({self.source})")

    def all(self) -> Condition:
        """Whether it holds for every one; of no values that is true."""
        return Condition(f"all({self.source})")


@dataclass(frozen=True)
class Text:
    """A text of a request."""

    source: str

    def lower(self) -> "Text":
        """The same in lower case: the language compares case by case."""
        return Text(f"lower({self.source})")

    def url_decode(self) -> "Text":
        """The same with `%xx` and `+` decoded once."""
        return Text(f"url_decode({self.source})")

    def length(self) -> "Number":
        """How many bytes long it is."""
        return Number(f"len({self.source})")

    def eq(self, value: str) -> Condition:
        """Whether it is `value`."""
        return Condition(f"{self.source} eq {quoted(value)}")

    def ne(self, value: str) -> Condition:
        """Whether it is anything but `value`."""
        return Condition(f"{self.source} ne {quoted(value)}")

    def contains(self, value: str) -> Condition:
        """Whether `value` is part of it."""
        return Condition(f"{self.source} contains {_part(value)}")

    def contains_one_of(self, *values: str) -> Condition:
        """Whether one of `values` is part of it."""
        return any_of(*(self.contains(value) for value in sorted(set(values))))

    def is_in(self, *values: str) -> Condition:
        """Whether it is one of `values`."""
        return Condition(f"{self.source} in {_set(quoted(value) for value in sorted(set(values)))}")

    def starts_with(self, value: str) -> Condition:
        """Whether it begins with `value`."""
        return Condition(f"starts_with({self.source}, {_part(value)})")

    def ends_with(self, value: str) -> Condition:
        """Whether it ends with `value`."""
        return Condition(f"ends_with({self.source}, {_part(value)})")


@dataclass(frozen=True)
class EachText:
    """Each of several texts of a request: the values of a header, the names of all headers."""

    source: str

    def lower(self) -> "EachText":
        """The same in lower case."""
        return EachText(f"lower({self.source})[*]")

    def eq(self, value: str) -> Each:
        """Whether one is `value`."""
        return Each(f"{self.source} eq {quoted(value)}")

    def contains(self, value: str) -> Each:
        """Whether `value` is part of one."""
        return Each(f"{self.source} contains {_part(value)}")

    def is_in(self, *values: str) -> Each:
        """Whether one is among `values`."""
        return Each(f"{self.source} in {_set(quoted(value) for value in sorted(set(values)))}")


@dataclass(frozen=True)
class Number:
    """A whole number of a request."""

    source: str

    def eq(self, value: int) -> Condition:
        """Whether it is `value`."""
        return self._compared("eq", value)

    def lt(self, value: int) -> Condition:
        """Whether it is less."""
        return self._compared("lt", value)

    def gt(self, value: int) -> Condition:
        """Whether it is more."""
        return self._compared("gt", value)

    def is_in(self, *values: int) -> Condition:
        """Whether it is one of `values`."""
        return Condition(f"{self.source} in {_set(_whole(value) for value in sorted(set(values)))}")

    def _compared(self, operator: str, value: int) -> Condition:
        return Condition(f"{self.source} {operator} {_whole(value)}")


@dataclass(frozen=True)
class Addresses:
    """An IP address of a request."""

    source: str

    def is_in(self, *networks: str) -> Condition:
        """Whether it lies in one of the ranges. Raises RuleError naming what is none."""
        ranges = {_network(network) for network in networks}
        ordered = sorted(ranges, key=lambda one: (one.version, int(one.network_address), one.prefixlen))
        return Condition(f"{self.source} in {_set(str(one) for one in ordered)}")


def all_of(*conditions: Condition) -> Condition:
    """Every one of the conditions."""
    return _joined("and", conditions)


def any_of(*conditions: Condition) -> Condition:
    """One of the conditions at least."""
    return _joined("or", conditions)


def expression(condition: Condition) -> str:
    """The condition as the API takes it. Raises RuleError where it is longer than the API takes."""
    if len(condition.source) > LONGEST_EXPRESSION:
        raise RuleError(f"an expression of {len(condition.source)} characters; at most {LONGEST_EXPRESSION} are taken")
    return condition.source


def quoted(value: str) -> str:
    """A text as a literal: quoted, or raw where quoting would need escapes. Raises RuleError on control characters."""
    if not isinstance(value, str):
        raise RuleError(f"{value!r} is no text")
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in value):
        raise RuleError(f"{value!r} holds a control character; compare its percent-encoded form")
    if '"' not in value and "\\" not in value:
        return f'"{value}"'
    hashes = "#"
    while f'"{hashes}' in value:
        hashes += "#"
    return f'r{hashes}"{value}"{hashes}'


def _part(value: str) -> str:
    if value == "":
        raise RuleError("every text contains the empty one")
    return quoted(value)


def _whole(value: int) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        raise RuleError(f"{value!r} is no whole number")
    return str(value)


def _set(literals: Iterable[str]) -> str:
    listed = " ".join(literals)
    if not listed:
        raise RuleError("nothing is in an empty set")
    return f"{{{listed}}}"


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise RuleError(str(error)) from None


def _grouped(condition: Condition) -> str:
    return f"({condition.source})"


def _joined(joint: str, conditions: tuple[Condition, ...]) -> Condition:
    distinct = list(dict.fromkeys(conditions))
    if not distinct:
        raise RuleError(f"`{joint}` of no conditions")
    if len(distinct) == 1:
        return distinct[0]
    parts = [_grouped(each) if each.joint not in {"", joint} else each.source for each in distinct]
    return Condition(f" {joint} ".join(parts), joint)
