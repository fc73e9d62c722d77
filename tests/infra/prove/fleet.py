"""A small fleet's records, and ways to change one thing in them."""

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from infra.stacks import worker
from infra.synth.fleet import Fleet, synth
from infra.synth.sample import write_fleet
from policies.record import Resource, Stack

TENANTS, SEED = 3, 1
Stacks = tuple[Stack, ...]
Change = Callable[[Stacks], Stacks]


def sample(folder: Path) -> Stacks:
    """Three customers in three regions; the Worker's script is none."""
    script = folder / "index.js"
    script.write_text("export default {}")
    with patch.object(worker, "BUILT", script):
        return tuple(synth(Fleet(folder), write_fleet(folder, TENANTS, SEED)).values())


def thawed(value: Any) -> Any:
    """A value that can be changed."""
    return copy.deepcopy(value)


def one(stacks: Stacks, type_: str, name: str) -> Resource:
    """The resource whose type ends and whose name is so."""
    (found,) = [each for stack in stacks for each in stack.resources if each.type.endswith(type_) and each.name == name]
    return found


def editing(type_: str, name: str, edit: Callable[[dict[str, Any]], object], **fields: Any) -> Change:
    """One resource's inputs, changed in place by `edit`, and other fields of its record as given."""

    def change(stacks: Stacks) -> Stacks:
        old = one(stacks, type_, name)
        inputs = thawed(old.inputs)
        edit(inputs)
        assert inputs != old.inputs or fields, "the change changes nothing"
        return swapped(stacks, old.urn, replace(old, inputs=inputs, **fields))

    return change


def swapped(stacks: Stacks, urn: str, new: Resource) -> Stacks:
    """The stacks with one resource for another."""
    return tuple(
        replace(stack, resources=tuple(new if each.urn == urn else each for each in stack.resources))
        for stack in stacks
    )


def adding(like: tuple[str, str], name: str, edit: Callable[[dict[str, Any]], object], **fields: Any) -> Change:
    """A resource more: a copy of one that is there, under another name."""

    def change(stacks: Stacks) -> Stacks:
        model = one(stacks, *like)
        inputs = thawed(model.inputs)
        edit(inputs)
        urn = f"{model.urn.rpartition('::')[0]}::{name}"
        new = replace(model, **{"urn": urn, "name": name, "inputs": inputs, **fields})
        return tuple(
            replace(stack, resources=(*stack.resources, new)) if model in stack.resources else stack for stack in stacks
        )

    return change


def document(inputs: dict[str, Any], edit: Callable[[list[dict[str, Any]]], object], name: str = "policy") -> None:
    """Change the statements of a policy document, whether or not its ARNs are known yet."""
    held = inputs[name]
    parsed = json.loads(held if isinstance(held, str) else held.text)
    edit(parsed["Statement"])
    text = json.dumps(parsed, sort_keys=True)
    inputs[name] = text if isinstance(held, str) else replace(held, text=text)


def with_outputs(stack: str, **outputs: Any) -> Change:
    """A stack that exports more."""

    def change(stacks: Stacks) -> Stacks:
        return tuple(
            replace(each, outputs={**each.outputs, **outputs}) if each.name == stack else each for each in stacks
        )

    return change


def chained(*changes: Change) -> Change:
    """One change after the other."""

    def change(stacks: Stacks) -> Stacks:
        for each in changes:
            stacks = each(stacks)
        return stacks

    return change


def urns(path: Sequence[Any]) -> list[str]:
    """The resources a path names."""
    return [hop.urn for hop in path if hop.urn]
