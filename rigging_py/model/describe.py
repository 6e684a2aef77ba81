"""Describes a model class as the element it is written as, by pydantic-xml's rules: tag, attributes and children."""

from __future__ import annotations

import types
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any, TypeAlias, TypeGuard, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_xml import BaseXmlModel
from pydantic_xml.fields import XmlEntityInfoP, extract_field_xml_entity_info
from pydantic_xml.typedefs import EntityLocation

from rigging_py.parsing.codec import bare, schema_of, without_none
from rigging_py.parsing.lenient import is_plain
from rigging_py.parsing.shape import Attribute, Element, Leaf

_REPEATED = (list, set, frozenset, tuple, Sequence, Collection)
Path: TypeAlias = tuple[type[BaseXmlModel], ...]
"""The classes that are being described, from the outermost in."""
Part: TypeAlias = Attribute | Leaf | tuple[Element, ...]
"""How a field is written: as an attribute, as the text of its model, or as elements."""


def describe(cls: type[BaseXmlModel], path: Path = ()) -> Element:
    """The element of `cls`. A class inside itself has no content of its own."""
    tag, model = cls.__xml_tag__ or cls.__name__, f"{cls.__module__}.{cls.__qualname__}"
    if cls in path:
        return Element(tag, None, model=model)
    parts = [part for _, part in parts_of(cls, path)]
    attributes = tuple(part for part in parts if isinstance(part, Attribute))
    texts = [part for part in parts if isinstance(part, Leaf)]
    children = tuple(child for part in parts if isinstance(part, tuple) for child in part)
    return Element(tag, texts[0] if texts else children, attributes, model=model)


def parts_of(cls: type[BaseXmlModel], path: Path = ()) -> Iterator[tuple[FieldInfo, Part]]:
    """Each field with how it is written."""
    for name, field in cls.model_fields.items():
        info = extract_field_xml_entity_info(field)
        kind = _constrained(field)
        if info is not None and info.location is EntityLocation.ATTRIBUTE:
            yield field, Attribute(info.path or field.alias or name, schema_of(kind), field.is_required())
            continue
        part = _part(kind, info, field.alias or name, (*path, cls))
        if isinstance(part, tuple) and not field.is_required():
            part = tuple(replace(child, least=0) for child in part)
        yield field, part


def unplaced(fields: Iterable[FieldInfo]) -> list[FieldInfo]:
    """The fields that need an element of their own: lists of plain values, and plain values that are not alone.

    One plain field beside nothing but attributes is the text of its model.
    """
    children = [field for field in fields if not _is_in_the_tag(field)]
    bare_ones = [field for field in children if extract_field_xml_entity_info(field) is None]
    lists = [field for field in bare_ones if _is_plain_list(without_none(field.annotation)[0])]
    words = [field for field in bare_ones if _is_word(without_none(field.annotation)[0])]
    return [*lists, *(words if len(children) > 1 else [])]


def absent_values(fields: Iterable[tuple[str, FieldInfo]]) -> dict[str, object]:
    """What required fields are when the text has no element for them: an empty list, or None where that is allowed."""
    values: dict[str, object] = {}
    for name, field in fields:
        kind, is_optional = without_none(field.annotation)
        alias = field.validation_alias
        if field.is_required() and (is_optional or _is_repeated(kind)):
            values[alias if isinstance(alias, str) else name] = [] if _is_repeated(kind) else None
    return values


def _is_in_the_tag(field: FieldInfo) -> bool:
    info = extract_field_xml_entity_info(field)
    # pydantic-xml writes a mapping without a place as attributes.
    is_mapping = info is None and get_origin(without_none(field.annotation)[0]) is dict
    return is_mapping or (info is not None and info.location is EntityLocation.ATTRIBUTE)


def _is_repeated(kind: Any) -> bool:
    return get_origin(kind) in _REPEATED


def _is_plain_list(kind: Any) -> bool:
    return _is_repeated(kind) and all(_is_word(without_none(bare(item))[0]) for item in _items(kind))


def _is_word(kind: Any) -> bool:
    if _is_repeated(kind) or get_origin(kind) is dict or any(map(_is_model, _alternatives(kind))):
        return False
    return is_plain(schema_of(kind))


def _items(kind: Any) -> list[Any]:
    return [arg for arg in get_args(kind) if arg is not Ellipsis]


def _alternatives(kind: Any) -> tuple[Any, ...]:
    kind = bare(kind)
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def _constrained(field: FieldInfo) -> Any:
    constraints = tuple(one for one in field.metadata if not hasattr(one, "location"))
    return Annotated[(field.annotation, *constraints)] if constraints else field.annotation


def _part(annotation: Any, info: XmlEntityInfoP | None, name: str, path: Path) -> Leaf | tuple[Element, ...]:
    """The elements of a field, or the leaf when it is the text of its model."""
    if info is not None and info.location is EntityLocation.WRAPPED:
        return _wrapped(annotation, info, name, path)
    kind, is_optional = without_none(bare(annotation))
    if info is None and get_origin(kind) is dict:
        return ()
    if get_origin(kind) is tuple and Ellipsis not in get_args(kind):
        return tuple(_one(item, info, name, path) for item in get_args(kind))
    if _is_repeated(kind):
        found = [one for item in _items(kind) for one in _any_of(_alternatives(item), info, name, path)]
        return tuple(replace(one, least=0, most=None) for one in found)
    if info is None and not all(map(_is_model, _alternatives(kind))):
        return Leaf(schema_of(annotation))
    if not any(map(_is_model, _alternatives(kind))):
        return (replace(_one(annotation, info, name, path), least=0 if is_optional else 1),)
    found = _any_of(_alternatives(kind), info, name, path)
    return tuple(replace(one, least=0) for one in found) if is_optional or len(found) > 1 else tuple(found)


def _any_of(kinds: Sequence[Any], info: XmlEntityInfoP | None, name: str, path: Path) -> list[Element]:
    found = [_one(kind, info, name, path) for kind in kinds]
    choice = "|".join(one.tag for one in found)
    return [replace(one, choice=choice) for one in found] if len(found) > 1 else found


def _one(annotation: Any, info: XmlEntityInfoP | None, name: str, path: Path) -> Element:
    own = info.path if info is not None else None
    kind = bare(annotation)
    if _is_model(kind):
        element = describe(kind, path)
        return replace(element, tag=own or element.tag)
    # pydantic-xml writes a mapping as attributes, whose names are not known.
    content = None if get_origin(without_none(kind)[0]) is dict else Leaf(schema_of(annotation))
    return Element(own or name, content)


def _wrapped(annotation: Any, info: XmlEntityInfoP, name: str, path: Path) -> tuple[Element, ...]:
    """The elements that `wrapped("a/b", …)` puts around a field."""
    content = _part(annotation, info.wrapped, name, path)
    for step in reversed((info.path or name).split("/")):
        content = (Element(step, content),)
    return content if isinstance(content, tuple) else ()


def _is_model(kind: Any) -> TypeGuard[type[BaseXmlModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseXmlModel)
