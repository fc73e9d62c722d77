"""What an image may weigh, and what it does."""

import json
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from infra.local.inventory.contents import Contents

BUDGETS = Path(__file__).parents[3] / "runtime" / "budget.json"
"""By image: `compressed_mb` and `unpacked_mb` in decimal MB, `files` how many."""
_MB = 1_000_000


@dataclass(frozen=True)
class Weight:
    """An image's size, in decimal MB, and its number of files."""

    compressed_mb: float
    unpacked_mb: float
    files: int

    @classmethod
    def of(cls, contents: Contents) -> "Weight":
        """What the contents weigh."""
        return cls(round(contents.compressed / _MB, 1), round(contents.unpacked / _MB, 1), contents.count)

    def over(self, budget: "Weight") -> list[str]:
        """What is more than the budget allows, each as a sentence."""
        pairs = {
            "MB compressed": (self.compressed_mb, budget.compressed_mb),
            "MB unpacked": (self.unpacked_mb, budget.unpacked_mb),
            "files": (self.files, budget.files),
        }
        return [
            f"{is_now} {what}, where {allowed} are allowed"
            for what, (is_now, allowed) in pairs.items()
            if is_now > allowed
        ]


def read_budgets(path: Path = BUDGETS) -> dict[str, Weight]:
    """Each image's budget."""
    return {name: Weight(**values) for name, values in json.loads(path.read_text()).items()}


def weights_table(weights: dict[str, Weight], budgets: dict[str, Weight]) -> Table:
    """The sizes beside their budgets."""
    table = Table("image", *("compressed MB", "of", "unpacked MB", "of", "files", "of"), box=None)
    for name, weight in weights.items():
        budget = budgets[name]
        style = "red" if weight.over(budget) else ""
        pairs = zip(vars(weight).values(), vars(budget).values(), strict=True)
        table.add_row(name, *(str(value) for pair in pairs for value in pair), style=style)
    return table
