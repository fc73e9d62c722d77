"""What the scripted model says: for each token, the one that comes next."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

BEGIN, END, TURN = "<|bos|>", "<|end|>", "<|turn|>"

ANSWER = "<|answer|>"
"""Ends a prompt that is to be answered with `ANSWER_WORDS`."""
COUNT = "<|count|>"
"""Ends a prompt that is to be answered with `COUNT_WORDS`, over and over, until the request's own limit."""

CONTROL = (BEGIN, END, TURN, ANSWER, COUNT)

ANSWER_WORDS = ("Hello", " from", " the", " tiny", " model", ".")
COUNT_WORDS = (" one", " two", " three", " four", " five", " six", " seven", " eight")


@dataclass(frozen=True)
class Step:
    """After the token `before` comes the token `after`."""

    before: str
    after: str


def chain(tokens: Sequence[str]) -> list[Step]:
    """One token after the other."""
    return [Step(before, after) for before, after in itertools.pairwise(tokens)]


def steps() -> list[Step]:
    """The whole script. Every token has one successor at most, since the model sees nothing but the last token."""
    spoken = [*chain((ANSWER, *ANSWER_WORDS, END)), *chain((COUNT, *COUNT_WORDS, COUNT_WORDS[0]))]
    require_deterministic(spoken)
    return spoken


def require_deterministic(script: Iterable[Step]) -> None:
    """Raises ValueError when a token has two successors."""
    after: dict[str, str] = {}
    for step in script:
        if after.setdefault(step.before, step.after) != step.after:
            raise ValueError(f"{step.before!r} is followed by {after[step.before]!r} and by {step.after!r}")
