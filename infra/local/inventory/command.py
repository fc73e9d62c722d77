"""`moltghost image`: build the platform's images, and write down what is in them."""

from pathlib import Path

import click

from infra.local.cache import cache_root
from infra.local.commands import expected_errors
from infra.local.files import write_whole
from infra.local.images import RECIPES, RUNTIME, Image, Images
from infra.local.inventory.bill import UNKNOWN, write_bill, write_licences
from infra.local.inventory.budget import Weight, read_budgets, weights_table
from infra.local.inventory.contents import read_contents
from infra.local.inventory.packages import find_packages, is_evidence
from infra.local.progress import Steps
from infra.local.tools import Tools

OWN = tuple(recipe for recipe in RECIPES if recipe.dockerfile == RUNTIME)
"""The images that are ours."""


@click.command()
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=Path("build"),
    show_default=True,
    help="Where to write the lists.",
)
def image(into: Path) -> None:
    """Build the images; list their packages and licences; fail when one outgrows its budget."""
    steps, budgets = Steps(), read_budgets()
    weights: dict[str, Weight] = {}
    with expected_errors():
        with steps.step("Images") as step:
            images = Images(cache_root(), Tools()).ensure(step, OWN)
        for one in images.values():
            with steps.step(f"What is in {one.name}") as step:
                weights[one.name], summary = take_stock(one, into)
                step(summary)
    steps.console.print(weights_table(weights, budgets))
    over = [f"{name}: {what}" for name, weight in weights.items() for what in weight.over(budgets[name])]
    if over:
        raise click.ClickException("over budget: " + "; ".join(over))


def take_stock(one: Image, into: Path) -> tuple[Weight, str]:
    """Write the image's bill of materials and licences; its weight, and a line that says what was found."""
    contents = read_contents(one, is_evidence)
    packages = find_packages(contents.files)
    write_whole(into / "sbom" / f"{one.name}.cdx.json", write_bill(one, packages))
    write_whole(into / "licences" / f"{one.name}.txt", write_licences(packages))
    silent = sum(not package.licences for package in packages)
    return Weight.of(contents), f"{len(packages)} packages, the licence of {silent} {UNKNOWN}"
