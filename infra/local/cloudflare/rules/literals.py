"""Reads an expression's text piece by piece: words, names, and the three kinds of literals."""

import re
from ipaddress import ip_address, ip_network
from typing import Any

from infra.local.cloudflare.rules.types import Type

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_WHOLE = re.compile(r"-?\d+")
_ADDRESS = re.compile(r"[0-9a-fA-F:.]+(/\d+)?")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_RAW = re.compile(r'r(#{0,255})"(.*?)"\1', re.DOTALL)
_NOT_RUST = re.compile(r"\(\?(<?[=!])|\\[1-9]")
"""What other engines have and the one Cloudflare uses hasn't: looking around, and back."""


class ExpressionError(ValueError):
    """An expression that is none."""


class Reader:
    """A place in a text."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def error(self, message: str) -> ExpressionError:
        """The error, at this place."""
        rest = self.text[self.at : self.at + 20] or "the end"
        return ExpressionError(f"at character {self.at + 1} (before {rest!r}): {message}")

    def end(self) -> None:
        """Raises ExpressionError where something is left."""
        self._space()
        if self.at < len(self.text):
            raise self.error("nothing more was expected")

    def symbol(self, symbol: str, unless: str = "") -> bool:
        """Whether it comes next, and is taken; not where `unless` follows it."""
        self._space()
        if not self.text.startswith(symbol, self.at) or (unless and self.text.startswith(symbol + unless, self.at)):
            return False
        self.at += len(symbol)
        return True

    def expect(self, symbol: str) -> None:
        """Take it. Raises ExpressionError where something else comes."""
        if not self.symbol(symbol):
            raise self.error(f"`{symbol}` was expected")

    def word(self, word: str) -> bool:
        """Whether the whole word comes next, and is taken."""
        self._space()
        match = _NAME.match(self.text, self.at)
        if match is None or match[0] != word:
            return False
        self.at = match.end()
        return True

    def name(self) -> str:
        """A field's or function's name."""
        return self._take(_NAME, "the name of a field or function")[0]

    def whole(self) -> int:
        """A whole number."""
        return int(self._take(_WHOLE, "a whole number")[0])

    def string(self, regex: bool = False) -> str:
        """A quoted or raw text; what a quoted regular expression escapes but quotes stays escaped."""
        self._space()
        if raw := _RAW.match(self.text, self.at):
            self.at = raw.end()
            return raw[2]
        quoted = self._take(_QUOTED, "a text")[1]
        if regex:
            return quoted.replace('\\"', '"')
        if bad := re.search(r"\\[^\"\\]", quoted):
            raise self.error(f'{bad[0]} is no escape; only \\" and \\\\ are')
        return re.sub(r"\\(.)", r"\1", quoted)

    def right(self, operator: str, kind: Type) -> Any:
        """What stands to the right of an operator."""
        if operator == "in":
            return self._members(kind)
        if operator == "matches":
            return self._regex()
        if operator.endswith("wildcard"):
            return self._wildcard()
        return self._literal(kind)

    def _members(self, kind: Type) -> list[Any]:
        if self.symbol("$"):
            raise self.error("lists are not known here; write the values between { and }")
        self.expect("{")
        members = []
        while not self.symbol("}"):
            members.append(self._member(kind))
        if not members:
            raise self.error("nothing is in an empty set")
        return members

    def _member(self, kind: Type) -> Any:
        if kind.name == "IP address":
            network = self._take(_ADDRESS, "an address or a range of them, as CIDR")[0]
            try:
                return str(ip_network(network))
            except ValueError as error:
                raise self.error(str(error)) from None
        low = self._literal(kind)
        if kind.name == "Integer" and self.symbol(".."):
            return [low, self.whole()]
        return low

    def _literal(self, kind: Type) -> Any:
        if kind.name == "Integer":
            return self.whole()
        if kind.name == "String":
            return self.string()
        try:
            return str(ip_address(self._take(_ADDRESS, "an address")[0]))
        except ValueError as error:
            raise self.error(str(error)) from None

    def _regex(self) -> str:
        pattern = self.string(regex=True)
        if found := _NOT_RUST.search(pattern):
            raise self.error(f"{found[0]} is nothing Cloudflare's regular expressions have")
        try:
            re.compile(pattern)
        except re.error as error:
            raise self.error(f"no regular expression: {error}") from None
        return pattern

    def _wildcard(self) -> str:
        pattern = self.string()
        if re.search(r"(?<!\\)\*\*", pattern):
            raise self.error("`**` is not allowed in a wildcard")
        return pattern

    def _take(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        self._space()
        match = pattern.match(self.text, self.at)
        if match is None:
            raise self.error(f"{what} was expected")
        self.at = match.end()
        return match

    def _space(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in " \t\r\n":
            self.at += 1
