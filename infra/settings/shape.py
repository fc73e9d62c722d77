"""Walks the settings' models beside a stack's values: what belongs where, and what an example of it looks like.

`root` is the model of the stack's kind.
"""

from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from infra.settings.fields import Setting

Location = tuple[str | int, ...]


def _bare(annotation: Any) -> Any:
    """An annotation without Annotated and Optional."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in {Union, UnionType}:
            annotation = next(part for part in get_args(annotation) if part is not NoneType)
        else:
            return annotation


def section_at(root: type[BaseModel], location: Sequence[str | int]) -> type[BaseModel] | None:
    """The model of the mapping at a place; None where a plain value or a free mapping belongs."""
    annotation: Any = root
    for step in location:
        bare = _bare(annotation)
        if isinstance(bare, type) and issubclass(bare, BaseModel):
            if step not in bare.model_fields:
                return None
            annotation = bare.model_fields[str(step)].annotation
        elif get_origin(bare) in {list, dict}:
            annotation = get_args(bare)[-1]
        else:
            return None
    bare = _bare(annotation)
    return bare if isinstance(bare, type) and issubclass(bare, BaseModel) else None


def field_at(root: type[BaseModel], location: Location) -> FieldInfo | None:
    """The field a place belongs to: for an item of a list or of a free mapping, the field that holds it."""
    for length in range(len(location), 0, -1):
        section = section_at(root, location[: length - 1])
        if section is not None:
            return section.model_fields.get(str(location[length - 1]))
    return None


def setting_of(field: FieldInfo | None) -> Setting | None:
    """What a field's reader is told; None for a whole section."""
    return next((each for each in field.metadata if isinstance(each, Setting)), None) if field else None


def example_of(section: type[BaseModel]) -> dict[str, Any]:
    """The smallest mapping a section accepts."""
    return {name: _example(field) for name, field in section.model_fields.items() if field.is_required()}


def _example(field: FieldInfo) -> Any:
    setting = setting_of(field)
    if setting is not None:
        return setting.example if setting.example != [] or not _needs_item(field) else [_item_example(field)]
    section = _bare(field.annotation)
    return example_of(section)


def _needs_item(field: FieldInfo) -> bool:
    return any(getattr(each, "min_length", 0) for each in field.metadata)


def _item_example(field: FieldInfo) -> Any:
    return example_of(get_args(_bare(field.annotation))[-1])


def example_at(root: type[BaseModel], location: Location) -> Any:
    """A right value for a place that holds a wrong one or none.

    For an item of a list or free mapping that is its section's example, or one of the field's where items are plain.
    """
    section = section_at(root, location)
    if section is not None:
        return example_of(section)
    field = field_at(root, location)
    if field is None:
        return None
    holder = section_at(root, location[:-1])
    if holder is not None:
        return _example(field)
    setting = setting_of(field)
    examples = setting.example if setting else []
    if isinstance(examples, dict):
        return next(iter(examples.values()), "")
    return next(iter(examples), 0)
