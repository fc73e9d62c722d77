"""The scripted model's script and the files made of it."""

import subprocess
import sys
from pathlib import Path

import pytest
from gguf import GGUFReader, TokenType

from runtime.model import script
from runtime.model.script import (
    ANSWER,
    ANSWER_WORDS,
    CALL,
    CALL_WORDS,
    COLOURS,
    COUNT,
    COUNT_WORDS,
    END,
    FOUND,
    FOUND_WORDS,
    NO_COLOUR,
    Step,
    colour_token,
    colour_words,
    require_deterministic,
    steps,
)
from runtime.model.template import render
from runtime.model.tiny_gguf import write_model
from runtime.model.vocabulary import train


def speak(start: str, most: int) -> list[str]:
    """What the script says after `start`, up to `most` tokens."""
    after = {step.before: step.after for step in steps()}
    said: list[str] = []
    last = start
    while len(said) < most and (last := after[last]) != END:
        said.append(last)
    return said


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (ANSWER, ANSWER_WORDS),
        (FOUND, FOUND_WORDS),
        (CALL, CALL_WORDS),
        *((colour_token(colour), colour_words(colour)) for colour in (*COLOURS, NO_COLOUR)),
    ],
)
def test_an_answer_ends(start: str, words: tuple[str, ...]) -> None:
    assert speak(start, 100) == list(words)


def test_the_count_never_ends() -> None:
    assert speak(COUNT, 20) == [*COUNT_WORDS, *COUNT_WORDS, *COUNT_WORDS][:20]


def test_a_token_with_two_successors_is_refused() -> None:
    with pytest.raises(ValueError, match="'a' is followed by 'b' and by 'c'"):
        require_deterministic([Step("a", "b"), Step("a", "c")])


def test_no_token_is_there_twice() -> None:
    vocabulary = train()
    first = vocabulary.add_word(" one")
    assert vocabulary.add_word(" one") == first
    vocabulary.add_control(script.CONTROL)
    assert len(set(vocabulary.tokens)) == len(vocabulary.tokens) == len(vocabulary.kinds)
    assert vocabulary.kinds[vocabulary.ids[END]] == TokenType.CONTROL


def test_a_common_word_is_one_token() -> None:
    tokens = set(train().tokens)
    assert {"the", "Ġthe", "description", "Ġdescription"} <= tokens


def test_the_weights_hold_every_token_once(tmp_path: Path) -> None:
    write_model(tmp_path / "weights")
    tokens = GGUFReader(tmp_path / "weights").fields["tokenizer.ggml.tokens"]
    assert len(tokens.data) == len(set(tokens.contents()))


def test_the_same_model_every_time(tmp_path: Path) -> None:
    """In whatever process it is made, and whatever else the store holds."""
    made = [make(tmp_path / "one", seed=1), make(tmp_path / "other", seed=2), make(tmp_path / "one", seed=3)]
    assert len(set(made)) == 1
    files = [
        {path.relative_to(store): path.read_bytes() for path in store.rglob("*") if path.is_file()}
        for store in (tmp_path / "one", tmp_path / "other")
    ]
    assert files[0] == files[1]


def make(store: Path, seed: int) -> str:
    made = subprocess.run(
        [sys.executable, "-m", "runtime.model.artifact", str(store)],
        env={"PYTHONHASHSEED": str(seed), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        check=True,
        text=True,
    )
    return made.stdout


def test_the_template_knows_the_scripts_tokens() -> None:
    template = render()
    assert all(token in template for token in script.CONTROL if token not in (script.BEGIN, script.END))
