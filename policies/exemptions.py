"""Exemptions: which resource a rule is not asked of, why, who answers for it, and until when."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from policies.record import Resource

EXEMPTIONS = Path(__file__).with_name("exemptions.yaml")
"""The committed exemptions."""
_FIELDS = ("rule", "resource", "reason", "owner", "expires")


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """One entry; `path` is where it stands in the file.

    `resource` is a pattern of `<type>::<name>`; the entry counts up to and including the day it `expires`.
    """

    path: str
    rule: str
    resource: str
    reason: str
    owner: str
    expires: date

    def covers(self, rule: str, resource: Resource) -> bool:
        """Whether the entry speaks of this rule and this resource."""
        return rule == self.rule and fnmatchcase(f"{resource.type}::{resource.name}", self.resource)


class ExemptionError(Exception):
    """The exemptions can't be used as they are. The text is one line a problem: path, value, remedy."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def load_exemptions(file: Path, rules: Iterable[str], today: date) -> tuple[Exemption, ...]:
    """The exemptions of a file, all in force. Raises ExemptionError with all that is wrong with them at once.

    An expired entry, or one whose rule isn't one of `rules`, is wrong: it is taken out or renewed, never ignored.
    """
    document = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    known, problems, found = frozenset(rules), [], []
    entries = document.get("exemptions") if isinstance(document, Mapping) else None
    if not isinstance(entries, list) or set(document) != {"exemptions"}:
        raise ExemptionError([f"{file.name}: expected one list, `exemptions`"])
    for at, entry in enumerate(entries):
        path = f"{file.name}: exemptions[{at}]"
        wrong = list(_problems(path, entry, known, today))
        problems += wrong
        if not wrong:
            found.append(Exemption(path=path, **entry))
    if problems:
        raise ExemptionError(problems)
    return tuple(found)


def _problems(path: str, entry: Any, rules: frozenset[str], today: date) -> Iterator[str]:
    if not isinstance(entry, Mapping):
        yield f"{path} is no mapping: give {', '.join(_FIELDS)}"
        return
    for name in sorted(set(entry) - set(_FIELDS), key=str):
        yield f"{path}.{name} is no field of an exemption: choose from {', '.join(_FIELDS)}"
    for name in _FIELDS[:-1]:
        if not isinstance(entry.get(name), str) or not entry[name].strip():
            yield f"{path}.{name} must be text that says something"
    if isinstance(entry.get("rule"), str) and entry["rule"] not in rules:
        yield f"{path}.rule: there is no rule {entry['rule']!r}: docs/policies.md lists them"
    expires = entry.get("expires")
    if type(expires) is not date:
        yield f"{path}.expires must be a day, as in 2027-06-30"
    elif expires < today:
        yield f"{path}.expires: {expires} has passed: mend the resource and take the entry out, or renew it"
