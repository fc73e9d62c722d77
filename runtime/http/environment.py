"""Reading a program's environment, every problem of it at once."""

from collections.abc import Callable, Mapping
from typing import TypeVar

Value = TypeVar("Value")


class SettingsError(Exception):
    """The environment lacks a variable or holds one that cannot be used; the message names all of them."""


class Reader:
    """Reads variables and collects what is wrong with them. Values are never quoted: some are secret."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._problems: list[str] = []

    def read(self, name: str, parse: Callable[[str], Value], default: Value) -> Value:
        """The variable as `parse` reads it; `default` only stands in until `require` raises."""
        text = self._environ.get(name, "")
        if not text:
            self._problems.append(f"{name}: missing; set it in the pod's environment")
            return default
        try:
            return parse(text)
        except ValueError as error:
            self._problems.append(f"{name}: {error}")
            return default

    def require(self) -> None:
        """Raises SettingsError when anything read so far was missing or wrong."""
        if self._problems:
            raise SettingsError("; ".join(self._problems))
