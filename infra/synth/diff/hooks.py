"""Who else has a say in a change: the rules of policies/, and the proof that customers stay apart."""

from collections.abc import Callable, Iterator, Mapping

from infra.prove.proof import prove
from infra.synth.diff.report import Isolation, Refusal
from policies.judging import committed_exemptions, judge
from policies.record import Stack

_BEFORE_CLAIMS = "\nClaims:"
"""Where a verdict's text ends to speak of the stacks, and begins to say what was claimed."""


def judge_by_rules() -> Callable[[Mapping[str, Stack]], list[Refusal]]:
    """Judges records by every rule, with the exemptions in force today. Raises ExemptionError if those are wrong."""
    exemptions = committed_exemptions()

    def judged(stacks: Mapping[str, Stack]) -> list[Refusal]:
        return [refusal for stack in stacks.values() for refusal in _refusals(stack)]

    def _refusals(stack: Stack) -> Iterator[Refusal]:
        report = judge(stack, exemptions)
        for unknown, judgements in ((False, report.failures), (True, report.unknowns)):
            for each in judgements:
                resource = f"{each.resource.type} {each.resource.name}"
                for found in each.findings:
                    yield Refusal(stack.name, each.rule.name, resource, found.says, unknown)

    return judged


def isolation(stacks: Mapping[str, Stack]) -> Isolation:
    """Whether customers stay apart in a whole fleet: what was proved and over what, or each way in, hop by hop."""
    verdict = prove(list(stacks.values()))
    said = verdict.to_text().partition(_BEFORE_CLAIMS)[0].rstrip().splitlines()
    assumed = f"{len(verdict.assumptions)} assumptions: `moltghost prove` lists them"
    return Isolation(verdict.holds, (*said, *([assumed] if verdict.holds else [])))
