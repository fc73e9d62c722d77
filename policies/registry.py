"""All rules, found by their files."""

import importlib
import pkgutil
from functools import cache

import policies.rules
from policies.rule import Rule


def _load(module: str) -> Rule:
    rule = importlib.import_module(f"{policies.rules.__name__}.{module}").RULE
    if not isinstance(rule, Rule) or rule.name != module.replace("_", "-"):
        raise TypeError(f"policies/rules/{module}.py must define RULE, a Rule named {module.replace('_', '-')}")
    return rule


RULES: tuple[Rule, ...] = tuple(_load(each.name) for each in pkgutil.iter_modules(policies.rules.__path__))
"""Every rule, by name."""


@cache
def resource_rules(type_: str) -> tuple[Rule, ...]:
    """The rules that judge a resource of this type by itself."""
    return tuple(rule for rule in RULES if rule.check and rule.judges(type_))


@cache
def stack_rules() -> tuple[Rule, ...]:
    """The rules that judge a resource by what is declared beside it."""
    return tuple(rule for rule in RULES if rule.check_stack)
