"""`Model`: a pydantic class that is also an element in text, on pydantic-xml."""

from __future__ import annotations

from typing import Any, ClassVar, Self, cast
from xml.etree.ElementTree import Element as Node

from pydantic import ConfigDict, ValidationError
from pydantic_core import to_jsonable_python
from pydantic_xml import BaseXmlModel, attr, element, wrapped
from pydantic_xml.element import SearchMode
from pydantic_xml.fields import XmlEntityInfo
from pydantic_xml.typedefs import EntityLocation

from rigging_py.error import MissingModelError, UnparsedError
from rigging_py.model.describe import describe, is_scalar
from rigging_py.model.pretty import pretty
from rigging_py.model.tree import read_tree
from rigging_py.parsing.extract import Found, elements, escape, escape_attribute, innermost, outermost
from rigging_py.parsing.shape import Element, Leaf, to_xml_tag
from rigging_py.parsing.sketch import sketch

__all__ = ["Model", "attr", "element", "wrapped"]


class Model(BaseXmlModel, search_mode=SearchMode.UNORDERED):
    """A pydantic model that is written and read as tagged text.

    The tag is the class name in kebab case, or `tag=` in the class line. One plain field is the text between the
    tags; with several, each is an element of its own. `element()`, `attr()` and `wrapped()` place a field by hand.
    """

    model_config = ConfigDict(use_attribute_docstrings=True)
    __element__: ClassVar[Element | None] = None

    def __init_subclass__(cls, tag: str | None = None, **kwargs: Any) -> None:
        is_parametrised = "[" in cls.__name__  # Primitive[int] keeps the tag of Primitive
        super().__init_subclass__(tag=tag or (None if is_parametrised else to_xml_tag(cls.__name__)), **kwargs)
        cls.__element__ = None

    @classmethod
    def __build_serializer__(cls) -> None:
        scalars = [field for field in cls.model_fields.values() if is_scalar(field)]
        if len(scalars) > 1:
            # Several plain fields cannot all be the text of one element.
            for field in scalars:
                field.metadata.append(XmlEntityInfo(EntityLocation.ELEMENT))
        super().__build_serializer__()

    @classmethod
    def xml_element(cls) -> Element:
        """The shape of this model's element: its tag, attributes and children."""
        if cls.__element__ is None:
            cls.__element__ = describe(cls)
        return cls.__element__

    @classmethod
    def is_simple(cls) -> bool:
        """Whether the model is one plain value between its tags."""
        return cls.is_simple_with_attrs() and not cls.xml_element().attributes

    @classmethod
    def is_simple_with_attrs(cls) -> bool:
        """Whether the model is one plain value between its tags, and attributes."""
        return isinstance(cls.xml_element().content, Leaf)

    @classmethod
    def xml_start_tag(cls) -> str:
        return f"<{cls.xml_element().tag}>"

    @classmethod
    def xml_end_tag(cls) -> str:
        return f"</{cls.xml_element().tag}>"

    @classmethod
    def xml_tags(cls) -> str:
        """The opening and the closing tag with nothing between: `<fun-fact></fun-fact>`."""
        return cls.xml_start_tag() + cls.xml_end_tag()

    @classmethod
    def xml_example(cls) -> str:
        """The element as a prompt shows it: empty tags, descriptions as comments, the first of each field's `examples`."""
        shape = cls.xml_element()
        fields = cls.model_fields
        opening = shape.tag + "".join(
            f' {one.name}="{escape_attribute(_example(fields, one.name))}"' for one in shape.attributes
        )
        if isinstance(shape.content, Leaf):
            shown = [_example({name: field}, name) for name, field in fields.items() if is_scalar(field)]
            return f"<{opening}>{escape(shown[0] if shown else '') or sketch(shape.content.schema)}</{shape.tag}>"
        lines = [line for child in shape.content or () for line in _child_lines(child, cls)]
        return "\n".join([f"<{opening}>", *lines, f"</{shape.tag}>"])

    def to_pretty_xml(
        self, *, skip_empty: bool = False, exclude_none: bool = False, exclude_unset: bool = False
    ) -> str:
        """The element over several lines, every text and attribute escaped, so that no value can close or open a tag."""
        tree = self.to_xml_tree(skip_empty=skip_empty, exclude_none=exclude_none, exclude_unset=exclude_unset)
        return pretty(cast("Node", tree))

    def __str__(self) -> str:
        return self.to_pretty_xml()

    @classmethod
    def from_text(cls, content: str, *, return_errors: bool = False) -> list[tuple[Self, slice]]:
        """Every element of this model in `content`, in text order, with its place.

        Raises `MissingModelError` when there is none, and the `ValidationError` of the first invalid one; with
        `return_errors` invalid ones stand in the list as their errors.
        """
        found = cls.candidates(content)
        if not found:
            raise MissingModelError(cls.xml_element().tag)
        if not return_errors:
            for one, _ in found:
                if isinstance(one, Exception):
                    raise one
        return cast("list[tuple[Self, slice]]", found)

    @classmethod
    def one_from_text(cls, content: str, *, fail_on_many: bool = False) -> tuple[Self, slice]:
        """The valid element that holds the most text, with its place. Raises as `from_text`, and with `fail_on_many` for two."""
        valid = [found for found in cls.from_text(content, return_errors=True) if not isinstance(found[0], Exception)]
        if not valid:
            return cls.from_text(content)[0]
        if fail_on_many and len(valid) > 1:
            tag = cls.xml_element().tag
            raise UnparsedError(tag, "…", f"the text has {len(valid)} of these where one was asked for")
        return max(valid, key=lambda found: found[1].stop - found[1].start)

    @classmethod
    def candidates(cls, text: str) -> list[tuple[Self | Exception, slice]]:
        """Every element of the tag in text order: the model, or what is wrong with it."""
        shape = cls.xml_element()
        pairs = elements(text, (shape.tag,))
        found = outermost(pairs) if _holds_itself(shape) else innermost(pairs)
        return [(cls._read(text, one, shape), slice(one.start, one.stop)) for one in found]

    @classmethod
    def _read(cls, text: str, found: Found, shape: Element) -> Self | Exception:
        try:
            return cls.from_xml_tree(read_tree(text, found, shape), empty_as_string=True)
        except (ValidationError, ValueError) as error:
            return error


def _holds_itself(shape: Element, tag: str | None = None) -> bool:
    children = () if isinstance(shape.content, Leaf) or shape.content is None else shape.content
    return any(child.tag == (tag or shape.tag) or _holds_itself(child, tag or shape.tag) for child in children)


def _example(fields: Any, name: str) -> str:
    examples = fields[name].examples if name in fields else None
    return str(to_jsonable_python(examples[0])) if examples else ""


def _child_lines(child: Element, cls: type[Model]) -> list[str]:
    field = next((f for name, f in cls.model_fields.items() if child.tag in (name, f.alias, _path(f))), None)
    comment = [f"  <!-- {field.description.strip()} -->"] if field is not None and field.description else []
    shown = field.examples[0] if field is not None and field.examples else None
    inside = escape(str(to_jsonable_python(shown))) if shown is not None else ""
    if not inside and isinstance(child.content, Leaf):
        inside = sketch(child.content.schema)
    return [*comment, f"  <{child.tag}>{inside}</{child.tag}>" if inside else f"  <{child.tag}/>"]


def _path(field: Any) -> str | None:
    return next((one.path for one in field.metadata if isinstance(one, XmlEntityInfo)), None)
