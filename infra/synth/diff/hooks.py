"""Who else has a say in a change: the rules of policies/, and the proof that customers stay apart."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from infra.synth.diff.report import Isolation, Refusal
from policies.record import Stack

Judge = Callable[[Stack], Sequence[Refusal]]
"""What rules say of a stack: nothing where all pass."""
Prove = Callable[[Mapping[str, Stack]], Isolation]
"""Whether customers stay apart in a set of stacks."""


def judge() -> Judge | None:
    """The rules of policies/judging.py; None where there are none. Raises ExemptionError."""
    if find_spec("policies.judging") is None:
        return None
    judging: Any = import_module("policies.judging")
    exemptions = judging.committed_exemptions()

    def judged(stack: Stack) -> list[Refusal]:
        report = judging.judge(stack, exemptions)
        return [
            Refusal(stack.name, each.rule.name, f"{each.resource.type} {each.resource.name}", found.says, unknown)
            for unknown, judgements in ((False, report.failures), (True, report.unknowns))
            for each in judgements
            for found in each.findings
        ]

    return judged


def prove() -> Prove | None:
    """The proof of infra/prove; None where this revision has none.

    It is `infra.prove.verdict:isolation`, which takes the stacks' records by name and gives an Isolation.
    """
    if find_spec("infra.prove") is None or find_spec("infra.prove.verdict") is None:
        return None
    found: Prove = import_module("infra.prove.verdict").isolation
    return found
