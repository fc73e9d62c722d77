"""Stack files as text that every reader understands alike."""

import re
from typing import Any

import yaml

_NUMBERS = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+")
"""What Pulumi takes for a number: https://github.com/go-yaml/yaml/blob/v3.0.1/resolve.go. PyYAML follows YAML 1.1, to
which `30876e92` and `05952598` are text, and would leave them without quotes."""


class _Dumper(yaml.SafeDumper):
    """Quotes all text that some reader would take for a number."""


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(f"^(?:{_NUMBERS.pattern})$"), list("-+.0123456789"))


def dump(document: Any, width: int = 80) -> str:
    """The document as YAML, its keys in their own order."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=width)
    return text
