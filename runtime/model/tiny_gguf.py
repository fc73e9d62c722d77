"""The scripted model's weights.

A llama of one layer whose attention and feed-forward weights are zero: what it says depends on the last token alone.
Every token of the script has a dimension of its own, and the output matrix says which token comes after it. The real
model server runs it like any other model, in two megabytes, and its answers are known.
"""

from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

from runtime.model.script import BEGIN, CONTROL, END, steps
from runtime.model.vocabulary import Vocabulary, train

_WIDTH, _FEED_FORWARD = 64, 32
_HEAD = 2
"""The least there can be: reading a prompt costs its length squared times this."""
_REST = _WIDTH - 1
"""The dimension of all tokens outside the script: after any of them the model ends its answer."""
_CONTEXT_TOKENS = 65_536
_CERTAIN = 4.0
"""Weight of a successor, against 1 for the end: at temperature 0 the model never strays."""

Matrix = NDArray[np.float32]


def write_model(out: Path) -> None:
    """Write the weights, a GGUF, to `out`."""
    vocabulary = train()
    vocabulary.add_control(CONTROL)
    script = [(_id(vocabulary, step.before), _id(vocabulary, step.after)) for step in steps()]
    embedding, output = _weights(len(vocabulary.tokens), vocabulary.ids[END], script)
    writer = gguf.GGUFWriter(str(out), "llama")
    _add_shape(writer, len(vocabulary.tokens))
    _add_vocabulary(writer, vocabulary)
    _add_tensors(writer, embedding, output)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _id(vocabulary: Vocabulary, token: str) -> int:
    return vocabulary.ids[token] if token in CONTROL else vocabulary.add_word(token)


def _weights(size: int, end: int, script: list[tuple[int, int]]) -> tuple[Matrix, Matrix]:
    """The embedding, which gives every scripted token its dimension; the output, which reads its successor off it."""
    dimension = {token: at for at, token in enumerate(dict.fromkeys(before for before, _ in script))}
    if len(dimension) > _REST:
        raise ValueError(f"the script has {len(dimension)} tokens; the model has room for {_REST}")
    embedding = np.zeros((size, _WIDTH), np.float32)
    embedding[:, _REST] = 1
    for token, at in dimension.items():
        embedding[token] = 0
        embedding[token, at] = 1
    output = np.zeros((size, _WIDTH), np.float32)
    output[end, _REST] = 1
    for before, after in script:
        output[after, dimension[before]] = _CERTAIN
    return embedding, output


def _add_shape(writer: gguf.GGUFWriter, size: int) -> None:
    writer.add_name("tiny")
    writer.add_context_length(_CONTEXT_TOKENS)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(_FEED_FORWARD)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_key_length(_HEAD)
    writer.add_value_length(_HEAD)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_HEAD)
    writer.add_rope_freq_base(10_000.0)
    writer.add_vocab_size(size)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def _add_vocabulary(writer: gguf.GGUFWriter, vocabulary: Vocabulary) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.kinds)
    writer.add_token_merges(vocabulary.merges)
    writer.add_bos_token_id(vocabulary.ids[BEGIN])
    writer.add_eos_token_id(vocabulary.ids[END])
    writer.add_add_bos_token(True)


def _add_tensors(writer: gguf.GGUFWriter, embedding: Matrix, output: Matrix) -> None:
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output_norm.weight", np.ones(_WIDTH, np.float32))
    writer.add_tensor("output.weight", output)
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", np.ones(_WIDTH, np.float32))
    for name in ("attn_q", "attn_k", "attn_v"):
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros((_HEAD, _WIDTH), np.float32))
    writer.add_tensor("blk.0.attn_output.weight", np.zeros((_WIDTH, _HEAD), np.float32))
    for name in ("ffn_gate", "ffn_up"):
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros((_FEED_FORWARD, _WIDTH), np.float32))
    writer.add_tensor("blk.0.ffn_down.weight", np.zeros((_WIDTH, _FEED_FORWARD), np.float32))
