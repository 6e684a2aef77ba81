"""Python types ↔ tagged text: how a value of a type is asked for, shown and read.

`codec_of(int)` asks with `<int></int>` and reads `<int>1,234</int>` as 1234. A codec is built once for a type; it holds
the example that a prompt shows, the `Shape` that a generator may enforce, and the reader of answers.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar, Union, get_args, get_origin, runtime_checkable

from pydantic import BaseModel, TypeAdapter, ValidationError

from rigging_py.error import MissingModelError, PromptDefinitionError, UnparsedError
from rigging_py.parsing.extract import Found, elements, escape, innermost, read_text
from rigging_py.parsing.lenient import lenient
from rigging_py.parsing.shape import Element, JsonSchema, Leaf, Shape, to_xml_tag
from rigging_py.parsing.sketch import sketch

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


@runtime_checkable
class Tagged(Protocol):
    """A class that knows its own tags, as `Model` does."""

    @classmethod
    def xml_example(cls) -> str: ...
    @classmethod
    def xml_element(cls) -> Element: ...
    @classmethod
    def candidates(cls, text: str) -> list[tuple[Any, slice]]: ...
    def to_pretty_xml(self) -> str: ...


class Codec(Protocol[T_co]):
    """How a value of one type is asked for and read."""

    @property
    def example(self) -> str: ...
    @property
    def shape(self) -> Shape: ...
    @property
    def wording(self) -> Wording: ...
    def read(self, text: str) -> T_co:
        """The value in `text`. Raises `MissingModelError` or `UnparsedError`."""
        ...


class ItemCodec(Codec[T_co], Protocol[T_co]):
    """A codec whose value is one element, so that it may be repeated."""

    @property
    def element(self) -> Element: ...
    def candidates(self, text: str) -> list[tuple[T_co | Exception, slice]]:
        """Every element of the tag in text order: its value, or what is wrong with it."""
        ...


def first_valid(codec: ItemCodec[T], text: str) -> tuple[T, slice]:
    """The first element that reads well, and where it stands.

    Raises `MissingModelError` when there is no element, else what is wrong with the first.
    """
    candidates = codec.candidates(text)
    for value, place in candidates:
        if not isinstance(value, Exception):
            return value, place
    for error, _ in candidates:
        raise typing.cast("Exception", error)
    raise MissingModelError(codec.element.tag)


def all_valid(codec: ItemCodec[T], text: str) -> list[tuple[T, slice]]:
    """Every element, in text order. Raises what is wrong with the first bad one."""
    found: list[tuple[T, slice]] = []
    for value, place in codec.candidates(text):
        if isinstance(value, Exception):
            raise value
        found.append((value, place))
    return found


@dataclass(frozen=True, eq=False)
class LeafCodec(Generic[T]):
    """One value between two tags: plain text, or with `json` a JSON document."""

    adapter: TypeAdapter[T]
    schema: JsonSchema
    ctx: Ctx
    json: bool = False
    optional: bool = False
    wording: Wording = "one"

    @property
    def tag(self) -> str:
        return self.ctx.tag or "value"

    @property
    def element(self) -> Element:
        schema = {"anyOf": [self.schema, {"type": "null"}]} if self.optional else self.schema
        return Element(self.tag, Leaf(schema, self.json))

    @property
    def shape(self) -> Shape:
        return (self.element,)

    @property
    def example(self) -> str:
        given = self.ctx.example
        inside = escape(str(given)) if given is not None else sketch(self.schema, as_json=self.json)
        prefix = f"{self.ctx.prefix}\n" if self.ctx.prefix else ""
        return f"{prefix}<{self.tag}>{inside}</{self.tag}>"

    def read(self, text: str) -> T:
        return first_valid(self, text)[0]

    def candidates(self, text: str) -> list[tuple[T | Exception, slice]]:
        found = innermost(elements(text, (self.tag,)))
        return [(self._value(one, text), slice(one.start, one.stop)) for one in found]

    def _value(self, found: Found, text: str) -> T | Exception:
        content = read_text(found.inner(text))
        if self.optional and content.lower() in _NOTHING:
            return typing.cast("T", None)
        try:
            if self.json:
                return self.adapter.validate_json(content)
            return self.adapter.validate_python(lenient(content, self.schema))
        except ValidationError as error:
            unparsed = UnparsedError(self.tag, _shortened(content), first_complaints(error))
            unparsed.__cause__ = error
            return unparsed


_NOTHING = {"", "none", "null", "n/a"}


@dataclass(frozen=True, eq=False)
class TaggedCodec(Generic[T]):
    """A `Model`, which reads itself."""

    model: type[T]
    ctx: Ctx
    optional: bool = False
    wording: Wording = "one"

    @property
    def _tagged(self) -> type[Tagged]:
        return typing.cast("type[Tagged]", self.model)

    @property
    def element(self) -> Element:
        return self._tagged.xml_element()

    @property
    def shape(self) -> Shape:
        return (self.element,)

    @property
    def example(self) -> str:
        given = self.ctx.example
        inside = given.to_pretty_xml() if isinstance(given, Tagged) else self._tagged.xml_example()
        return f"{self.ctx.prefix}\n{inside}" if self.ctx.prefix else inside

    def read(self, text: str) -> T:
        tag = self.element.tag
        if self.optional and _is_one_empty(text, tag):
            return typing.cast("T", None)
        return first_valid(self, text)[0]

    def candidates(self, text: str) -> list[tuple[T | Exception, slice]]:
        return self._tagged.candidates(text)


@dataclass(frozen=True, eq=False)
class ManyCodec(Generic[T]):
    """Any number of one element. A single empty element is the empty collection."""

    item: ItemCodec[Any]
    build: Callable[[list[Any]], T]
    wording: Wording = "each"

    @property
    def shape(self) -> Shape:
        return (dataclasses.replace(self.item.element, least=0, most=None),)

    @property
    def example(self) -> str:
        return self.item.example

    def read(self, text: str) -> T:
        tag = self.item.element.tag
        if _is_one_empty(text, tag):
            return self.build([])
        found = all_valid(self.item, text)
        if not found:
            raise MissingModelError(
                tag,
                f"There is no {tag!r} element in the text; write one for each item, or a single empty one for none.",
            )
        return self.build([value for value, _ in found])


@dataclass(frozen=True, eq=False)
class SeveralCodec(Generic[T]):
    """The members of a tuple or a dataclass, each in its own elements. Members without a codec are filled in by the caller."""

    members: tuple[Codec[Any] | None, ...]
    build: Callable[[list[Any]], T]

    @property
    def _coded(self) -> list[Codec[Any]]:
        return [codec for codec in self.members if codec is not None]

    @property
    def wording(self) -> Wording:
        return self._coded[0].wording if len(self._coded) == 1 else "several"

    @property
    def shape(self) -> Shape:
        return tuple(element for codec in self._coded for element in codec.shape)

    @property
    def example(self) -> str:
        return "\n\n".join(codec.example for codec in self._coded)

    def read(self, text: str, filling: object = None) -> T:
        return self.build([filling if codec is None else codec.read(text) for codec in self.members])


def codec_of(annotation: Any, *, filled: tuple[type, ...] = ()) -> Codec[Any]:
    """The codec for a type annotation, built once.

    `filled` names types that the caller puts in itself, as members of a tuple or a dataclass.
    Raises `PromptDefinitionError` for a type that text cannot hold.
    """
    try:
        return _codec_of(annotation, filled)
    except TypeError as error:
        if isinstance(error, PromptDefinitionError) or "unhashable" not in str(error):
            raise
        return _build(annotation, filled)


@lru_cache(maxsize=1024)
def _codec_of(annotation: Any, filled: tuple[type, ...]) -> Codec[Any]:
    return _build(annotation, filled)


def _build(annotation: Any, filled: tuple[type, ...]) -> Codec[Any]:
    kind, ctx = unwrap(annotation)
    origin, args = get_origin(kind), get_args(kind)
    if origin in _COLLECTIONS:
        return ManyCodec(_item_codec(args[0]), _COLLECTIONS[origin])
    if origin is tuple and args:
        if len(args) == 2 and args[1] is Ellipsis:
            return ManyCodec(_item_codec(args[0]), tuple)
        return _several([("", arg) for arg in args], tuple, filled)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _dataclass(kind, filled)
    return _item_codec(annotation, ctx)


_COLLECTIONS: Mapping[Any, Callable[[list[Any]], Any]] = {
    list: list,
    set: set,
    frozenset: frozenset,
    Sequence: list,
    Collection: list,
}


def _dataclass(kind: type[Any], filled: tuple[type, ...]) -> Codec[Any]:
    hints = typing.get_type_hints(kind, include_extras=True)
    names = [field.name for field in dataclasses.fields(kind) if field.init]

    def build(values: list[Any]) -> Any:
        return kind(**dict(zip(names, values, strict=True)))

    return _several([(name, hints[name]) for name in names], build, filled)


def _several(named: list[tuple[str, Any]], build: Callable[[list[Any]], Any], filled: tuple[type, ...]) -> Codec[Any]:
    members = tuple(None if annotation in filled else _member(name, annotation) for name, annotation in named)
    codec = SeveralCodec(members, build)
    tags = [element.tag for element in codec.shape]
    if twice := {tag for tag in tags if tags.count(tag) > 1}:
        raise PromptDefinitionError(
            f"Two members of the output share the tag {' and '.join(sorted(twice))}; "
            'give each its own with Annotated[..., Ctx("tag")].'
        )
    return codec


def _member(name: str, annotation: Any) -> Codec[Any]:
    """A member of a dataclass is tagged by its field's name, of a tuple by its type."""
    kind, ctx = unwrap(annotation)
    if not name or ctx.tag or is_tagged(kind):
        return codec_of(annotation)
    if get_origin(kind) in _COLLECTIONS:
        item, item_ctx = unwrap(get_args(kind)[0])
        if item_ctx.tag or is_tagged(item):
            return codec_of(annotation)
        return ManyCodec(
            _item_codec(item, dataclasses.replace(item_ctx, tag=to_xml_tag(name))), _COLLECTIONS[get_origin(kind)]
        )
    return _item_codec(kind, dataclasses.replace(ctx, tag=to_xml_tag(name)))


def _item_codec(annotation: Any, ctx: Ctx | None = None) -> ItemCodec[Any]:
    kind, own_ctx = unwrap(annotation)
    ctx = ctx if ctx is not None and ctx != Ctx() else own_ctx
    inner, optional = without_none(kind)
    if is_tagged(inner):
        return TaggedCodec(inner, ctx, optional)
    adapter, schema = adapter_of(inner)
    is_json = not is_plain(schema)
    tagged = dataclasses.replace(ctx, tag=ctx.tag or _default_tag(inner))
    return LeafCodec(adapter, schema, tagged, is_json, optional)


def is_tagged(kind: Any) -> bool:
    """Whether `kind` is a class that knows its own tags."""
    return isinstance(kind, type) and hasattr(kind, "xml_element") and hasattr(kind, "xml_example")


def adapter_of(kind: Any) -> tuple[TypeAdapter[Any], JsonSchema]:
    """What validates a type, and its JSON schema. Raises `PromptDefinitionError` for a type that text cannot hold."""
    if kind in (Any, None, type(None)) or kind is object:
        raise PromptDefinitionError(f"{kind} says nothing about the text to expect; name a type.")
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
        return adapter, _PLAIN_SCHEMAS.get(kind) or adapter.json_schema()
    except Exception as error:
        raise PromptDefinitionError(f"{kind!r} cannot be written as text: {error}") from error


_PLAIN_SCHEMAS: Mapping[Any, JsonSchema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
}
_PLAIN_TYPES = {"string", "integer", "number", "boolean", "null"}


def is_plain(schema: JsonSchema) -> bool:
    """Whether a value of `schema` is one word or phrase, not a document."""
    if "enum" in schema or "const" in schema:
        return True
    if "$ref" in schema:
        return is_plain(resolve(schema))
    branches = schema.get("anyOf")
    if isinstance(branches, list):
        return all(is_plain(branch) for branch in typing.cast("list[JsonSchema]", branches))
    return schema.get("type") in _PLAIN_TYPES


def resolve(schema: JsonSchema, root: JsonSchema | None = None) -> JsonSchema:
    """`schema` with its own `$ref` followed into the `$defs` of `root`."""
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    definitions = typing.cast("Mapping[str, JsonSchema]", (root or schema).get("$defs", {}))
    return definitions[reference.rpartition("/")[2]]


def _default_tag(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "choice"
    named = get_origin(kind) or kind
    if isinstance(named, type) and named is not types.UnionType:
        is_ours = issubclass(named, (BaseModel, enum.Enum)) or dataclasses.is_dataclass(named)
        return to_xml_tag(named.__name__) if is_ours else named.__name__.lower()
    return "value"


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
    if get_origin(kind) not in (Union, types.UnionType):
        return kind, False
    args = get_args(kind)
    rest = tuple(arg for arg in args if arg is not type(None))
    return (Union[rest] if rest else kind), len(rest) < len(args)  # noqa: UP007 — built from a tuple


def _is_one_empty(text: str, tag: str) -> bool:
    found = innermost(elements(text, (tag,)))
    return len(found) == 1 and not found[0].attributes.strip() and not found[0].inner(text).strip()


def first_complaints(error: ValidationError) -> str:
    """The first three things pydantic says are wrong, in one line."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    places = [(".".join(map(str, one["loc"])), one["msg"]) for one in details[:3]]
    return "; ".join(f"{place}: {message}" if place else message for place, message in places)


def _shortened(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"
