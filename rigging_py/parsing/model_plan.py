"""Where a `Model`'s fields stand in its element, for showing them while they arrive: by attribute, child or text.

It covers what can be told field by field; the rest (fixed tuples, mappings) is seen when the whole model is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from rigging_py.error import PromptDefinitionError
from rigging_py.parsing.codec import Ctx, LeafCodec, Tagged, TaggedCodec, bare, is_tagged, leaf_codec, without_none
from rigging_py.parsing.plan import changes_fields
from rigging_py.parsing.shape import Leaf

_REPEATED = (list, set, frozenset, tuple, Sequence, Collection)


@dataclass(frozen=True, eq=False)
class Slot:
    """A child element: one value of the field `name`, or one of its many; or, with `inside`, a wrapper of others."""

    name: str = ""
    codec: LeafCodec[Any] | TaggedCodec[Any] | None = None
    is_many: bool = False
    inside: dict[str, Slot] = field(default_factory=dict[str, "Slot"])


Slots: TypeAlias = Mapping[str, Slot]
"""Child elements by tag."""


@dataclass(frozen=True, eq=False)
class ModelPlan:
    """The fields of a model: in its attributes, in its children, and as its text. `marks` as for `Fields`."""

    attributes: Mapping[str, Slot]
    children: Slots
    text: Slot | None
    marks: bool


@lru_cache(maxsize=1024)
def model_plan_of(model: type[Tagged]) -> ModelPlan:
    """The plan of a model class, built once."""
    attributes: dict[str, Slot] = {}
    children: dict[str, Slot] = {}
    text: Slot | None = None
    # Asked for first, since it gives every field its place.
    is_text = isinstance(model.xml_element().content, Leaf)
    fields: Mapping[str, FieldInfo] = getattr(model, "model_fields", {})
    for name, info in fields.items():
        place = _place_of(info)
        own_name = info.alias or name
        if place is not None and place.location.name == "ATTRIBUTE":
            attributes.update(_leaf(_annotation(info), name, place.path or own_name))
        elif is_text and place is None:
            text = next(iter(_leaf(_annotation(info), name, model.xml_element().tag).values()), None)
        else:
            _add(children, _annotation(info), place, name, own_name)
    return ModelPlan(attributes, children, text, not changes_fields(model))


def _place_of(info: FieldInfo) -> Any:
    """Where pydantic-xml puts a field, if it was told."""
    return next((one for one in info.metadata if hasattr(one, "location")), None)


def _annotation(info: FieldInfo) -> Any:
    constraints = tuple(one for one in info.metadata if not hasattr(one, "location"))
    return Annotated[(info.annotation, *constraints)] if constraints else info.annotation


def _add(slots: dict[str, Slot], annotation: Any, place: Any, name: str, own_name: str) -> None:
    """Adds the children of one field to `slots`."""
    if place is not None and place.location.name == "WRAPPED":
        for step in (place.path or own_name).split("/"):
            slots = slots.setdefault(step, Slot()).inside
        _add(slots, annotation, place.wrapped, name, own_name)
        return
    tag = place.path if place is not None else None
    kind = bare(without_none(bare(annotation))[0])
    if get_origin(kind) in _REPEATED:
        args = [one for one in get_args(kind) if one is not Ellipsis]
        if get_origin(kind) is tuple and get_args(kind)[-1:] != (Ellipsis,):
            return
        for item in args:
            slots.update(_children(item, tag, name, own_name, is_many=True))
    elif get_origin(kind) is not dict:
        slots.update(_children(annotation, tag, name, own_name, is_many=False))


def _children(
    annotation: Any, tag: str | None, name: str, own_name: str, *, is_many: bool
) -> Iterator[tuple[str, Slot]]:
    inner, is_optional = without_none(annotation)
    kinds = get_args(bare(inner)) if get_origin(bare(inner)) in (Union, UnionType) else (bare(inner),)
    models: list[Any] = [kind for kind in kinds if is_tagged(kind)]
    for model in models:
        element = model.xml_element()
        yield tag or element.tag, Slot(name, TaggedCodec(element, "", model, is_optional), is_many)
    if not models:
        for leaf_tag, slot in _leaf(annotation, name, tag or own_name).items():
            yield leaf_tag, Slot(name, slot.codec, is_many)


def _leaf(annotation: Any, name: str, tag: str) -> dict[str, Slot]:
    inner, is_optional = without_none(annotation)
    try:
        codec = leaf_codec(inner, tag, Ctx(), is_optional)
    except (PromptDefinitionError, NameError):
        return {}
    return {} if codec.is_json else {tag: Slot(name, codec)}
