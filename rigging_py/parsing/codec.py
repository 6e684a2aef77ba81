"""Python types ↔ tagged text: how a value of a type is asked for, shown and read.

`codec_of(int)` asks with `<int></int>` and reads `<int>1,234</int>` as 1234. A codec is built once for a type; it holds
the example that a prompt shows, the `Shape` that a generator may enforce, and the reader of answers.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, Protocol, TypeGuard, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from rigging_py.error import MissingModelError, PromptDefinitionError, UnparsedError
from rigging_py.parsing.extract import elements, escape, innermost, read_text
from rigging_py.parsing.lenient import branches_of, is_plain, lenient, says_nothing
from rigging_py.parsing.shape import Element, JsonSchema, Leaf, Shape, to_xml_tag
from rigging_py.parsing.sketch import show_example, sketch

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Wording = Literal["one", "each", "several"]


@dataclass(frozen=True)
class Ctx:
    """How one value is shown: `Annotated[str, Ctx("joke")]` asks for `<joke></joke>`.

    `tag` replaces the tag, `prefix` is a line above the element, `example` stands between its tags.
    """

    tag: str | None = None
    prefix: str | None = None
    example: Any = None


class Tagged(Protocol):
    """A class that knows its own tags, as `Model` does."""

    @classmethod
    def xml_example(cls) -> str: ...
    @classmethod
    def xml_element(cls) -> Element: ...
    @classmethod
    def candidates(cls, text: str) -> Sequence[tuple[Any, slice]]: ...
    def to_pretty_xml(self) -> str: ...


class Codec(Protocol[T_co]):
    """How a value of one type is asked for and read."""

    @property
    def example(self) -> str:
        """What a prompt shows of the answer."""
        ...

    @property
    def shape(self) -> Shape:
        """The elements of the answer."""
        ...

    @property
    def wording(self) -> Wording:
        """Whether the answer is one element, one for each item, or several different ones."""
        ...

    def read(self, text: str) -> T_co:
        """The value in `text`. Raises `MissingModelError`, `UnparsedError` or pydantic's `ValidationError`."""
        ...


class ItemCodec(Codec[T_co], Protocol[T_co]):
    """A codec whose value is one element, so that it may be repeated."""

    @property
    def element(self) -> Element:
        """The element."""
        ...

    def candidates(self, text: str) -> Sequence[tuple[T_co | Exception, slice]]:
        """Every element of the tag in text order: its value, or what is wrong with it."""
        ...


def first_valid(codec: ItemCodec[T], text: str) -> tuple[T, slice]:
    """The first element that reads well, and where it stands.

    An empty text counts only when no other element reads well: models repeat the form that they were asked to fill.
    Raises `MissingModelError` when there is no element, else what is wrong with the first.
    """
    wrong: Exception | None = None
    empty: tuple[T, slice] | None = None
    for value, place in codec.candidates(text):
        if isinstance(value, Exception):
            wrong = wrong or value
        elif value == "":
            empty = empty or (value, place)
        else:
            return value, place
    if empty is not None:
        return empty
    raise wrong or MissingModelError(codec.element.tag)


def all_valid(candidates: Iterable[tuple[T | Exception, slice]]) -> list[tuple[T, slice]]:
    """Every candidate, in text order. Raises what is wrong with the first bad one."""
    found: list[tuple[T, slice]] = []
    for value, place in candidates:
        if isinstance(value, Exception):
            raise value
        found.append((value, place))
    return found


@dataclass(frozen=True, eq=False)
class LeafCodec(Generic[T]):
    """One value between two tags: plain text, or a JSON document where the element's leaf says so."""

    element: Element
    example: str
    kind: Any
    adapter: TypeAdapter[T]
    schema: JsonSchema
    is_json: bool = False
    is_optional: bool = False
    wording: Wording = "one"

    @property
    def shape(self) -> Shape:
        return (self.element,)

    def read(self, text: str) -> T:
        return first_valid(self, text)[0]

    def candidates(self, text: str) -> Sequence[tuple[T | Exception, slice]]:
        found = innermost(elements(text, (self.element.tag,)))
        return [(self.value(read_text(one.inner(text))), slice(one.start, one.stop)) for one in found]

    def value(self, content: str) -> T | Exception:
        """What the text between the tags says, or what is wrong with it."""
        if self.is_optional and says_nothing(content):
            return typing.cast("T", None)
        try:
            if self.is_json:
                return self.adapter.validate_json(unfenced(content))
            return self.adapter.validate_python(lenient(content, self.schema))
        except ValidationError as error:
            return _unparsed(self.element.tag, content, error)


@dataclass(frozen=True, eq=False)
class TaggedCodec(Generic[T]):
    """A `Model`, which reads itself."""

    element: Element
    example: str
    model: type[Tagged]
    is_optional: bool = False
    wording: Wording = "one"

    @property
    def shape(self) -> Shape:
        return (self.element,)

    def read(self, text: str) -> T:
        return first_valid(self, text)[0]

    def candidates(self, text: str) -> Sequence[tuple[T | Exception, slice]]:
        found: list[tuple[Any, slice]] = list(self.model.candidates(text))
        if self.is_optional:
            found = [
                (None if is_empty_element(text[place], self.element.tag) else value, place) for value, place in found
            ]
        return found


@dataclass(frozen=True, eq=False)
class ManyCodec(Generic[T]):
    """Any number of one element. A single empty element is the empty collection."""

    item: ItemCodec[Any]
    build: Callable[[list[Any]], T]
    shape: Shape
    wording: Wording = "each"

    @property
    def example(self) -> str:
        return self.item.example

    def read(self, text: str) -> T:
        tag = self.item.element.tag
        candidates = self.item.candidates(text)
        if not candidates:
            raise MissingModelError(
                tag,
                f"There is no {tag!r} element in the text; write one for each item, or a single empty one for none.",
            )
        is_none = len(candidates) == 1 and is_empty_element(text[candidates[0][1]], tag)
        values = [] if is_none else [value for value, _ in all_valid(candidates)]
        try:
            return self.build(values)
        except ValidationError as error:
            raise _unparsed(tag, text, error) from error


@dataclass(frozen=True, eq=False)
class SeveralCodec(Generic[T]):
    """The members of a tuple or a dataclass, each in its own elements. `names` are theirs, or the tags of a tuple's.

    Members without a codec are filled in by the caller.
    """

    members: tuple[Codec[Any] | None, ...]
    names: tuple[str, ...]
    build: Callable[[list[Any]], T]
    shape: Shape
    example: str
    wording: Wording

    def read(self, text: str, filling: object = None) -> T:
        values = [filling if codec is None else codec.read(text) for codec in self.members]
        try:
            return self.build(values)
        except ValueError as error:
            # What a dataclass says of its own members, in __post_init__ or as pydantic's ValidationError.
            wrong = first_complaints(error) if isinstance(error, ValidationError) else str(error)
            raise UnparsedError(", ".join(element.tag for element in self.shape), "…", wrong) from error


def codec_of(annotation: Any, *, filled: tuple[type, ...] = ()) -> Codec[Any]:
    """The codec for a type annotation, built once.

    `filled` names types that the caller puts in itself, as members of a tuple or a dataclass.
    Raises `PromptDefinitionError` for a type that text cannot hold.
    """
    try:
        hash(annotation)
    except TypeError:
        return _build(annotation, filled)
    # Literal["a", "b"] equals Literal["b", "a"], and is asked for in its own order.
    return _codec_of(annotation, "" if isinstance(annotation, type) else repr(annotation), filled)


@functools.lru_cache(maxsize=1024)
def _codec_of(annotation: Any, spelling: str, filled: tuple[type, ...]) -> Codec[Any]:  # noqa: ARG001 — a part of the key
    return _build(annotation, filled)


def _build(annotation: Any, filled: tuple[type, ...]) -> Codec[Any]:
    kind = bare(annotation)
    args = get_args(kind)
    if get_origin(kind) is tuple and args and args[-1] is not Ellipsis:
        return _several([("", arg) for arg in args], tuple, filled)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _dataclass(kind, filled)
    return _element_codec(annotation)


def _dataclass(kind: type[Any], filled: tuple[type, ...]) -> Codec[Any]:
    hints = typing.get_type_hints(kind, include_extras=True)
    names = [field.name for field in dataclasses.fields(kind) if field.init]

    def build(values: list[Any]) -> Any:
        return kind(**dict(zip(names, values, strict=True)))

    return _several([(name, hints[name]) for name in names], build, filled)


def _several(named: list[tuple[str, Any]], build: Callable[[list[Any]], Any], filled: tuple[type, ...]) -> Codec[Any]:
    members = tuple(None if kind in filled else _member(name, kind) for name, kind in named)
    coded = [codec for codec in members if codec is not None]
    shape = tuple(element for codec in coded for element in codec.shape)
    tags = [element.tag for element in shape]
    if twice := {tag for tag in tags if tags.count(tag) > 1}:
        raise PromptDefinitionError(
            f"Two members of the output share the tag {' and '.join(sorted(twice))}; "
            'give each its own with Annotated[..., Ctx("tag")].'
        )
    wording = coded[0].wording if len(coded) == 1 else "several"
    names = tuple(name or _member_name(codec, kind) for codec, (name, kind) in zip(members, named, strict=True))
    return SeveralCodec(members, names, build, shape, "\n\n".join(codec.example for codec in coded), wording)


def _member_name(codec: Codec[Any] | None, kind: Any) -> str:
    """A member of a tuple by its tag; one of several elements by the name of its class."""
    return codec.shape[0].tag if codec is not None and len(codec.shape) == 1 else _default_tag(bare(kind))


def _member(name: str, annotation: Any) -> Codec[Any]:
    """A member of a dataclass is tagged by its field's name, of a tuple by its type."""
    return _element_codec(annotation, to_xml_tag(name)) if name else codec_of(annotation)


def _element_codec(annotation: Any, tag: str = "") -> Codec[Any]:
    """The codec of one element, or of any number of one. `tag` is for types that have none of their own."""
    kind, ctx = unwrap(annotation)
    origin, args = get_origin(bare(kind)), get_args(bare(kind))
    build = tuple if origin is tuple and args[-1:] == (Ellipsis,) else _COLLECTIONS.get(origin)
    if build is None:
        return _item_codec(annotation, Ctx(), tag)
    if build in (set, frozenset) and getattr(bare(args[0]), "__hash__", None) is None:
        raise PromptDefinitionError(f"{kind} cannot be: {args[0]} has no hash. Ask for a list, or freeze the class.")
    item = _item_codec(args[0], ctx, tag)
    is_constrained = kind is not bare(kind)
    shape = (dataclasses.replace(item.element, least=0, most=None),)
    return ManyCodec(item, _adapter_of(kind).validate_python if is_constrained else build, shape)


_COLLECTIONS: Mapping[Any, Callable[[list[Any]], Any]] = {
    list: list,
    set: set,
    frozenset: frozenset,
    Sequence: list,
    Collection: list,
}


def _item_codec(annotation: Any, outer: Ctx, tag: str) -> ItemCodec[Any]:
    kind, own = unwrap(annotation)
    given = own.example if own.example is not None else outer.example
    ctx = Ctx(own.tag or outer.tag, own.prefix or outer.prefix, given)
    inner, is_optional = without_none(kind)
    if is_tagged(bare(inner)):
        return _tagged_codec(bare(inner), ctx, is_optional)
    return leaf_codec(inner, ctx.tag or tag or _default_tag(bare(inner)), ctx, is_optional)


def _tagged_codec(model: type[Tagged], ctx: Ctx, is_optional: bool) -> ItemCodec[Any]:
    shown = ctx.example.to_pretty_xml() if isinstance(ctx.example, model) else model.xml_example()
    return TaggedCodec(model.xml_element(), _below(ctx.prefix, shown), model, is_optional)


def leaf_codec(kind: Any, tag: str, ctx: Ctx, is_optional: bool) -> LeafCodec[Any]:
    """The codec of one value of `kind`, which is not optional itself, between tags."""
    schema = schema_of(kind)
    is_json = not is_plain(schema)
    shown = show_example(ctx.example) if ctx.example is not None else sketch(schema, as_json=is_json)
    example = _below(ctx.prefix, f"<{tag}>{escape(shown)}</{tag}>")
    element = Element(tag, Leaf({"anyOf": [schema, {"type": "null"}]} if is_optional else schema, is_json))
    return LeafCodec(element, example, kind, _adapter_of(kind), schema, is_json, is_optional)


def is_tagged(kind: Any) -> TypeGuard[type[Tagged]]:
    """Whether `kind` is a class that knows its own tags."""
    return isinstance(kind, type) and hasattr(kind, "xml_element") and hasattr(kind, "xml_example")


def schema_of(kind: Any) -> JsonSchema:
    """The JSON schema of a type, plain ones without references.

    Raises `PromptDefinitionError` for a type that text cannot hold.
    """
    if isinstance(kind, type) and kind in _PLAIN_SCHEMAS:
        return _PLAIN_SCHEMAS[kind]
    try:
        schema = _adapter_of(kind).json_schema()
    except PydanticUserError as error:
        raise PromptDefinitionError(f"{kind!r} cannot be written as text: {error}") from error
    if not is_plain(schema):
        return schema
    branches = branches_of(schema)
    return branches[0] if len(branches) == 1 else {"anyOf": branches}


def _adapter_of(kind: Any) -> TypeAdapter[Any]:
    if kind in (Any, None, type(None), object):
        raise PromptDefinitionError(f"{kind} says nothing about the text to expect; name a type.")
    if isinstance(kind, Mapping):  # which pydantic takes for a schema of its own kind
        raise PromptDefinitionError(
            f"{shortened(repr(typing.cast('object', kind)))} is data and no type. "
            "For a JSON schema choose output_mode='native', 'tool' or 'prompted'; tagged text is asked for by types."
        )
    try:
        return TypeAdapter(kind)
    except PydanticUserError as error:
        raise PromptDefinitionError(f"{kind!r} cannot be written as text: {error}") from error


_PLAIN_SCHEMAS: Mapping[Any, JsonSchema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
}


def _default_tag(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "choice"
    named: Any = get_origin(kind) or kind
    if not isinstance(named, type) or named is types.UnionType:
        return "value"
    is_ours = issubclass(named, (BaseModel, enum.Enum)) or dataclasses.is_dataclass(typing.cast("object", named))
    return to_xml_tag(named.__name__) if is_ours else named.__name__.lower()


def bare(annotation: Any) -> Any:
    """An annotation without any metadata."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def unwrap(annotation: Any) -> tuple[Any, Ctx]:
    """An annotation without its `Ctx`, and the `Ctx`; other metadata stays."""
    if get_origin(annotation) is not Annotated:
        return annotation, Ctx()
    base, *metadata = get_args(annotation)
    ctx = next((one for one in metadata if isinstance(one, Ctx)), Ctx())
    kept = [one for one in metadata if not isinstance(one, Ctx)]
    return (Annotated[(base, *kept)] if kept else base), ctx


def without_none(kind: Any) -> tuple[Any, bool]:
    """An optional type without its None, and whether it had one."""
    base, *metadata = get_args(kind) if get_origin(kind) is Annotated else (kind,)
    if get_origin(base) not in (Union, types.UnionType) or type(None) not in get_args(base):
        return kind, False
    rest: Any = Union[tuple(arg for arg in get_args(base) if arg is not type(None))]  # noqa: UP007 — built from a tuple
    return (Annotated[(rest, *metadata)] if metadata else rest), True


def _below(prefix: str | None, text: str) -> str:
    return f"{prefix}\n{text}" if prefix else text


def is_empty_element(element: str, tag: str) -> bool:
    """Whether the text of one element holds nothing, in its tag too."""
    found = elements(element, (tag,))
    return len(found) == 1 and not found[0].attributes.strip() and not found[0].inner(element).strip()


def unfenced(text: str) -> str:
    """A JSON document without the code fence that models like to put around it."""
    is_fenced = text.startswith("```") and text.endswith("```") and "\n" in text
    return text[:-3].partition("\n")[2] if is_fenced else text


def _unparsed(tag: str, content: str, error: ValidationError) -> UnparsedError:
    unparsed = UnparsedError(tag, shortened(content), first_complaints(error))
    unparsed.__cause__ = error
    return unparsed


def first_complaints(error: ValidationError) -> str:
    """The first three things pydantic says are wrong, in one line."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    places = [(".".join(map(str, one["loc"])), one["msg"]) for one in details[:3]]
    return "; ".join(f"{place}: {message}" if place else message for place, message in places)


def shortened(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"
