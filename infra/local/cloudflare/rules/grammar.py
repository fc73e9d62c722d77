"""From an expression's text to a typed tree that is plain JSON."""

from collections.abc import Callable
from typing import Any

from infra.local.cloudflare.rules.literals import ExpressionError, Reader
from infra.local.cloudflare.rules.types import (
    BOOLEAN,
    FIELDS,
    FUNCTIONS,
    INTEGER,
    OPERATORS,
    RESPONSE_FIELDS,
    STRING,
    SYMBOLS,
    Type,
)

__all__ = ["Ast", "ExpressionError", "parse"]

Ast = dict[str, Any]
"""A node: `{"and": […]}`, `{"op": "eq", "left": …, "right": …}`, `{"call": "lower", "args": […]}`, `{"field": …}` …"""

LONGEST = 4096
_JOINTS = (("or", "||"), ("xor", "^^"), ("and", "&&"))
"""From the weakest to the strongest; `not` is stronger still."""
_EACH_TRUTH = Type("Each", BOOLEAN)


def parse(expression: str, response: bool = False) -> Ast:
    """The tree of an expression; `response` says that fields of the response are known in it.

    Raises ExpressionError saying where and what is wrong: the syntax, an unknown field or function, a type.
    """
    if len(expression) > LONGEST:
        raise ExpressionError(f"is {len(expression)} characters long; at most {LONGEST} are taken")
    reader = Reader(expression)
    tree, kind = _Parser(reader, {**FIELDS, **(RESPONSE_FIELDS if response else {})}).joined(0)
    reader.end()
    if kind != BOOLEAN:
        raise ExpressionError(f"is a {kind}, not true or false")
    return tree


class _Parser:
    def __init__(self, reader: Reader, fields: dict[str, Type]) -> None:
        self.reader, self.fields = reader, fields

    def joined(self, level: int) -> tuple[Ast, Type]:
        """Operands of one joint, each of the next stronger one."""
        if level == len(_JOINTS):
            return self.negated()
        word, symbol = _JOINTS[level]
        parts = [self.joined(level + 1)]
        while self.reader.word(word) or self.reader.symbol(symbol):
            parts.append(self.joined(level + 1))
        if len(parts) == 1:
            return parts[0]
        kinds = {kind for _, kind in parts}
        if kinds not in ({BOOLEAN}, {_EACH_TRUTH}):
            raise self.reader.error(f"`{word}` joins {' and '.join(map(str, sorted(kinds, key=str)))}")
        return {word: [tree for tree, _ in parts]}, parts[0][1]

    def negated(self) -> tuple[Ast, Type]:
        if self.reader.word("not") or self.reader.symbol("!", unless="="):
            tree, kind = self.negated()
            if kind not in {BOOLEAN, _EACH_TRUTH}:
                raise self.reader.error(f"`not` of a {kind}")
            return {"not": tree}, kind
        if self.reader.symbol("("):
            inner = self.joined(0)
            self.reader.expect(")")
            return inner
        return self.compared()

    def compared(self) -> tuple[Ast, Type]:
        """A value, compared where an operator follows; a truth may stand alone."""
        for word, truth in (("true", True), ("false", False)):
            if self.reader.word(word):
                return {"literal": truth}, BOOLEAN
        left, kind = self.value()
        operator = self.operator()
        if operator is None:
            if kind in {BOOLEAN, _EACH_TRUTH}:
                return left, kind
            raise self.reader.error(f"a {kind} needs an operator")
        scalar = kind.of if kind.name == "Each" and kind.of else kind
        if scalar.name not in OPERATORS[operator]:
            raise self.reader.error(f"`{operator}` does not compare a {kind}")
        tree = {"op": operator, "left": left, "right": self.reader.right(operator, scalar)}
        return tree, _EACH_TRUTH if kind.name == "Each" else BOOLEAN

    def operator(self) -> str | None:
        for symbol, operator in SYMBOLS.items():
            if self.reader.symbol(symbol):
                return operator
        if self.reader.word("strict"):
            if not self.reader.word("wildcard"):
                raise self.reader.error("`strict` comes before `wildcard`")
            return "strict wildcard"
        return next((each for each in OPERATORS if " " not in each and self.reader.word(each)), None)

    def value(self) -> tuple[Ast, Type]:
        """A field or a call, indexed."""
        name = self.reader.name()
        tree, kind = self.call(name) if self.reader.symbol("(") else self.field(name)
        while self.reader.symbol("["):
            tree, kind = self.indexed(tree, kind)
        return tree, kind

    def field(self, name: str) -> tuple[Ast, Type]:
        if name not in self.fields:
            raise self.reader.error(f"there is no field {name!r}, or it is not known here")
        return {"field": name}, self.fields[name]

    def indexed(self, tree: Ast, kind: Type) -> tuple[Ast, Type]:
        if kind.name not in {"Array", "Map"} or kind.of is None:
            raise self.reader.error(f"a {kind} has no parts")
        if kind.name == "Map":
            key: Any = self.reader.string()
            found = {"part": key, "of": tree}, kind.of
        elif self.reader.symbol("*"):
            found = {"each": tree}, Type("Each", kind.of)
        else:
            found = {"part": self.reader.whole(), "of": tree}, kind.of
        self.reader.expect("]")
        return found

    def call(self, name: str) -> tuple[Ast, Type]:
        if name in {"any", "all"}:
            tree, kind = self.joined(0)
            if kind != _EACH_TRUTH:
                raise self.reader.error(f"`{name}` is of a condition on each of several values, not of a {kind}")
            self.reader.expect(")")
            return {"call": name, "args": [tree]}, BOOLEAN
        if name not in FUNCTIONS:
            raise self.reader.error(f"there is no function {name!r}, or it is not known here")
        function = FUNCTIONS[name]
        tree, kind = self.value()
        scalar = kind.of if kind.name == "Each" else kind
        lengths = name == "len" and scalar is not None and scalar.name == "Array"
        if scalar != function.first and not lengths:
            raise self.reader.error(f"`{name}` takes a {function.first}, not a {kind}")
        readers: dict[Type, Callable[[], Any]] = {STRING: self.reader.string, INTEGER: self.reader.whole}
        literals: list[Ast] = []
        for literal in function.literals:
            self.reader.expect(",")
            literals.append({"literal": readers[literal]()})
        self.reader.expect(")")
        return {"call": name, "args": [tree, *literals]}, (
            Type("Array", function.result) if kind.name == "Each" else function.result
        )
