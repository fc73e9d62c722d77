"""The scripted model's script and the files made of it."""

from pathlib import Path

import pytest
from gguf import GGUFReader, TokenType

import runtime.model
from runtime.model import script
from runtime.model.script import ANSWER, ANSWER_WORDS, COUNT, COUNT_WORDS, END, Step, require_deterministic, steps
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


def test_the_answer_ends() -> None:
    assert speak(ANSWER, 100) == list(ANSWER_WORDS)


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


def test_the_same_model_every_time(tmp_path: Path) -> None:
    for name in ("one", "other"):
        write_model(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    tokens = GGUFReader(tmp_path / "one").fields["tokenizer.ggml.tokens"]
    assert len(tokens.data) == len(set(tokens.contents()))


def test_the_template_knows_the_scripts_tokens() -> None:
    modelfile = (Path(runtime.model.__file__).parent / "tiny" / "Modelfile").read_text()
    assert all(token in modelfile for token in (ANSWER, COUNT, script.TURN))
