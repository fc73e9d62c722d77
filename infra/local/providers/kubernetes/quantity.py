"""Kubernetes quantities (`500m`, `2Gi`): the server may spell one otherwise than the user did."""

import re
from decimal import Decimal
from typing import Any

_SUFFIXES = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_QUANTITY = re.compile(r"^([+-]?[0-9.]+)(?:([eE][+-]?[0-9]+)|([KMGTPE]i|[numkMGTPE])?)$")


def parse(value: Any) -> Decimal | None:
    """The number a quantity stands for, None where `value` isn't one."""
    match = _QUANTITY.match(str(value)) if not isinstance(value, bool) else None
    if not match or match[1].count(".") > 1 or match[1].strip("+-.") == "":
        return None
    number = Decimal(match[1] + (match[2] or ""))
    suffix = match[3] or ""
    return number * (Decimal(1024) ** _BINARY[suffix] if suffix in _BINARY else Decimal(10) ** _SUFFIXES[suffix])


def same_quantity(one: Any, other: Any) -> bool:
    """Whether both are quantities of the same size."""
    left, right = parse(one), parse(other)
    return left is not None and left == right
