"""Make the scripted model as the model server keeps models: `python -m runtime.model.artifact OUT_DIR`.

The same bytes every time, and so the same digest, which is what it prints; no model server is needed to make it.
"""

import sys
import tempfile
from pathlib import Path

from runtime.model.store import (
    CONFIG_TYPE,
    PARAMETERS_TYPE,
    TEMPLATE_TYPE,
    WEIGHTS_TYPE,
    canonical,
    write_blob,
    write_manifest,
)
from runtime.model.template import render
from runtime.model.tiny_gguf import write_model

NAME = "tiny"

_PARAMETERS = {"num_thread": 1, "temperature": 0}
"""Threads that wait for each other would cost this model more than all it computes."""


def write_artifact(store: Path, name: str = NAME) -> str:
    """Write the model into `store`, which may hold others; its digest."""
    layers = (
        write_blob(store, WEIGHTS_TYPE, _weights()),
        write_blob(store, TEMPLATE_TYPE, render().encode()),
        write_blob(store, PARAMETERS_TYPE, canonical(_PARAMETERS)),
    )
    config = {
        "model_format": "gguf",
        "model_family": "llama",
        "model_families": ["llama"],
        "model_type": "tiny",
        "file_type": "F32",
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
    }
    return write_manifest(store, name, write_blob(store, CONFIG_TYPE, canonical(config)), layers)


def _weights() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.gguf"
        write_model(path)
        return path.read_bytes()


if __name__ == "__main__":
    print(write_artifact(Path(sys.argv[1])))  # noqa: T201  # its digest is what it is run for
