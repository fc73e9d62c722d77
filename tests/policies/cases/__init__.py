"""For each rule what it passes, and what it refuses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from policies.record import Resource

Make = Callable[[str], tuple[Resource, ...]]
"""Makes resources whose names begin with a tag, so that many cases live in one stack."""


@dataclass(frozen=True)
class Case:
    """A good case of a rule, and mutants of it: each is one mistake. `kind` is the stack's."""

    good: Make
    mutants: Mapping[str, Make]
    kind: str = "region"
