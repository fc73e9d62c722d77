"""docs/policies.md: its tables are written from the rules."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from policies.registry import RULES
from policies.rule import CLOUD_KINDS, Rule

_BEGINNING = Path(__file__).with_name("page.md")
"""What the page says before its tables; `{count}` is the number of rules."""


def render_policies() -> str:
    """The page."""
    return "\n".join(
        [
            _BEGINNING.read_text(encoding="utf-8").format(count=len(RULES)),
            *_rules(RULES),
            "",
            "## Controls",
            "",
            "Which rules serve which control of CIS (Kubernetes Benchmark, EKS Benchmark, AWS Foundations), of the Pod",
            "Security Standards, SOC 2 (Trust Services Criteria), ISO/IEC 27001:2022 Annex A and the GDPR.",
            "",
            *_controls(RULES),
            "",
        ]
    )


def _rules(rules: Iterable[Rule]) -> list[str]:
    rows = [
        f"| `{rule.name}` | {rule.says} | {rule.reason} | {rule.remedy} | {_marks(rule)} |".replace("<", "&lt;")
        for rule in rules
    ]
    return ["| rule | what it says | why | what to do | in |", "|---|---|---|---|---|", *rows]


def _marks(rule: Rule) -> str:
    marks = ["k"] if rule.admission else []
    marks += ["together"] if rule.check_stack else []
    marks += ["c"] if rule.kinds == CLOUD_KINDS else []
    return ", ".join(marks)


def _controls(rules: Iterable[Rule]) -> list[str]:
    serving: defaultdict[str, list[str]] = defaultdict(list)
    for rule in rules:
        for control in rule.controls:
            serving[control].append(f"`{rule.name}`")
    rows = [f"| {control} | {', '.join(serving[control])} |" for control in sorted(serving, key=_order)]
    return ["| control | rules |", "|---|---|", *rows]


def _order(control: str) -> tuple[str, list[int], str]:
    """By standard, then by number."""
    digits = "".join(each if each.isdigit() else " " for each in control)
    return control.split(".")[0].rstrip("0123456789"), [int(each) for each in digits.split()], control
