"""A report as text, as Markdown for a review's comment, and as JSON."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

from infra.synth.diff.compare import Action
from infra.synth.diff.grouping import Group, Variant
from infra.synth.diff.report import Refusal, Report
from infra.synth.diff.values import FieldChange

MARK = "<!-- moltghost diff -->"
"""What a comment begins with, so that the next run finds it."""

_SIGNS = {Action.CREATE: "+", Action.DELETE: "-", Action.REPLACE: "±", Action.UPDATE: "~"}
_VERBS = {
    Action.CREATE: "created",
    Action.DELETE: "deleted",
    Action.REPLACE: "replaced",
    Action.UPDATE: "changed",
}
_WIDTH = 96
_MOST_LINES = 20
_MOST_NAMES = 5
_COMMENT = 60_000
"""GitHub takes 65,536 characters in a comment."""


def render(report: Report, form: str) -> str:
    """The report in a form: `text`, `markdown` or `json`."""
    forms: dict[str, Callable[[Report], str]] = {"text": _text, "markdown": _markdown, "json": _json}
    return forms[form](report)


def _text(report: Report) -> str:
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield headline(report)
    if report.at_risk:
        yield from ("", "DATA AT RISK")
        for group in report.at_risk:
            yield f"  ! {_risk(group)}"
    for title, lines in _verdicts(report):
        yield from ("", title.upper())
        yield from (f"  {line}" for line in lines)
    if report.groups:
        yield from ("", "CHANGES")
        for group in report.groups:
            yield from _group(group)
    for title, lines in _remarks(report):
        yield from ("", title.upper())
        yield from (f"  {line}" for line in lines)


def headline(report: Report) -> str:
    """The whole in a sentence or two."""
    between = f"{report.base} → {report.head}"
    if not report.groups:
        return f"{between}: nothing changes in {_count(report.compared, 'stack')}"
    counts = ", ".join(f"{report.counts[action]} {_VERBS[action]}" for action in _VERBS if report.counts.get(action, 0))
    radius = report.radius
    reach = [f"{len(radius.stacks)} of {_count(report.compared, 'stack')}", _count(len(radius.tenants), "customer")]
    if radius.hosted:
        reach.append(f"{len(radius.hosted)} more by their region or the edge")
    reach.append(f"{_count(len(radius.agents), 'agent')} to restart")
    return f"{between}: {_count(len(report.groups), 'change')} (resources: {counts}); reaches {', '.join(reach)}"


def _risk(group: Group) -> str:
    """What happens to data, in words."""
    names = _named([f"{each.name} ({each.stack})" for each in group.changes if each.loss])
    what = {Action.REPLACE: "replaces", Action.DELETE: "deletes"}.get(group.action, "endangers")
    because = f", forced by {', '.join(group.changes[0].forced_by)}" if group.changes[0].forced_by else ""
    return f"{what} {names}{because}: {group.loss}"


def _group(group: Group) -> Iterator[str]:
    total = len(group.changes)
    counted = "" if total == len(group.stacks) else f" ({_count(total, 'resource')})"
    where = group.stacks[0] if len(group.stacks) == 1 else f"{len(group.stacks)} stacks"
    yield f"  {_SIGNS[group.action]} {group.type} {group.title}: {_VERBS[group.action]} in {where}{counted}"
    first, *others = group.variants
    if group.changes[0].forced_by:
        yield f"      forced by {', '.join(group.changes[0].forced_by)}"
    for field in first.fields:
        yield from _field(field, "      ")
    for variant in others:
        yield f"      except {_named(variant.stacks)}:"
        yield from _variant(variant)
    if group.without:
        yield f"      not in {_named(group.without)}"


def _variant(variant: Variant) -> Iterator[str]:
    for field in variant.fields:
        yield from _field(field, "        ")


def _field(field: FieldChange, indent: str) -> Iterator[str]:
    if field.lines:
        yield f"{indent}{field.path}:"
        yield from (f"{indent}  {line}" for line in field.lines[:_MOST_LINES])
        if len(field.lines) > _MOST_LINES:
            yield f"{indent}  … {len(field.lines) - _MOST_LINES} lines more"
        return
    before, after = _around(field.before, field.after)
    if before is None:
        yield f"{indent}{field.path}: + {after}"
    elif after is None:
        yield f"{indent}{field.path}: - {before}"
    else:
        yield f"{indent}{field.path}: {before} → {after}"


def _around(before: str | None, after: str | None) -> tuple[str | None, str | None]:
    """Two values cut to where they differ."""
    if before is None or after is None:
        return _cut(before), _cut(after)
    same = next((at for at, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), 0)
    start = max(0, same - _WIDTH // 3) if max(len(before), len(after)) > _WIDTH else 0
    lead = "…" if start else ""
    return f"{lead}{_cut(before[start:])}", f"{lead}{_cut(after[start:])}"


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def _verdicts(report: Report) -> Iterator[tuple[str, list[str]]]:
    """What speaks against the change."""
    if report.refusals is not None:
        failed, unknown = ([each for each in report.refusals if each.unknown is which] for which in (False, True))
        lines = _refused(failed)
        if unknown:
            lines.append(f"{_count(len(unknown), 'finding')} not known before the deployment, so not passed:")
            lines += [f"  {each}" for each in _refused(unknown)]
        if report.standing:
            lines.append(f"{_count(report.standing, 'finding')} more, which the base has too: see `moltghost check`")
        yield "Policies", lines or ["every rule is passed"]
    if report.isolation is not None:
        verdict = "customers stay apart" if report.isolation.holds else "NOT PROVED: a way leads from one to another"
        yield "Isolation", [verdict, *report.isolation.lines]


def _refused(refusals: Sequence[Refusal]) -> list[str]:
    """What rules say, once for all stacks they say it of."""
    stacks: dict[str, list[str]] = {}
    for each in refusals:
        words = re.compile(rf"(?<![a-zA-Z0-9]){re.escape(each.stack)}(?![a-zA-Z0-9])")
        said = f"{each.rule}: {words.sub('<stack>', each.resource)}: {words.sub('<stack>', each.says)}"
        stacks.setdefault(said, []).append(each.stack)
    lines = [
        f"{names[0]}: {said.replace('<stack>', names[0])}" if len(names) == 1 else f"{_named(names)}: {said}"
        for said, names in stacks.items()
    ]
    return lines if len(lines) <= _MOST_LINES else [*lines[:_MOST_LINES], f"… {len(lines) - _MOST_LINES} more"]


def _remarks(report: Report) -> Iterator[tuple[str, list[str]]]:
    if report.radius.agents:
        yield "Agents to restart", [_named(report.radius.agents)]
    if report.radius.hosted:
        yield "Customers whose own stack stays, and whose region or edge changes", [_named(report.radius.hosted)]
    if report.ceilings:
        lines = [f"{each.stack}: {each.name}: {each.before:.0%} → {each.after:.0%} used" for each in report.ceilings]
        yield "Ceilings with less than 20 % left", lines
    if report.uncertain:
        unsaid = "which changes replace them is not in our table: see `pulumi preview`"
        yield "Not known", [f"{', '.join(report.uncertain)}: {unsaid}"]
    if report.left_out:
        yield "Not compared", list(report.left_out)


def _markdown(report: Report) -> str:
    whole = "\n".join([MARK, f"**{headline(report)}**", *_sections(report)]) + "\n"
    if len(whole) <= _COMMENT:
        return whole
    kept = whole[:_COMMENT].rpartition("\n")[0]
    closing = "\n```\n</details>" if kept.count("```") % 2 else ""
    return f"{kept}{closing}\n\n… cut here: run `moltghost diff --base {report.base}` for the rest\n"


def _sections(report: Report) -> Iterator[str]:
    if report.at_risk:
        yield from ("", "### ⚠️ Data at risk", *(f"- {_risk(each)}" for each in report.at_risk))
    for title, lines in _verdicts(report):
        yield from ("", f"### {title}", *(f"- {line}" for line in lines))
    if report.groups:
        yield from ("", "### Changes")
        for group in report.groups:
            summary, *rest = _group(group)
            sign, _, said = summary.strip().partition(" ")
            yield f"<details><summary><code>{sign}</code> {_escaped(said)}</summary>"
            yield from ("", "```diff", *(_as_diff(line) for line in rest), "```", "</details>")
    for title, lines in _remarks(report):
        yield from ("", f"### {title}", *(f"- {line}" for line in lines))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _as_diff(line: str) -> str:
    """A line as a diff has it: its sign first. Nothing in it can end the block it is in."""
    text = line.strip().replace("```", "``\u200b`")
    return text if text.startswith(("+", "-")) else f"  {text}"


def _json(report: Report) -> str:
    told = {
        "base": report.base,
        "head": report.head,
        "exit_code": report.exit_code,
        "compared": report.compared,
        "counts": {action.value: count for action, count in sorted(report.counts.items())},
        "radius": asdict(report.radius),
        "groups": [_group_json(each) for each in report.groups],
        "policies": None if report.refusals is None else [asdict(each) for each in report.refusals],
        "standing": report.standing,
        "isolation": None if report.isolation is None else asdict(report.isolation),
        "ceilings": [asdict(each) for each in report.ceilings],
        "uncertain": report.uncertain,
        "left_out": report.left_out,
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _group_json(group: Group) -> dict[str, object]:
    return {
        "action": group.action.value,
        "type": group.type,
        "role": group.role,
        "stacks": group.stacks,
        "loss": group.loss,
        "without": group.without,
        "variants": [
            {
                "stacks": variant.stacks,
                "fields": [asdict(field) for field in variant.fields],
                "urns": [each.urn for each in variant.changes],
                "forced_by": variant.changes[0].forced_by,
            }
            for variant in group.variants
        ],
    }


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES])
    return shown if len(names) <= _MOST_NAMES else f"{shown} and {len(names) - _MOST_NAMES} more"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
