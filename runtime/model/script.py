"""What the scripted model says: for each token, the one that comes next; and when it says which."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

BEGIN, END, TURN = "<|bos|>", "<|end|>", "<|turn|>"

ANSWER = "<|answer|>"
"""Ends a prompt that is to be answered with `ANSWER_WORDS`."""
COUNT = "<|count|>"
"""Ends a prompt that is to be answered with `COUNT_WORDS`, over and over, until the request's own limit."""
CALL = "<|call|>"
"""Ends a prompt that is to be answered with a call of `TOOL`."""
FOUND = "<|found|>"
"""Ends a prompt that is to be answered with `FOUND_WORDS`."""

ANSWER_WORDS = ("Hello", " from", " the", " tiny", " model", ".")
COUNT_WORDS = (" one", " two", " three", " four", " five", " six", " seven", " eight")
FOUND_WORDS = ("The", " CRM", " knows", " this", " customer", ".")

TOOL, TOOL_PARAMETER, TOOL_ARGUMENT = "crm_query", "customer", "ACME-1"
"""The only tool it ever calls, and the one argument it gives."""
CALL_TAG = "<tool_call>"
CALL_WORDS = (CALL_TAG, '{"name": "', TOOL, '", "arguments": {"', TOOL_PARAMETER, '": "', TOOL_ARGUMENT, '"}}')

COLOURS = ("blue", "red")


def colour_token(colour: str) -> str:
    """Ends a prompt that is to be answered with `colour_words`."""
    return f"<|{colour}|>"


def colour_words(colour: str) -> tuple[str, ...]:
    """What it answers to who said to like this colour; `nothing` for who said none."""
    return (f"You said {colour}", ".")


NO_COLOUR = "nothing"
CONTROL = (BEGIN, END, TURN, ANSWER, COUNT, CALL, FOUND, *map(colour_token, (*COLOURS, NO_COLOUR)))

ASK_COUNT = "Count without end."
ASK_TOOL = "Look it up in the CRM."
ASK_COLOUR = "What did I say before?"


def tell_colour(colour: str) -> str:
    """What a user says for the model to know later."""
    return f"My colour is {colour}"


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
    lines = [
        (ANSWER, *ANSWER_WORDS, END),
        (COUNT, *COUNT_WORDS, COUNT_WORDS[0]),
        (CALL, *CALL_WORDS, END),
        (FOUND, *FOUND_WORDS, END),
        *((colour_token(colour), *colour_words(colour), END) for colour in (*COLOURS, NO_COLOUR)),
    ]
    spoken = list(dict.fromkeys(step for line in lines for step in chain(line)))
    require_deterministic(spoken)
    return spoken


def require_deterministic(script: Iterable[Step]) -> None:
    """Raises ValueError when a token has two successors."""
    after: dict[str, str] = {}
    for step in script:
        if after.setdefault(step.before, step.after) != step.after:
            raise ValueError(f"{step.before!r} is followed by {after[step.before]!r} and by {step.after!r}")
