"""The scripted model's vocabulary: a byte-level BPE, so that any prompt can be read and a long one stays cheap."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from gguf import TokenType
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

_WORDS = Path(__file__).with_name("words.txt")
"""Words that prompts are made of, common ones first."""
_MARKS = ("\n\n", "...", "---", "](", "://", "```", "**", "##", ": ", "- ", "). ", '": "', '","', '":"', '": {"')
_SIZE = 9000
"""More than there is to learn: every word becomes one token, alone and after a blank."""


@dataclass
class Vocabulary:
    """Token texts and kinds by id, and the merges that make tokens of bytes."""

    tokens: list[str]
    kinds: list[TokenType]
    merges: list[str]
    ids: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.ids = {token: at for at, token in enumerate(self.tokens)}

    def id_of(self, token: str, kind: TokenType) -> int:
        """The id of a token, which is added if it is new: a vocabulary with a token twice crashes the model server."""
        if token not in self.ids:
            self.ids[token] = len(self.tokens)
            self.tokens.append(token)
            self.kinds.append(kind)
        return self.ids[token]

    def add_control(self, tokens: Iterable[str]) -> list[int]:
        """Ids of tokens that steer the model and are never spoken."""
        return [self.id_of(token, TokenType.CONTROL) for token in tokens]

    def add_word(self, word: str) -> int:
        """The id of a token that speaks `word`."""
        return self.id_of(_printable(word), TokenType.NORMAL)


def train() -> Vocabulary:
    """The vocabulary: every byte, and what prompts are made of."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=_SIZE, min_frequency=0, initial_alphabet=alphabet, show_progress=False)
    words = _WORDS.read_text(encoding="utf-8").split()
    tokenizer.train_from_iterator([*(f"{word} {word}" for word in words), *_MARKS], trainer)
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    return Vocabulary(tokens, [TokenType.NORMAL] * len(tokens), merges)


def _printable(word: str) -> str:
    """A word in the printable stand-ins a byte-level BPE writes its bytes with."""
    stand_ins = _stand_ins()
    return "".join(stand_ins[byte] for byte in word.encode())


def _stand_ins() -> dict[int, str]:
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in printable]
    return {**{byte: chr(byte) for byte in printable}, **{byte: chr(256 + at) for at, byte in enumerate(rest)}}
