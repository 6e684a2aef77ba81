"""`Chat`: a conversation that was had, as a value that can be read, stored, forked and continued."""

from __future__ import annotations

import uuid as uuid_module
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeAlias, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    computed_field,
    field_serializer,
    model_validator,
)

from rigging_py.error import InvalidGeneratorError, StoredError
from rigging_py.generator import Generator, get_generator
from rigging_py.generator.identifier import masked
from rigging_py.message import (
    GenerateParams,
    Message,
    MessageDict,
    StopReason,
    Usage,
    fresh,
    inject_system_content,
    new_uuid,
)

if TYPE_CHECKING:
    import pandas
    from elasticsearch import AsyncElasticsearch

    from rigging_py.chat.pipeline import ChatPipeline
    from rigging_py.message import MessageSlice, SliceType
    from rigging_py.tokenizer import TokenizedChat, Tokenizer
    from rigging_py.transform import Transform

Input = Sequence[Message | MessageDict | str] | Message | MessageDict | Mapping[str, Any] | str
"""Messages in any form that `Message.fit_as_list` takes."""


def _in_a_zone(moment: datetime) -> datetime:
    # Rigging stored the local time without its zone, and such a one cannot be compared with any other.
    try:
        return moment if moment.tzinfo is not None else moment.astimezone()
    except OverflowError as error:  # in the first or the last hours that there are
        raise ValueError(str(error)) from None


Timestamp: TypeAlias = Annotated[datetime, AfterValidator(_in_a_zone)]
"""A moment, with its zone; one that is given without is local time."""


def known_id(generator: Generator | None, params: GenerateParams | None, stored: str | None) -> str | None:
    """The connection string of who answered, or the one that was stored; None for a class that is not registered."""
    try:
        return generator.to_identifier(params) if generator is not None else stored
    except InvalidGeneratorError:
        return None


class Chat(BaseModel):
    """A conversation: the `messages` that led to the last answer, and what was `generated`.

    A stored chat names its generator in `generator_id` and never builds it; say `restart(generator=…)` to go on.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, validate_default=False, serialize_by_alias=True)

    uuid: uuid_module.UUID = Field(default_factory=new_uuid)
    timestamp: Timestamp = Field(default_factory=lambda: datetime.now(UTC))
    messages: list[Message]
    generated: list[Message] = Field(default_factory=list[Message])
    metadata: dict[str, Any] = Field(default_factory=dict[str, Any])
    stop_reason: StopReason = "unknown"
    usage: Usage | None = None
    """Tokens of the whole run that made the chat, failed calls included."""
    extra: dict[str, Any] = Field(default_factory=dict[str, Any])
    params: GenerateParams | None = None
    failed: bool = False
    error: BaseException | None = Field(default=None, repr=False)
    """What ended the run, where it failed; text once stored."""
    generator: Generator | None = Field(default=None, exclude=True, repr=False)

    _generator_id: str | None = PrivateAttr(default=None)
    _pipeline: ChatPipeline | None = PrivateAttr(default=None)
    _output: object = PrivateAttr(default=None)

    def __init__(
        self,
        messages: Input | None = None,
        generated: Input | None = None,
        generator: Generator | None = None,
        pipeline: ChatPipeline | None = None,
        params: GenerateParams | None = None,
        **fields: Any,
    ) -> None:
        given = {
            "messages": _fitted(messages),
            "generated": _fitted(generated),
            "generator": generator,
            "params": params,
        }
        super().__init__(**{name: value for name, value in given.items() if value is not None}, **fields)
        self._pipeline = pipeline

    @model_validator(mode="wrap")
    @classmethod
    def _from_stored(cls, data: Any, handler: Any) -> Self:
        if not isinstance(data, Mapping):
            return cast("Self", handler(data))
        values = dict(cast("Mapping[str, Any]", data))
        generator_id = values.pop("generator_id", None)
        if isinstance(values.get("error"), str):
            values["error"] = StoredError(values["error"])
        if not isinstance(values.get("generator"), Generator):
            values.pop("generator", None)
        if isinstance(values.get("params"), Mapping):
            values["params"] = _without_addresses(values["params"])
        chat = cast("Self", handler(values))
        chat._generator_id = generator_id
        return chat

    @field_serializer("error")
    def _error_as_text(self, error: BaseException | None) -> str | None:
        if error is None:
            return None
        return str(error) if isinstance(error, StoredError) else f"{type(error).__name__}: {error}"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def generator_id(self) -> str | None:
        """The connection string of the generator, without its key; None for a class that is not registered."""
        return known_id(self.generator, self.params, self._generator_id)

    # Reading it.

    @property
    def all(self) -> list[Message]:
        """Every message, oldest first."""
        return [*self.messages, *self.generated]

    @property
    def prev(self) -> list[Message]:
        """The messages before the last answer."""
        return self.messages

    @property
    def next(self) -> list[Message]:
        """The last answer."""
        return self.generated

    @property
    def last(self) -> Message:
        """The last message. Raises `IndexError` for an empty chat."""
        return self.all[-1]

    @property
    def output(self) -> object:
        """The value that the pipeline asked for, or the text of the last answer; only on a chat that was just run."""
        return self._output

    @property
    def conversation(self) -> str:
        """Everything said, for people: each message under its speaker, tool calls as lines of their own."""
        said = "\n\n".join(map(str, self.all))
        return f"{said}\n\n[error]: {self.error}" if self.error is not None else said

    @property
    def message_dicts(self) -> list[dict[str, Any]]:
        """The messages in OpenAI form."""
        return self.to_openai()

    @property
    def message_metadata(self) -> dict[str, Any]:
        """The metadata of all messages in one dict, later messages winning."""
        return {key: value for message in self.all for key, value in message.metadata.items()}

    def message_slices(
        self,
        slice_type: SliceType | None = None,
        filter_fn: Callable[[MessageSlice], bool] | None = None,
        *,
        reverse: bool = False,
    ) -> list[MessageSlice]:
        """The slices of all messages, oldest first; see `Message.find_slices`."""
        messages = reversed(self.all) if reverse else self.all
        return [one for message in messages for one in message.find_slices(slice_type, filter_fn, reverse=reverse)]

    def to_openai(self) -> list[dict[str, Any]]:
        """The messages in OpenAI form."""
        return [message.to_openai() for message in self.all]

    def to_df(self) -> pandas.DataFrame:
        """The messages as rows of a pandas table; see `rigging_py.data.chats_to_df`."""
        return import_module("rigging_py.data").chats_to_df(self)  # type: ignore[no-any-return]

    async def to_elastic(self, index: str, client: AsyncElasticsearch, **options: Any) -> int:
        """Stores the chat in Elasticsearch, and gives how many were stored; see `rigging_py.data.chats_to_elastic`."""
        return await import_module("rigging_py.data").chats_to_elastic(self, index, client, **options)  # type: ignore[no-any-return]

    async def to_tokens(self, tokenizer: Tokenizer | str, transform: Transform | str | None = None) -> TokenizedChat:
        """The chat as tokens, transformed first where that is asked for; see `rigging_py.tokenizer`."""
        from rigging_py.tokenizer import get_tokenizer

        chat = self if transform is None else await self.transform(transform)
        made = get_tokenizer(tokenizer) if isinstance(tokenizer, str) else tokenizer
        return await made.tokenize_chat(chat)

    def __len__(self) -> int:
        return len(self.all)

    # Going on from it.

    def restart(self, *, generator: Generator | str | None = None, include_all: bool = False) -> ChatPipeline:
        """A pipeline that begins where this chat began, or with `include_all` where it ended.

        It keeps callbacks, tools and checks where the chat was just run. A stored chat needs `generator`.
        """
        messages = self.all if include_all else self.messages
        chosen = get_generator(generator) if isinstance(generator, str) else generator or self.generator
        if chosen is not None and self._pipeline is not None:
            return self._pipeline.answered_by(chosen).with_messages(messages)
        if chosen is None:
            known = self._generator_id or "openai!…"
            raise ValueError(
                "A chat that was loaded builds no generator by itself; "
                f"say restart(generator={masked(known)[:200]!r}, include_all=True) to go on from its end."
            )
        return chosen.chat(messages, self.params)

    def fork(self, messages: Input = (), *, include_all: bool = False) -> ChatPipeline:
        """A pipeline from before the last answer, with `messages` added; callbacks and checks are left behind."""
        return self.restart(include_all=include_all).only_messages().add(messages)

    def continue_(self, messages: Input) -> ChatPipeline:
        """A pipeline from the end of this chat, with `messages` added; callbacks and checks are left behind."""
        return self.fork(messages, include_all=True)

    def clone(self, *, only_messages: bool = False) -> Chat:
        """A copy with a uuid of its own; `only_messages` leaves everything else out."""
        messages, generated = [m.shell() for m in self.messages], [m.shell() for m in self.generated]
        if only_messages:
            return Chat(messages=messages, generated=generated)
        return self.model_copy(
            update={
                "uuid": new_uuid(),
                "messages": messages,
                "generated": generated,
                "metadata": fresh(self.metadata),
                "extra": fresh(self.extra),
            }
        )

    # Editing it.

    def meta(self, **values: Any) -> Self:
        """Adds to this chat's metadata and returns the chat."""
        self.metadata.update(values)
        return self

    def apply(self, **values: str) -> Self:
        """Replaces `$name` in the last message and returns the chat."""
        place = self.generated or self.messages
        place[-1] = place[-1].apply(**values)
        return self

    async def transform(self, transform: Transform | str) -> Chat:
        """A copy whose messages are what a transform, or one of the names that `get_transform` knows, makes of them."""
        from rigging_py.transform import get_transform

        made = get_transform(transform) if isinstance(transform, str) else transform
        copy = self.clone()
        messages, _, _ = await made(copy.all, self.params or GenerateParams())
        answers = len(self.generated)
        copy.messages = list(messages[: len(messages) - answers])
        copy.generated = list(messages[len(messages) - answers :])
        return copy

    def inject_system_content(self, content: str) -> Self:
        """Adds `content` to the system message, which is made where there is none, and returns the chat."""
        self.messages = inject_system_content(self.messages, content)
        return self

    def apply_to_all(self, **values: str) -> Self:
        """Replaces `$name` in every message and returns the chat."""
        self.messages = Message.apply_to_list(self.messages, **values)
        self.generated = Message.apply_to_list(self.generated, **values)
        return self


def _fitted(messages: Input | None) -> object:
    """Messages from what can be some; what is data already is left for the check of the fields."""
    is_one = isinstance(messages, str | Message) or (isinstance(messages, Mapping) and "role" in messages)
    is_said = isinstance(messages, list | tuple) and any(isinstance(one, str) for one in messages)
    return Message.fit_as_list(cast("Input", messages)) if is_one or is_said else messages


def _without_addresses(params: Mapping[str, Any]) -> dict[str, Any]:
    # An address that came with data must never be sent the program's key, and `extra` can name one in many ways.
    return {name: value for name, value in params.items() if name not in ("api_base", "extra")}


class ChatList(list[Chat]):
    """Several chats."""

    def __init__(self, chats: Iterable[Chat] = ()) -> None:
        super().__init__(chats)

    @property
    def usage(self) -> Usage:
        """What all of them used; its `cost` is None where that of one is not known."""
        return sum((chat.usage or Usage() for chat in self), Usage(cost=0.0))

    def to_json(self) -> list[dict[str, Any]]:
        """The chats as JSON-safe data."""
        return [chat.model_dump(mode="json") for chat in self]

    def to_openai(self) -> list[list[dict[str, Any]]]:
        """The messages of each chat in OpenAI form."""
        return [chat.to_openai() for chat in self]

    def to_df(self) -> pandas.DataFrame:
        """The messages of all chats as rows of a pandas table; see `rigging_py.data.chats_to_df`."""
        return import_module("rigging_py.data").chats_to_df(self)  # type: ignore[no-any-return]

    async def to_elastic(self, index: str, client: AsyncElasticsearch, **options: Any) -> int:
        """Stores the chats in Elasticsearch, and gives how many were stored; see `rigging_py.data.chats_to_elastic`."""
        return await import_module("rigging_py.data").chats_to_elastic(self, index, client, **options)  # type: ignore[no-any-return]

    async def to_tokens(
        self, tokenizer: Tokenizer | str, transform: Transform | str | None = None
    ) -> list[TokenizedChat]:
        """Each chat as tokens; see `Chat.to_tokens`."""
        return [await chat.to_tokens(tokenizer, transform) for chat in self]
