"""What a proof cannot read: each a failure, never silence."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Unmodelled:
    """A declared field the proof does not understand or whose value nobody knows yet."""

    urn: str
    field: str
    why: str


class UnmodelledError(Exception):
    """Raised while a resource is read; `what` says which field of it."""

    def __init__(self, urn: str, field: str, why: str) -> None:
        super().__init__(f"{urn}: {field}: {why}")
        self.what = Unmodelled(urn, field, why)
