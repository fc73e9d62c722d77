"""docs/policies.md says of every rule what the rule says."""

from policies.reference import render_policies
from policies.registry import RULES
from tests.stack_files import PROJECT


def test_the_page_is_what_the_rules_say() -> None:
    page = (PROJECT / "docs" / "policies.md").read_text()
    assert page == render_policies(), "run `make gen`"
    for rule in RULES:
        assert page.count(f"\n| `{rule.name}` | {rule.says} |") == 1
        assert all(f"| {control} |" in page for control in rule.controls)
