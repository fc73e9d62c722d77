"""What the model's own watch is told of the requests that reach it."""

from typing import Protocol


class Activity(Protocol):
    """Whoever asks the model for proof of life leaves it alone while it answers others."""

    def began(self) -> None:
        """A request goes to the model."""

    def heard(self) -> None:
        """Some of an answer came."""

    def ended(self, answered: bool) -> None:
        """A request that began is over; `answered` if the model gave a whole answer."""
