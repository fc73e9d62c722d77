"""The pepper, as the commands that derive from it are handed it."""

SHORTEST_PEPPER = 32


class PepperError(ValueError):
    """What was handed over can be no pepper; the message quotes none of it."""


def read_pepper(text: str) -> str:
    """The pepper in `text`, which may end with the line's end a shell adds. Raises PepperError."""
    pepper = text.removesuffix("\n")
    if len(pepper) < SHORTEST_PEPPER:
        raise PepperError(
            f"has {len(pepper)} characters; it has {SHORTEST_PEPPER} at least, else keys could be found by guessing"
        )
    return pepper
