"""`Model`: a pydantic class that is also an element in text, on pydantic-xml."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self, cast, overload
from xml.etree.ElementTree import Element as Node

from pydantic import ConfigDict, ValidationError, ValidationInfo, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError, to_jsonable_python
from pydantic_xml import BaseXmlModel, attr, element, wrapped
from pydantic_xml.element.native.std import XmlElement
from pydantic_xml.fields import XmlEntityInfo
from pydantic_xml.serializers.factories.model import BaseModelSerializer
from pydantic_xml.typedefs import EntityLocation

from rigging_py.error import MissingModelError, UnparsedError
from rigging_py.model.describe import absent_values, describe, unplaced
from rigging_py.model.example import example_of
from rigging_py.model.pretty import on_one_line, pretty
from rigging_py.model.tree import TreeReader
from rigging_py.parsing.lenient import allows_null
from rigging_py.parsing.shape import Element, Leaf, to_xml_tag

__all__ = ["Model", "attr", "element", "wrapped"]


_FROM_TEXT: dict[str, Any] = {"rigging_py": "from text"}


class Model(BaseXmlModel):
    """A pydantic model that is written and read as tagged text.

    The tag is the class name in kebab case, or `tag=` in the class line. One plain field is the text between the
    tags; beside other fields it is an element of its own. `element()`, `attr()` and `wrapped()` place a field by hand.
    In text, a list without elements is empty, and an optional value without an element (or with an empty one) is None.
    """

    model_config = ConfigDict(use_attribute_docstrings=True)
    __reader__: ClassVar[TreeReader | None] = None
    __absent__: ClassVar[dict[str, object]] = {}

    def __init_subclass__(cls, tag: str | None = None, **kwargs: Any) -> None:
        is_parametrised = "[" in cls.__name__  # Primitive[int] keeps the tag of Primitive
        super().__init_subclass__(tag=tag or (None if is_parametrised else to_xml_tag(cls.__name__)), **kwargs)
        cls.__reader__ = None

    @classmethod
    def __build_serializer__(cls) -> None:
        if cls.__pydantic_complete__ and not cls.__pydantic_generic_metadata__["parameters"]:
            for field in unplaced(cls.model_fields.values()):
                field.metadata.append(XmlEntityInfo(EntityLocation.ELEMENT))
            cls.__absent__ = absent_values(cls.model_fields.items())
        super().__build_serializer__()

    @model_validator(mode="before")
    @classmethod
    def _with_absent_values(cls, data: Any, info: ValidationInfo) -> Any:
        # pydantic-xml leaves out what has no element, and pydantic then asks for it.
        return {**cls.__absent__, **data} if info.context is _FROM_TEXT and cls.__absent__ else data

    @classmethod
    def _serializer(cls) -> BaseModelSerializer:
        if cls.__xml_serializer__ is None:
            cls.model_rebuild()
        return cast("BaseModelSerializer", cls.__xml_serializer__)

    @classmethod
    def _reader(cls) -> TreeReader:
        if cls.__reader__ is None:
            cls._serializer()
            cls.__reader__ = TreeReader(describe(cls))
        return cls.__reader__

    @classmethod
    def ensure_valid(cls) -> None:
        """Says before any text is there whether the class can be written and read.

        Raises `PromptDefinitionError` for a field that text cannot hold, and `NameError` for a class in it that is not
        defined yet.
        """
        cls.xml_element()

    @classmethod
    def xml_element(cls) -> Element:
        """The shape of this model's element: its tag, attributes and children."""
        return cls._reader().shape

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
        """The opening tag: `<fun-fact>`."""
        return f"<{cls.xml_element().tag}>"

    @classmethod
    def xml_end_tag(cls) -> str:
        """The closing tag: `</fun-fact>`."""
        return f"</{cls.xml_element().tag}>"

    @classmethod
    def xml_tags(cls) -> str:
        """The opening and the closing tag with nothing between: `<fun-fact></fun-fact>`."""
        return cls.xml_start_tag() + cls.xml_end_tag()

    @classmethod
    def xml_example(cls) -> str:
        """The element as a prompt shows it: empty tags, descriptions as comments, the first of each field's `examples`.

        Models inside it are shown by their tags alone.
        """
        return example_of(cls, cls.xml_element().tag)

    def to_pretty_xml(
        self, *, skip_empty: bool = False, exclude_none: bool = False, exclude_unset: bool = False
    ) -> str:
        """The element over several lines.

        Every text and attribute is escaped, so that no value can close or open a tag.
        """
        return pretty(self._tree(skip_empty, exclude_none, exclude_unset))

    def to_xml(  # type: ignore[override]
        self, *, skip_empty: bool = False, exclude_none: bool = False, exclude_unset: bool = False
    ) -> str:
        """The element as plain XML on one line, but for the line ends in its texts, with the namespaces of its class.

        Every text and attribute is escaped, as in `to_pretty_xml`.
        """
        return on_one_line(self._tree(skip_empty, exclude_none, exclude_unset))

    def _tree(self, skip_empty: bool, exclude_none: bool, exclude_unset: bool) -> Node:
        self._reader()
        serializer = self._serializer()
        tree = XmlElement(serializer.element_name)
        serializer.serialize(
            tree,
            self,
            to_jsonable_python(self, by_alias=False),
            skip_empty=skip_empty,
            exclude_none=exclude_none,
            exclude_unset=exclude_unset,
        )
        return tree.to_native()

    def __str__(self) -> str:
        return self.to_pretty_xml()

    @overload
    @classmethod
    def from_text(cls, content: str, *, return_errors: Literal[False] = ...) -> list[tuple[Self, slice]]: ...
    @overload
    @classmethod
    def from_text(cls, content: str, *, return_errors: bool) -> list[tuple[Self | Exception, slice]]: ...
    @classmethod
    def from_text(
        cls, content: str, *, return_errors: bool = False
    ) -> list[tuple[Self, slice]] | list[tuple[Self | Exception, slice]]:
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
        return found

    @classmethod
    def one_from_text(cls, content: str, *, fail_on_many: bool = False) -> tuple[Self, slice]:
        """The valid element that holds the most text, with its place.

        Raises as `from_text` where none is valid, and `UnparsedError` for several with `fail_on_many`.
        """
        found = cls.from_text(content, return_errors=True)
        valid = [(one, place) for one, place in found if not isinstance(one, Exception)]
        if not valid:
            raise cast("Exception", found[0][0])
        if fail_on_many and len(valid) > 1:
            tag = cls.xml_element().tag
            raise UnparsedError(tag, "…", f"the text has {len(valid)} of these where one was asked for")
        return max(valid, key=lambda one: one[1].stop - one[1].start)

    @classmethod
    def candidates(cls, text: str) -> list[tuple[Self | Exception, slice]]:
        """Every element of the tag in text order: the model, or what is wrong with it."""
        return [(cls._from_tree(tree), place) for tree, place in cls._reader().read(text)]

    @classmethod
    def _from_tree(cls, tree: XmlElement) -> Self | Exception:
        content = cls.xml_element().content
        may_be_none = isinstance(content, Leaf) and allows_null(content.schema)
        try:
            read = cls._serializer().deserialize(
                tree, context=_FROM_TEXT, sourcemap={}, loc=(), empty_as_string=not may_be_none
            )
        except ValidationError as error:
            return _without_lines(error)
        except ValueError as error:
            return error
        return cast("Self", read)


def _without_lines(error: ValidationError) -> ValidationError:
    """The same error without pydantic-xml's line numbers, which trees read out of free text do not have."""
    details = [
        InitErrorDetails(
            type=PydanticCustomError(cast("Any", one["type"]), cast("Any", one["msg"].replace("[line -1]: ", ""))),
            loc=one["loc"],
            input=one["input"],
        )
        for one in error.errors(include_url=False)
    ]
    return ValidationError.from_exception_data(error.title, details)
