"""`Message`: who said what in a conversation, with the values that can be read out of it."""

from __future__ import annotations

import hashlib
import operator
import re
import textwrap
import uuid as uuid_module
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, TypedDict, TypeVar, cast, overload

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from typing_extensions import deprecated

import rigging_py.parsing as parsing
from rigging_py.message.calls import ToolCall
from rigging_py.message.content import AnyContent, Content, ContentReasoning, ContentText
from rigging_py.message.edits import Edit, difference, edited
from rigging_py.message.given import fields_of, parts_of
from rigging_py.message.making import assemble, fresh, new_uuid
from rigging_py.message.sliced import Sliced
from rigging_py.message.slices import MessageSlice, SliceType

if TYPE_CHECKING:
    from rigging_py.model import Model

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
T = TypeVar("T")

Role = Literal["system", "developer", "user", "assistant", "tool"]
"""Who speaks."""

CompatibilityFlag: TypeAlias = Literal["content_as_str", "skip_tools"]
"""What of a message a server does not take."""

_OURS = ("system", "developer", "user")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


class MessageDict(TypedDict):
    """A message as plain data."""

    role: Role
    content: str | list[Any]


class Message(Sliced, BaseModel):
    """One message of a conversation.

    `content` is a string, or a sequence of strings and content parts. What a person or the program wrote is
    dedented; what a model or a tool said is kept to the letter.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    uuid: uuid_module.UUID = Field(default_factory=new_uuid)
    role: Role
    content_parts: list[Content] = Field(default_factory=list[Content], serialization_alias="content", repr=False)
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict[str, Any], repr=False)
    # Nearly every message has none, so that none is what costs least to hold, to copy and to store.
    slice_refs: list[MessageSlice] | None = Field(
        default=None, serialization_alias="slices", exclude_if=operator.not_, repr=False
    )

    def __init__(
        self,
        role: Role,
        content: str | Content | Sequence[str | Content | dict[str, Any]] | None = None,
        slices: Sequence[MessageSlice | dict[str, Any]] | None = None,
        tool_calls: Sequence[ToolCall | dict[str, Any]] | None = None,
        tool_call_id: str | None = None,
        cache_control: Literal["ephemeral"] | dict[str, str] | None = None,
        **fields: Any,
    ) -> None:
        if "content_parts" not in fields:
            fields["content_parts"] = parts_of(content, is_ours=role in _OURS)
        fields.setdefault("slice_refs", slices)
        super().__init__(role=role, tool_calls=tool_calls, tool_call_id=tool_call_id, **fields)
        if self.slice_refs is not None:
            self.slices = self.slice_refs
        if cache_control is not None:
            self.cache(True if cache_control == "ephemeral" else cache_control)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        yield from super().__repr_args__()
        yield "content", self.content

    def __str__(self) -> str:
        said = "\n".join(str(part) for part in self.content_parts)
        calls = "".join(f"\n |- {call}" for call in self.tool_calls or ())
        return f"[{self.role}]: {said}{calls}"

    # Making messages.

    @classmethod
    def of(
        cls,
        role: Role,
        text: str,
        tool_calls: list[ToolCall] | None = None,
        reasoning: Sequence[ContentReasoning] = (),
    ) -> Message:
        """A message of a text, and of calls that were checked; what is said while a run goes on comes in here."""
        parts = [*reasoning, ContentText(text=text)] if text else [*reasoning]
        return assemble(
            cls,
            {
                "uuid": new_uuid(),
                "role": role,
                "content_parts": parts,
                "tool_calls": tool_calls,
                "tool_call_id": None,
                "metadata": {},
                "slice_refs": None,
            },
        )

    @classmethod
    def from_model(
        cls,
        models: Model | Sequence[Model],
        role: Role = "user",
        suffix: str | None = None,
        tool_call_id: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> Self:
        """A message of models, each as its element and on lines of its own, marked with a slice; `suffix` comes last.

        What an `ErrorModel` says is in the metadata too, as `error`.
        """
        from rigging_py.model import ErrorModel

        given = list(models) if isinstance(models, Sequence) else [models]
        texts = [f"{one.to_pretty_xml()}\n" for one in given]
        errors = [one.content for one in given if isinstance(one, ErrorModel)]
        said = {"error": errors[-1]} if errors else {}
        slices: list[MessageSlice] = []
        for one, text in zip(given, texts, strict=True):
            start = slices[-1].stop + 1 if slices else 0
            slices.append(MessageSlice("model", one, start, start + len(text) - 1))
        content = ContentText(text="".join(texts) + (suffix or ""))
        return cls(role, content, slices, tool_call_id=tool_call_id, metadata={**(metadata or {}), **said})

    @classmethod
    def fit(cls, message: Message | MessageDict | Mapping[str, Any] | str | Content) -> Message:
        """A message from whatever can be one: text and parts are the user's, a message gives a new shell of itself."""
        if isinstance(message, Message):
            return message.shell()
        if isinstance(message, str):
            return cls.of("user", textwrap.dedent(message) if "\n" in message else message)
        if isinstance(message, AnyContent):
            return cls("user", message)
        return cls.model_validate(fields_of(message))

    @classmethod
    def fit_as_list(
        cls, messages: Messages | Message | MessageDict | Mapping[str, Any] | str | Content
    ) -> list[Message]:
        """A list of messages from one or from a sequence of them."""
        if isinstance(messages, Message | Mapping | str | AnyContent) or not isinstance(
            cast("object", messages), Iterable
        ):
            return [cls.fit(cast("Message | str", messages))]
        return [cls.fit(message) for message in messages]

    def shell(self) -> Self:
        """A new message over the same frozen parts, with the same uuid: editing either leaves the other as it was."""
        fields = dict(vars(self))
        fields["content_parts"] = list(self.content_parts)
        if self.tool_calls is not None:
            fields["tool_calls"] = list(self.tool_calls)
        fields["metadata"] = fresh(self.metadata)
        if self.slice_refs is None:
            return assemble(type(self), fields)
        fields["slice_refs"] = copies = [one.clone() for one in self.slice_refs]
        other = assemble(type(self), fields)
        for one in copies:
            one.attach(other)
        return other

    def clone(self) -> Self:
        """A copy with a uuid of its own."""
        other = self.shell()
        other.uuid = new_uuid()
        return other

    def apply(self, **values: str) -> Self:
        """A clone with `$name` and `${name}` in its text replaced; every other `$` stays."""

        def replaced(match: re.Match[str]) -> str:
            name = match[1] or match[2]
            return str(values[name]) if name in values else match.group()

        other = self.clone()
        other.content_parts = [
            part.model_copy(update={"text": _VARIABLE.sub(replaced, part.text)})
            if isinstance(part, ContentText)
            else part
            for part in other.content_parts
        ]
        if other.slice_refs is not None:
            text = self.content
            edits = [Edit(*found.span(), replaced(found)) for found in _VARIABLE.finditer(text)]
            is_plain = other.content == edited(text, edits)
            other.move_slices(edits if is_plain else difference(text, other.content), grows=is_plain)
        return other

    @classmethod
    def apply_to_list(cls, messages: Sequence[Message], **values: str) -> list[Message]:
        """`apply` on each message."""
        return [message.apply(**values) for message in messages]

    def meta(self, **values: Any) -> Self:
        """Adds to this message's metadata and returns the message."""
        self.metadata.update(values)
        return self

    def cache(self, mark: bool | dict[str, str] = True) -> Self:
        """Marks the last part for the provider's prompt cache, as ephemeral or as `mark` says, and returns the message.

        False takes every mark off. A message without parts has nothing to mark.
        """
        if mark is False:
            self.content_parts = [part.model_copy(update={"cache_control": None}) for part in self.content_parts]
            return self
        places = [place for place, part in enumerate(self.content_parts) if not isinstance(part, ContentReasoning)]
        if places:
            given = {"type": "ephemeral"} if mark is True else mark
            last = places[-1]
            self.content_parts[last] = self.content_parts[last].model_copy(update={"cache_control": given})
        return self

    # Reading values. A `Model` that was read is marked with a slice; the text stays as it is.

    def parse(self, model_type: type[T]) -> T:
        """The first value of `model_type` in the text.

        Raises `MissingModelError` when there is none, `UnparsedError` or `ValidationError` when it is not valid.
        """
        return self._read([parsing.parse(self.content, model_type)])[0]

    def try_parse(self, model_type: type[T]) -> T | None:
        """The first value of `model_type` in the text, or None."""
        found = parsing.try_parse(self.content, model_type)
        return self._read([found])[0] if found is not None else None

    def parse_set(self, model_type: type[T], minimum: int | None = None) -> list[T]:
        """Every value of `model_type` in the text. Raises `MissingModelError` for fewer than `minimum` (default 1)."""
        return self._read(parsing.parse_set(self.content, model_type, minimum=minimum))

    def try_parse_set(self, model_type: type[T], minimum: int | None = None, fail_on_missing: bool = False) -> list[T]:
        """As `parse_set`, with an empty list where that raises; `fail_on_missing` still raises for too few."""
        return self._read(
            parsing.try_parse_set(self.content, model_type, minimum=minimum, fail_on_missing=fail_on_missing)
        )

    @overload
    def parse_many(self, a: type[A], /) -> list[A]: ...
    @overload
    def parse_many(self, a: type[A], b: type[B], /) -> list[A | B]: ...
    @overload
    def parse_many(self, a: type[A], b: type[B], c: type[C], /) -> list[A | B | C]: ...
    @overload
    def parse_many(self, a: type[A], b: type[B], c: type[C], d: type[D], /) -> list[A | B | C | D]: ...
    @overload
    def parse_many(self, *types: type[T]) -> list[T]: ...
    def parse_many(self, *types: type[Any]) -> list[Any]:
        """Every value of each type, in the order of the text. Raises as `parse_set` for the first that fails."""
        return self._read(parsing.parse_many(self.content, *types))

    @overload
    def try_parse_many(self, a: type[A], /, *, fail_on_missing: bool = ...) -> list[A]: ...
    @overload
    def try_parse_many(self, a: type[A], b: type[B], /, *, fail_on_missing: bool = ...) -> list[A | B]: ...
    @overload
    def try_parse_many(
        self, a: type[A], b: type[B], c: type[C], /, *, fail_on_missing: bool = ...
    ) -> list[A | B | C]: ...
    @overload
    def try_parse_many(
        self, a: type[A], b: type[B], c: type[C], d: type[D], /, *, fail_on_missing: bool = ...
    ) -> list[A | B | C | D]: ...
    @overload
    def try_parse_many(self, *types: type[T], fail_on_missing: bool = ...) -> list[T]: ...
    def try_parse_many(self, *types: type[Any], fail_on_missing: bool = False) -> list[Any]:
        """As `parse_many`, without the missing and the invalid; `fail_on_missing` still raises for the missing."""
        return self._read(parsing.try_parse_many(self.content, *types, fail_on_missing=fail_on_missing))

    def _read(self, found: Sequence[tuple[T, slice]]) -> list[T]:
        self.remember(found)
        return [value for value, _ in found]

    # Sending it.

    @property
    def hash(self) -> int:
        """A number that is the same for messages that are sent as the same, in every process; not for secrets."""
        return int.from_bytes(hashlib.blake2b(to_json(self.to_openai()), digest_size=8).digest())

    def to_openai(self, *, compatibility_flags: Collection[CompatibilityFlag] = ()) -> dict[str, Any]:
        """The message as the OpenAI chat API takes it; a single plain text part becomes a string.

        Reasoning is left out. `content_as_str` sends the text and nothing else of the content, for servers that take no
        parts; `skip_tools` sends no tool calls and no id of one.
        """
        if compatibility_flags:
            return _reduced(self, compatibility_flags).to_openai()
        spec: dict[str, Any] = {"role": self.role}
        parts = self.content_parts
        if len(parts) > 1 or (parts and isinstance(parts[0], ContentReasoning)):
            parts = [part for part in parts if not isinstance(part, ContentReasoning)]
        if len(parts) == 1 and isinstance(parts[0], ContentText) and parts[0].cache_control is None:
            # Beside calls an empty text says what none says.
            if parts[0].text or not self.tool_calls:
                spec["content"] = parts[0].text
        elif parts:
            spec["content"] = _parts_to_openai(parts)
        elif not self.tool_calls:
            spec["content"] = ""
        if self.tool_calls:
            spec["tool_calls"] = [call.model_dump() for call in self.tool_calls]
        if self.tool_call_id is not None:
            spec["tool_call_id"] = self.tool_call_id
        return spec

    # Names that Rigging had.

    @deprecated("Message.strip() is now Message.remove_slices().")
    def strip(self, obj: MessageSlice | SliceType | str | type[Any]) -> list[MessageSlice]:
        """As `remove_slices`."""
        return self.remove_slices(obj)

    @property
    @deprecated("Message.parts is now Message.slices; it is always empty.")
    def parts(self) -> list[Any]:
        """Nothing."""
        return []

    @property
    @deprecated("Message.all_content is now Message.content_parts.")
    def all_content(self) -> list[Content]:
        """The content parts."""
        return list(self.content_parts)

    @deprecated("Message.to_openai_spec() is now Message.to_openai().")
    def to_openai_spec(self) -> dict[str, Any]:
        """As `to_openai`."""
        return self.to_openai()


Messages: TypeAlias = Sequence[Message] | Sequence[MessageDict] | Sequence[str] | Sequence[Message | MessageDict | str]
"""Several messages, in any form that `Message.fit` takes."""


def _reduced(message: Message, flags: Collection[CompatibilityFlag]) -> Message:
    other = message.shell()
    if "content_as_str" in flags:
        text = other.content
        other.content_parts = [ContentText(text=text)] if text else []
    if "skip_tools" in flags:
        other.tool_calls = other.tool_call_id = None
    return other


def _parts_to_openai(parts: Sequence[Content]) -> list[dict[str, Any]]:
    specs = [part.model_dump(exclude_none=True) for part in parts]
    for spec, after in pairwise(specs):
        # Providers put text parts together without a gap; `content` shows them on lines of their own.
        if spec["type"] == after["type"] == "text" and not spec["text"].endswith("\n"):
            spec["text"] += "\n"
    for spec in specs:
        if "input_audio" in spec:
            spec["input_audio"].pop("transcript", None)
    return specs
