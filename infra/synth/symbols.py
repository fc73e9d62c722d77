"""Names for values that nobody knows yet, to be followed through what the program makes of them."""

import re
from typing import Any

_SYMBOL = re.compile(r"\{\{((?:urn|stack):[^{}\s]+#[^{}\s]*)\}\}")


def symbol(origin: str, place: str) -> str:
    """The name of one unknown value: `origin` is a URN, or `stack:<name>` for what another stack exports."""
    return f"{{{{{origin}#{place}}}}}"


def symbols_in(text: str) -> list[str]:
    """Where the unknown parts of a text come from, each once, in order."""
    return sorted(set(_SYMBOL.findall(text)))


def holds_symbol(value: Any) -> bool:
    """Whether a value of the program's, at any depth, is made from an unknown one."""
    if isinstance(value, str):
        return _SYMBOL.search(value) is not None
    if isinstance(value, dict):
        return any(holds_symbol(each) for pair in value.items() for each in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(holds_symbol, value))
    return False
