"""`moltghost diff`: what a change does to every stack, without an engine and without any credential."""

import click

from infra.synth.diff import hooks
from infra.synth.diff.render import render
from infra.synth.diff.report import Report, make_report
from infra.synth.diff.revisions import Recorded, RevisionError, record_both
from infra.synth.program import PROJECT
from policies.exemptions import ExemptionError

FORMS = ("text", "markdown", "json")
_DEV = "stacks of kind dev: they need a machine; `make preview` shows what changes there"


@click.command()
@click.option("--base", required=True, help="The revision to compare with, such as main or HEAD~1.")
@click.option("--head", help="The revision that changes; by itself what the working tree has.")
@click.option("--stack", "stacks", multiple=True, help="Only this stack; may be given again.")
@click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True)
@click.option("--folder", help="Where in the project the stack files are, if not at its top.")
@click.option("--no-verdicts", is_flag=True, help="Ask neither the policies nor the proof of isolation.")
def diff(
    base: str, head: str | None, stacks: tuple[str, ...], form: str, folder: str | None, no_verdicts: bool
) -> None:
    """Show what changes in each stack between two revisions, each recorded by its own code.

    Ends with 0 if nothing changes, 2 if something does, 3 if a policy or the proof refuses it, 1 on errors.
    """
    try:
        before, after = record_both(PROJECT, base, head, list(stacks) or None, folder)
    except RevisionError as error:
        raise click.ClickException(str(error)) from None
    unknown = [each for each in stacks if each not in {*before.stacks, *after.stacks}]
    if unknown:
        raise click.ClickException(f"neither revision has a stack called {', '.join(unknown)} (of kind dev: none is)")
    try:
        report = _report(before, after, verdicts=not no_verdicts, whole=not stacks)
    except ExemptionError as error:
        raise click.ClickException(str(error)) from None
    click.echo(render(report, form), nl=False)
    raise SystemExit(report.exit_code)


def _report(before: Recorded, after: Recorded, *, verdicts: bool, whole: bool) -> Report:
    """The report; the proof of isolation is of a whole fleet, or it is none."""
    judged = hooks.judge_by_rules() if verdicts else None
    return make_report(
        (before.name, before.stacks, before.usage),
        (after.name, after.stacks, after.usage),
        refusals=None if judged is None else judged(after.stacks),
        before=set() if judged is None else set(judged(before.stacks)),
        isolation=hooks.isolation(after.stacks) if verdicts and whole else None,
        left_out=[_DEV],
    )
