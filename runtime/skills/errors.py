"""What is wrong with a bundle of skills."""

from collections.abc import Iterable

_SHOWN = 10


class SkillError(Exception):
    """A bundle cannot be used; `problems` says why, each with the file it is about. The message joins the first ten."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        rest = len(self.problems) - _SHOWN
        more = [f"and {rest} more"] if rest > 0 else []
        super().__init__("; ".join([*self.problems[:_SHOWN], *more]))


def require(problems: Iterable[str]) -> None:
    """Raises SkillError unless there is no problem."""
    found = tuple(problems)
    if found:
        raise SkillError(found)
