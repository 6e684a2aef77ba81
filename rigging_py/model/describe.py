"""Describes a model class as the element it is written as: its tags, attributes and children, by pydantic-xml's rules."""

from __future__ import annotations

import types
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Annotated, Any, Union, cast, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_xml import BaseXmlModel
from pydantic_xml.fields import XmlEntityInfoP, extract_field_xml_entity_info
from pydantic_xml.typedefs import EntityLocation

from rigging_py.parsing.codec import adapter_of, is_plain, without_none
from rigging_py.parsing.shape import Attribute, Element, Leaf

_REPEATED = (list, set, frozenset, tuple, Sequence, Collection)
_PLAIN_TEXT = Leaf({"type": "string"})


def describe(cls: type[BaseXmlModel], path: tuple[type[BaseXmlModel], ...] = ()) -> Element:
    """The element of `cls`. A class inside itself is described as any content."""
    tag = tag_of(cls)
    if cls in path:
        return Element(tag, None)
    attributes: list[Attribute] = []
    children: list[Element] = []
    text: Leaf | None = None
    for name, field in cls.model_fields.items():
        info = extract_field_xml_entity_info(field)
        kind = _annotated(field)
        if info is not None and info.location is EntityLocation.ATTRIBUTE:
            attributes.append(Attribute(info.path or field.alias or name, adapter_of(kind)[1], field.is_required()))
            continue
        found = _field(kind, info, field.alias or name, (*path, cls))
        if isinstance(found, Leaf):
            text = found
        else:
            children += found if field.is_required() else [replace(child, least=0) for child in found]
    content = tuple(children) if children else text if text is not None or attributes else None
    return Element(tag, content if content is not None or not attributes else (), tuple(attributes))


def tag_of(cls: type[BaseXmlModel]) -> str:
    return cls.__xml_tag__ or cls.__name__


def is_scalar(field: FieldInfo) -> bool:
    """Whether the field is one plain value with no place of its own, so that it would be the element's text."""
    kind, _ = without_none(field.annotation)
    if extract_field_xml_entity_info(field) is not None or _is_model(kind):
        return False
    return get_origin(kind) not in _REPEATED and is_plain(adapter_of(kind)[1])


def _annotated(field: FieldInfo) -> Any:
    constraints = tuple(one for one in field.metadata if not hasattr(one, "location"))
    return Annotated[(field.annotation, *constraints)] if constraints else field.annotation


def _field(
    annotation: Any, info: XmlEntityInfoP | None, name: str, path: tuple[type[BaseXmlModel], ...]
) -> list[Element] | Leaf:
    """The elements of a field, or the leaf when it is the text of its model."""
    if info is not None and info.location is EntityLocation.WRAPPED:
        return [_wrapped(annotation, info, name, path)]
    kind, is_optional = without_none(_bare(annotation))
    least = 0 if is_optional else 1
    if get_origin(kind) in _REPEATED:
        items = [arg for arg in get_args(kind) if arg is not Ellipsis]
        found = [one for item in items[:1] for one in _single(item, item, info, name, path)]
        return [replace(one, least=0, most=None) for one in found]
    if get_origin(kind) in (Union, types.UnionType) and all(map(_is_model, get_args(kind))):
        return [replace(one, least=0) for arg in get_args(kind) for one in _single(arg, arg, info, name, path)]
    is_text = info is None and not _is_model(kind)
    if is_text:
        return Leaf(adapter_of(annotation)[1])
    return [replace(one, least=least) for one in _single(kind, annotation, info, name, path)]


def _single(
    kind: Any, annotation: Any, info: XmlEntityInfoP | None, name: str, path: tuple[type[BaseXmlModel], ...]
) -> list[Element]:
    own = info.path if info is not None else None
    if _is_model(_bare(kind)):
        element = describe(cast("type[BaseXmlModel]", _bare(kind)), path)
        return [replace(element, tag=own or element.tag)]
    inner, _ = without_none(_bare(annotation))
    if get_origin(inner) is dict or not is_plain(adapter_of(inner)[1]):
        return [Element(own or name, None)]
    return [Element(own or name, Leaf(adapter_of(annotation)[1]))]


def _wrapped(annotation: Any, info: XmlEntityInfoP, name: str, path: tuple[type[BaseXmlModel], ...]) -> Element:
    """The elements that `wrapped("a/b", …)` puts around a field."""
    inside = _field(annotation, cast("XmlEntityInfoP | None", info.wrapped), name, path)
    content: Leaf | tuple[Element, ...] = inside if isinstance(inside, Leaf) else tuple(inside)
    for step in reversed((info.path or name).split("/")):
        content = (Element(step, content),)
    return cast("tuple[Element, ...]", content)[0]


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseXmlModel)
