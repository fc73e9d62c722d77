"""What happens to each resource between two records of a stack."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from infra.synth.diff.facts import LOSSES, forcing, is_known, replacing_paths, restarts
from infra.synth.diff.values import FieldChange, inputs_changes, value_changes
from policies.record import Resource, Stack, Unknown, Value

PROVIDER = "pulumi:providers:"
_GUARDS = ("deletionProtection", "forceDestroy", "skipFinalSnapshot", "retainOnDelete", "protect")
"""What keeps data from being deleted by mistake: a change of these counts as data at risk."""
_UNSAID = ("version", "aliases")
"""Options that tell the engine how to find a resource or its plugin; a change of theirs is none of the resource's."""


class Action(StrEnum):
    """What the engine will do to a resource."""

    CREATE = "create"
    DELETE = "delete"
    REPLACE = "replace"
    UPDATE = "update"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource's change.

    `forced_by`: the paths that replace it. `loss`: what is lost with it, in words, or kept by less than before;
    `restarts`: an agent's pod is made anew. `certain` is False where it isn't known which changes replace such a
    resource.
    """

    stack: str
    kind: str
    action: Action
    urn: str
    type: str
    name: str
    fields: tuple[FieldChange, ...] = ()
    forced_by: tuple[str, ...] = ()
    loss: str | None = None
    restarts: bool = False
    certain: bool = True


def compare(before: Stack | None, after: Stack | None) -> list[Change]:
    """Every change of a stack's own resources, those of components left out: they are nothing anywhere.

    One of the two may be None: a stack that comes or goes.
    """
    stack = after or before
    if stack is None:
        return []
    olds, news = _custom(before), _custom(after)
    moved = dict(_moved(olds, news))
    changes = [
        _change(stack, olds.get(moved.get(urn, urn)), news.get(urn))
        for urn in sorted({*(olds.keys() - moved.values()), *news})
    ]
    return _cascade(stack, [each for each in changes if each is not None], news)


def _custom(stack: Stack | None) -> dict[str, Resource]:
    return {} if stack is None else {each.urn: each for each in stack.resources if each.custom}


def _moved(olds: Mapping[str, Resource], news: Mapping[str, Resource]) -> Iterator[tuple[str, str]]:
    """Resources that had another URN, which they say by their aliases."""
    for urn, resource in news.items():
        if urn in olds:
            continue
        aliases = resource.options.get("aliases", ())
        former = [_aliased(urn, alias) for alias in aliases] if isinstance(aliases, list | tuple) else []
        if found := next((old for old in former if old is not None and old in olds and old not in news), None):
            yield urn, found


def _aliased(urn: str, alias: Any) -> str | None:
    """The URN an alias stands for: one given whole, or another name or type under the same parent."""
    if not isinstance(alias, Mapping):
        return None
    if isinstance(alias.get("urn"), str):
        return str(alias["urn"])
    spec = alias.get("spec", {})
    head, qualified, name = urn.rsplit("::", 2)
    above, _, type_ = qualified.rpartition("$")
    named = str(spec.get("type") or type_)
    return "::".join([head, f"{above}${named}" if above else named, str(spec.get("name") or name)])


def _change(stack: Stack, old: Resource | None, new: Resource | None) -> Change | None:
    resource = new or old
    if resource is None:
        return None
    made = Change(
        stack=stack.name,
        kind=stack.kind,
        action=Action.UPDATE,
        urn=resource.urn,
        type=resource.type,
        name=resource.name,
        certain=is_known(resource.type) or resource.type.startswith(PROVIDER),
    )
    if old is None:
        return replace(made, action=Action.CREATE, fields=tuple(_declared(resource)))
    if new is None:
        restarting = restarts(resource.type, ["spec.podTemplate"])
        return replace(made, action=Action.DELETE, loss=_loss(old), restarts=restarting)
    fields = _fields(old, new)
    if not fields:
        return None
    forced = forcing(new, [each.path for each in fields])
    if _moves(old, new):
        forced.append("provider")
    if forced:
        return replace(
            made,
            action=Action.REPLACE,
            fields=fields,
            forced_by=tuple(forced),
            loss=_loss(old),
            restarts=restarts(new.type, ["spec.podTemplate"]),
        )
    return replace(
        made,
        fields=fields,
        loss=_unguarded(fields),
        restarts=restarts(new.type, [each.path for each in fields]),
    )


def _declared(resource: Resource) -> Iterator[FieldChange]:
    """What a new resource is."""
    for change in inputs_changes({}, resource.inputs):
        if change.path not in ("apiVersion", "kind"):  # its type says so
            yield change


def _fields(old: Resource, new: Resource) -> tuple[FieldChange, ...]:
    ignored = new.options.get("ignoreChanges", ())
    paths = [str(each) for each in ignored] if isinstance(ignored, list | tuple) else []
    inputs = [
        each
        for each in inputs_changes(old.inputs, new.inputs)
        if not any(each.path == path or each.path.startswith((f"{path}.", f"{path}[")) for path in paths)
    ]
    if new.type.startswith(PROVIDER):  # the plugin's version: an upgrade changes nothing by itself
        inputs = [each for each in inputs if each.path != "version"]
    return (*inputs, *_option_changes(old, new))


def _option_changes(old: Resource, new: Resource) -> list[FieldChange]:
    one, other = ({"protect": each.protect, "provider": each.provider, **_said(each)} for each in (old, new))
    return [change for name in sorted({*one, *other}) for change in value_changes(one.get(name), other.get(name), name)]


def _said(resource: Resource) -> dict[str, Value]:
    return {name: value for name, value in resource.options.items() if name not in _UNSAID}


def _moves(old: Resource, new: Resource) -> bool:
    """Whether it goes to another provider: another account, region or cluster."""
    return old.provider != new.provider


def _loss(resource: Resource) -> str | None:
    """What goes with a resource; nothing of one that the engine lets go of without deleting it."""
    loss = LOSSES.get(resource.type)
    if loss is None or resource.options.get("retainOnDelete"):
        return None
    return f"{loss} (protected: the engine refuses until that is taken away)" if resource.protect else loss


def _unguarded(fields: Collection[FieldChange]) -> str | None:
    """That less keeps the data than before: a guard went away, or is the other way round."""
    weaker = [each.path for each in fields if each.path in _GUARDS and _weaker(each)]
    return f"nothing yet, but {' and '.join(weaker)} no longer keeps it from being deleted" if weaker else None


def _weaker(field: FieldChange) -> bool:
    destroys = field.path in ("forceDestroy", "skipFinalSnapshot")
    return field.after == "true" if destroys else field.before == "true"


def _cascade(stack: Stack, changes: list[Change], news: Mapping[str, Resource]) -> list[Change]:
    """Replace what a replaced resource's new id reaches by a field that replaces, and so on."""
    by_urn = {each.urn: each for each in changes}
    again = True
    while again:
        again = False
        gone = {urn for urn, each in by_urn.items() if each.action is Action.REPLACE}
        for urn, resource in news.items():
            if urn in gone or (urn in by_urn and by_urn[urn].action is Action.CREATE):
                continue
            if because := _reached(resource, gone):
                base = by_urn.get(urn) or _untouched(stack, resource)
                by_urn[urn] = replace(
                    base,
                    action=Action.REPLACE,
                    forced_by=tuple(because),
                    loss=_loss(resource),
                    restarts=restarts(resource.type, ["spec.podTemplate"]),
                )
                again = True
    return [by_urn[urn] for urn in sorted(by_urn)]


def _untouched(stack: Stack, resource: Resource) -> Change:
    return Change(
        stack=stack.name,
        kind=stack.kind,
        action=Action.UPDATE,
        urn=resource.urn,
        type=resource.type,
        name=resource.name,
    )


def _reached(resource: Resource, gone: Collection[str]) -> list[str]:
    """The fields that replace it and will have another value, since what they come from is replaced."""
    paths = replacing_paths(resource)
    if resource.provider in gone:
        return [f"provider (replaced: {_name(resource.provider)})"]
    return [
        f"{path} (replaced: {', '.join(_name(each) for each in sources)})"
        for path in paths
        if (sources := [each for each in resource.property_dependencies.get(path.split(".")[0], ()) if each in gone])
        and _has_unknown(_at(resource.inputs, path), sources)
    ]


def _name(urn: str | None) -> str:
    return (urn or "").rpartition("::")[2]


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _has_unknown(value: Any, sources: Collection[str]) -> bool:
    """Whether a value is made from what one of these is only once it is there."""
    if isinstance(value, Unknown):
        return any(each in value.why for each in sources)
    if isinstance(value, Mapping):
        return any(_has_unknown(each, sources) for each in value.values())
    if isinstance(value, list | tuple):
        return any(_has_unknown(each, sources) for each in value)
    return False
