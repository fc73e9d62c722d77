"""A value of a resource together with where it stands, so that a verdict can name its field."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from policies.record import Resource, Secret, Unknown, Value

_PART = re.compile(r"\{\{([^{}]+)\}\}")
"""What stands for an unknown part in `Unknown.text`."""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Verdict(StrEnum):
    """What a rule says of a resource. Only `pass` is passed: what can't be known yet is not."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """One thing that keeps a resource from passing: a verdict of `fail` or `unknown`, the field's path, and why."""

    verdict: Verdict
    path: str
    says: str


Findings = Iterator[Finding]


@dataclass(frozen=True)
class Field:
    """A value and its path in the resource's inputs. Below what is unknown everything is unknown, not absent."""

    path: str
    value: Value

    def __getitem__(self, key: str) -> "Field":
        """What lies under `key`; None where nothing does."""
        value: Value = None
        if isinstance(self.value, Mapping):
            value = self.value.get(key)
        elif not self.is_known:
            value = self.value
        return Field(self._under(key), value)

    def at(self, *keys: str) -> "Field":
        """What lies under one key after the other."""
        found = self
        for key in keys:
            found = found[key]
        return found

    @property
    def is_known(self) -> bool:
        """Whether a judgement can rest on it: neither unknown nor a masked secret."""
        return not isinstance(self.value, Unknown | Secret)

    @property
    def is_set(self) -> bool:
        """Whether something is there, known or not."""
        return self.value is not None

    def each(self) -> list["Field"]:
        """The elements of a list; one unknown element where the list itself is unknown; none where there is no list."""
        if not self.is_known:
            return [Field(f"{self.path}[*]", self.value)]
        if not isinstance(self.value, Sequence) or isinstance(self.value, str):
            return []
        return [Field(f"{self.path}[{at}]", value) for at, value in enumerate(self.value)]

    def items(self) -> list[tuple[str, "Field"]]:
        """The entries of a mapping; none where there is no known mapping."""
        if not isinstance(self.value, Mapping):
            return []
        return [(key, self[key]) for key in self.value]

    def text(self) -> str:
        """The value where it is known text, else nothing."""
        return self.value if isinstance(self.value, str) else ""

    def texts(self) -> list[str]:
        """The known texts of a list, or of a single value as AWS writes a list of one."""
        if isinstance(self.value, str):
            return [self.value]
        return [each.value for each in self.each() if isinstance(each.value, str)]

    def parsed(self) -> "Field":
        """The JSON document the text holds, at the same path; the value itself where it is no such text.

        Of a document that is unknown in part, the texts that hold an unknown part are unknown, and the rest is judged.
        What becomes known later is a name or an ARN: it may be any, but has no quote that would end its text.
        """
        text = self.value.text if isinstance(self.value, Unknown) else self.value
        if not isinstance(text, str):
            return self
        try:
            document = json.loads(text)
        except ValueError:
            return self
        return Field(self.path, _with_unknown_parts(document) if isinstance(self.value, Unknown) else document)

    def unknown_parts(self) -> "Findings":
        """A finding for each part that isn't known, at any depth."""
        if not self.is_known:
            yield self.unknown()
        else:
            for part in (*(each for _, each in self.items()), *self.each()):
                yield from part.unknown_parts()

    def require(self, holds: Callable[[Any], bool], says: str) -> Findings:
        """Nothing where the value is known and holds; else the finding that says so."""
        if not self.is_known:
            yield self.unknown()
        elif not holds(self.value):
            yield self.fail(says)

    def fail(self, says: str) -> Finding:
        """The finding that this field is wrong."""
        return Finding(Verdict.FAIL, self.path, says)

    def unknown(self) -> Finding:
        """The finding that this field can't be judged yet."""
        why = self.value.why if isinstance(self.value, Unknown) else "it is a secret, whose value is not kept"
        return Finding(Verdict.UNKNOWN, self.path, f"not known before the deployment: {why}")

    def _under(self, key: str) -> str:
        if _PLAIN.fullmatch(key):
            return f"{self.path}.{key}" if self.path else key
        return f"{self.path}[{json.dumps(key)}]"


def _with_unknown_parts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_unknown_parts(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_unknown_parts(each) for each in value]
    parts = _PART.findall(value) if isinstance(value, str) else []
    return Unknown(", ".join(sorted(set(parts))), value) if parts else value


def inputs_of(resource: Resource) -> Field:
    """A resource's inputs."""
    return Field("", resource.inputs)


def unless(excuse: Field, value: Value, findings: Iterable[Finding]) -> Findings:
    """The findings, but none where `excuse` has the value that allows them; unknown ones where that isn't known."""
    if excuse.is_known and excuse.value == value:
        return
    for each in findings:
        if excuse.is_known or each.verdict is Verdict.UNKNOWN:
            yield each
        else:
            yield replace(each, verdict=Verdict.UNKNOWN, says=f"{each.says}, unless {excuse.path} turns out {value!r}")


def is_true(value: Value) -> bool:
    """Whether a value says yes, as providers write it: some take booleans as text."""
    return value is True or value == "true"


def is_false_or_absent(value: Value) -> bool:
    """Whether a value says no, or nothing."""
    return value in (None, False, "false", "")
