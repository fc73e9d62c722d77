"""Kubernetes' label selectors, in one form each.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors (2026-11)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.prove.problems import UnmodelledError

NAME_LABEL = "kubernetes.io/metadata.name"
"""Every namespace has its name under this label, put there by the API server."""


@dataclass(frozen=True, order=True)
class Requirement:
    """One condition on one label. `operator` is In, NotIn, Exists or DoesNotExist."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def holds(self, value: str | None) -> bool:
        """Whether a label's value, None where it is missing, meets it."""
        match self.operator:
            case "In":
                return value in self.values
            case "NotIn":
                return value not in self.values
            case "Exists":
                return value is not None
            case _:
                return value is None


@dataclass(frozen=True, order=True)
class Selector:
    """Conditions all of which must hold; without any it selects everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether it selects what has these labels."""
        return all(each.holds(labels.get(each.key)) for each in self.requirements)

    def only(self, key: str) -> tuple[str, ...] | None:
        """The values it allows a label to have; None if it leaves that open."""
        found = [set(each.values) for each in self.requirements if each.key == key and each.operator == "In"]
        return tuple(sorted(set.intersection(*found))) if found else None

    def __str__(self) -> str:
        return ", ".join(_text(each) for each in self.requirements) or "everything"


EVERYTHING = Selector()


def read_selector(value: Any, urn: str, field: str) -> Selector:
    """A selector as it is declared. Raises UnmodelledError for what is no selector or not known yet."""
    if not isinstance(value, Mapping):
        raise UnmodelledError(urn, field, "is not known or no selector")
    if extra := set(value) - {"matchLabels", "matchExpressions"}:
        raise UnmodelledError(urn, field, f"has {', '.join(sorted(extra))}, which no selector has")
    return Selector(tuple(sorted({*_labels(value, urn, field), *_expressions(value, urn, field)})))


def _labels(value: Mapping[str, Any], urn: str, field: str) -> Iterator[Requirement]:
    for key, wanted in read_labels(value.get("matchLabels"), urn, f"{field}.matchLabels").items():
        yield Requirement(key, "In", (wanted,))


def _expressions(value: Mapping[str, Any], urn: str, field: str) -> Iterator[Requirement]:
    for at, each in enumerate(value.get("matchExpressions") or ()):
        where = f"{field}.matchExpressions[{at}]"
        key, operator, values = each.get("key"), each.get("operator"), each.get("values") or ()
        known = type(key) is str and all(type(one) is str for one in values)
        if not known or operator not in {"In", "NotIn", "Exists", "DoesNotExist"}:
            raise UnmodelledError(urn, where, "has a key, operator or value that is not known")
        if (operator in {"In", "NotIn"}) != bool(values):
            raise UnmodelledError(urn, where, f"{operator} with {len(values)} values")
        yield Requirement(key, operator, tuple(sorted(set(values))))


def read_labels(value: Any, urn: str, field: str) -> Mapping[str, str]:
    """Labels as they are declared. Raises UnmodelledError if one is not known."""
    if value is None:
        return {}
    if type(value) is not dict and not isinstance(value, Mapping):
        raise UnmodelledError(urn, field, "is not known")
    for one in value.values():
        if type(one) is not str:
            raise UnmodelledError(urn, field, "a label is not known or no text")
    return value


def _text(each: Requirement) -> str:
    match each.operator:
        case "In" if len(each.values) == 1:
            return f"{each.key}={each.values[0]}"
        case "In" | "NotIn":
            return f"{each.key} {each.operator} ({', '.join(each.values)})"
        case "Exists":
            return each.key
        case _:
            return f"!{each.key}"
