"""Files written whole or not at all: a reader, or a crash, finds the old content or the new, never half of it."""

import os
from pathlib import Path


def write_whole(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace `path` by `text`; it never has other permission bits than `mode`. Its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    draft.replace(path)


def write_changed(path: Path, text: str, mode: int = 0o644) -> Path:
    """`write_whole`, unless the file holds `text` already: kube-proxy, for one, ends when its file is touched."""
    if not path.exists() or path.read_text() != text:
        write_whole(path, text, mode)
    return path
