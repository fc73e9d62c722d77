"""Configuration files that programs watch."""

from pathlib import Path


def write_config(path: Path, text: str) -> Path:
    """Write `text` unless the file holds it already: kube-proxy, for one, ends when its file is touched."""
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.draft")
        draft.write_text(text)
        draft.replace(path)
    return path
