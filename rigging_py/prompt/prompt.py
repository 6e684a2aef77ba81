"""`Prompt`: a typed function whose body is a model. Calling it renders the arguments, asks, and reads the answer."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Coroutine, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Concatenate, Generic, Literal, ParamSpec, Self, TypeAlias, TypeVar, cast, overload

from rigging_py.chat import Chat, ChatPipeline, FailMode, MapChatCallback, ThenChatCallback
from rigging_py.chat.gather import gather
from rigging_py.chat.output import Asked
from rigging_py.error import Paused, PipelineWarning, RiggingError, UnboundPromptError
from rigging_py.generator import Generator, WatchCallback, get_generator
from rigging_py.message import GenerateParams, Message, inject_system_content
from rigging_py.observe import PromptDetail
from rigging_py.parsing import Codec, JsonCodec, json_codec_of
from rigging_py.parsing.codec import SeveralCodec
from rigging_py.prompt.definition import Definition, define
from rigging_py.prompt.inputs import Input
from rigging_py.prompt.stream import PromptStream
from rigging_py.run import OUTPUT_TOOL, OnTruncated, OutputMode

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")

Answering: TypeAlias = "ChatPipeline | Generator | Chat | str"
"""What can answer a prompt: a pipeline, a generator, a chat to go on from, or a connection string."""
Several: TypeAlias = "Sequence[Generator | str] | Generator | str"
"""Generators that each answer a prompt, or one of them."""


@dataclass(frozen=True)
class Prompt(Generic[P, R]):
    """A typed function that a model answers. Calling it is always awaited; every refinement returns a new prompt.

    `max_parsing_rounds` is how many more calls an unreadable answer may cost, `max_tool_rounds` how many batches of
    tool calls a run may have.
    """

    func: Callable[..., Any]
    source: ChatPipeline | Generator | str | None = None
    tools: tuple[object, ...] = ()
    system_prompt: str | None = None
    params: GenerateParams | None = None
    max_parsing_rounds: int = 3
    max_tool_rounds: int = 20
    output_mode: OutputMode | Literal["auto"] = "auto"
    on_truncated: OnTruncated = "fail"
    then_callbacks: tuple[ThenChatCallback, ...] = ()
    map_callbacks: tuple[MapChatCallback, ...] = ()
    watch_callbacks: tuple[WatchCallback, ...] = ()

    def __post_init__(self) -> None:
        names = ("__name__", "__qualname__", "__module__", "__doc__")
        self.__dict__.update({name: getattr(self.func, name) for name in names if hasattr(self.func, name)})
        self.__dict__["__wrapped__"] = self.func

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self: Prompt[Concatenate[S, Q], R], instance: S, owner: type) -> Prompt[Q, R]: ...
    def __get__(self, instance: object, owner: type) -> Prompt[Any, Any]:
        if instance is None:
            return self
        bound = replace(self, func=self.func.__get__(instance, owner))
        # What answers is the same for every object, and costs something to find.
        bound.__dict__["_home"] = self
        return bound

    # What it says.

    @cached_property
    def definition(self) -> Definition:
        """The function as a prompt; read when it is first needed, so that annotations may name later classes."""
        return define(self.func)

    @property
    def is_json(self) -> bool:
        """Whether the value is asked for as JSON."""
        return self.output_mode not in ("auto", "xml")

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The parameters that are shown below the docstring, which does not mention them."""
        return self.definition.inputs

    @cached_property
    def output(self) -> Codec[R] | JsonCodec[R] | None:
        """What asks for the value and reads it, or None where the chat is returned."""
        written = self.definition.codec
        return json_codec_of(self.definition.returns) if self.is_json and written is not None else written

    @property
    def docstring(self) -> str:
        """The docstring, as it is said."""
        return self.definition.docstring

    @property
    def template(self) -> str:
        """The whole prompt, with `{{ name }}` where arguments go."""
        return self.definition.template

    def render(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """The text of the prompt for these arguments; `[image_url]` and the like stand for parts that are no text."""
        definition = self.definition
        return definition.render(definition.arguments(args, kwargs), is_guided=not self.is_json)

    def process(self, chat: Chat) -> R:
        """Reads the return value out of a chat. Raises `MissingModelError` or `UnparsedError`."""
        codec = self.output
        if codec is None:
            return cast("R", chat)
        text = _answer(chat)
        try:
            return codec.read(text, chat) if isinstance(codec, SeveralCodec) else codec.read(text)
        except RiggingError as error:
            error.messages = chat.all
            raise

    # Refining it.

    def with_(self, params: GenerateParams | None = None, **values: Any) -> Self:
        """Returns the prompt with these parameters over its own."""
        given = GenerateParams(**values) if values else None
        return replace(self, params=(self.params or GenerateParams()).merge_with(params, given))

    def set_(
        self,
        max_parsing_rounds: int | None = None,
        max_tool_rounds: int | None = None,
        output_mode: OutputMode | Literal["auto"] | None = None,
        on_truncated: OnTruncated | None = None,
    ) -> Self:
        """Returns the prompt with other limits, or other ways to ask for its value; see `until_parsed_as`."""
        return replace(
            self,
            max_parsing_rounds=self.max_parsing_rounds if max_parsing_rounds is None else max_parsing_rounds,
            max_tool_rounds=self.max_tool_rounds if max_tool_rounds is None else max_tool_rounds,
            output_mode=output_mode or self.output_mode,
            on_truncated=on_truncated or self.on_truncated,
        )

    def then(self, *callbacks: ThenChatCallback, allow_duplicates: bool = False) -> Self:
        """Returns the prompt with callbacks, async or not, that get each finished chat, and may give another.

        Raises `ValueError` for one that is there already, unless `allow_duplicates`; so do `map` and `watch`.
        """
        return replace(self, then_callbacks=_joined(self.then_callbacks, callbacks, allow_duplicates))

    def map(self, *callbacks: MapChatCallback, allow_duplicates: bool = False) -> Self:
        """Returns the prompt with callbacks, async or not, that get all finished chats and give those to go on with."""
        return replace(self, map_callbacks=_joined(self.map_callbacks, callbacks, allow_duplicates))

    def watch(self, *callbacks: WatchCallback, allow_duplicates: bool = False) -> Self:
        """Returns the prompt with async callbacks that see finished chats."""
        return replace(self, watch_callbacks=_joined(self.watch_callbacks, callbacks, allow_duplicates))

    def clone(self, *, include_callbacks: bool = True) -> Self:
        """Returns a prompt like this one, its tools too, with or without its callbacks."""
        return (
            replace(self)
            if include_callbacks
            else replace(self, then_callbacks=(), map_callbacks=(), watch_callbacks=())
        )

    # Binding it.

    def bind(self, other: Answering) -> Prompt[P, R]:
        """Returns the prompt with `other` to answer it."""
        return replace(self, source=_source(other))

    def bind_many(self, other: Answering) -> Callable[Concatenate[int, P], Coroutine[Any, Any, list[R]]]:
        """`run_many` of the prompt with `other` to answer it."""
        return self.bind(other).run_many

    def bind_over(
        self, other: Answering | None = None
    ) -> Callable[Concatenate[Several, P], Coroutine[Any, Any, list[R]]]:
        """`run_over` of the prompt, with `other` answering too where it is given."""
        return (self.bind(other) if other is not None else replace(self, source=None)).run_over

    @cached_property
    def pipeline(self) -> ChatPipeline | None:
        """What answers the prompt, or None while nothing does."""
        home: Self = self.__dict__.get("_home", self)
        if home is not self:
            return home.pipeline
        source = get_generator(self.source) if isinstance(self.source, str) else self.source
        return source.chat() if isinstance(source, Generator) else source

    # Running it.

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        values = await self._answers(self._ready("raise"), [self._message(args, kwargs)])
        if len(values) != 1:
            raise ValueError(
                f"A map callback made {len(values)} chats of the one that {self.definition.name}() had; "
                "use run_many(1, …), which returns all of their values."
            )
        return values[0]

    async def run(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Asks and reads the answer; the same as calling the prompt."""
        return await self(*args, **kwargs)

    async def run_many(self, count: int, /, *args: P.args, **kwargs: P.kwargs) -> list[R]:
        """`count` answers to the same arguments; failed runs are left out where the prompt's pipeline says `skip`."""
        message = self._message(args, kwargs)
        return await self._answers(self._ready("raise", "skip"), [message.clone() for _ in range(count)])

    async def run_over(self, generators: Several, /, *args: P.args, **kwargs: P.kwargs) -> list[R]:
        """An answer from each of `generators`, and from the prompt's own last where it has one.

        One that fails is left out, and a `PipelineWarning` says why, unless the prompt's pipeline skips such failures
        anyway; where all fail the list is empty. What that pipeline excludes by `catch(exclude=…)` is raised, and so
        is `Paused`. Callbacks see what each generator gives by itself.
        """
        given = [generators] if isinstance(generators, str | Generator) else generators
        made = [get_generator(one) if isinstance(one, str) else one for one in given]
        has_own = self.pipeline is not None
        ready = self._ready("raise", "skip") if has_own or not made else self._refined(made[0].chat())
        answering = [ready.answered_by(one) for one in made] + ([ready] if has_own else [])
        message = self._message(args, kwargs)
        values = await gather([partial(self._answers_if_any, one, message.clone()) for one in answering])
        return [value for several in values for value in several]

    def stream(self, *args: P.args, **kwargs: P.kwargs) -> PromptStream[R]:
        """One call as it comes: its events, the value as far as it is known, and at the end the value."""
        ready = self._ready("raise")
        events = ready.add(self._message(args, kwargs)).stream()
        return PromptStream(events, self.output, lambda chat: self._value(chat, ready))

    def _message(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Message:
        definition = self.definition
        return definition.message(definition.arguments(args, kwargs), is_guided=not self.is_json)

    async def _answers(self, ready: ChatPipeline, said: Sequence[Message]) -> list[R]:
        """What is answered to each message, one run for each; every call that is not streamed comes through here."""
        seam = ready.seam
        with seam.around(PromptDetail(self.definition.name)) if seam.is_around else nullcontext():
            return [self._value(chat, ready) for chat in await ready.run_batch(said)]

    async def _answers_if_any(self, ready: ChatPipeline, message: Message) -> list[R]:
        """What one of several generators answers. Why it fails becomes a warning."""
        try:
            return await self._answers(ready, [message])
        except Exception as error:  # the wall between one generator and the others
            if isinstance(error, (Paused, *ready.errors_to_exclude)):
                raise
            who = f"{type(ready.generator).__name__} {ready.generator.model!r}"
            problem = f"{who} gave no answer to {self.definition.name}(), {type(error).__name__}: {error}"
            warnings.warn(problem, PipelineWarning, stacklevel=2)
            return []

    def _ready(self, *modes: FailMode) -> ChatPipeline:
        """The prompt's own pipeline with what the prompt adds, if it deals with failures in one of `modes`."""
        pipeline, name = self.pipeline, self.definition.name
        if pipeline is None:
            raise UnboundPromptError(
                f"Nothing answers {name}(): decorate it with a generator, or call {name}.bind(generator)(…)."
            )
        if pipeline.on_failed not in modes and (pipeline.on_failed != "include" or self.definition.codec is not None):
            raise ValueError(
                f"{name}() returns a value, so a failed run has nothing to return: "
                f"give it a pipeline with on_failed={' or '.join(map(repr, modes))}, not {pipeline.on_failed!r}."
            )
        # Computed once, for all objects where the function is a method; two tasks that both do so do the same.
        kept: dict[str, Any] = self.__dict__.get("_home", self).__dict__
        if "_kept" not in kept:
            kept["_kept"] = self._refined(pipeline)
        return cast("ChatPipeline", kept["_kept"])

    def _refined(self, pipeline: ChatPipeline) -> ChatPipeline:
        """The pipeline with what this prompt adds whatever its arguments are."""
        codec = self.output
        ready = pipeline if pipeline.task_name else pipeline.name(self.definition.name)
        ready = ready.with_(self.params) if self.params is not None else ready
        if self.tools:
            ready = ready.using(*self.tools, max_depth=self.max_tool_rounds)
        if codec is not None:
            ready = ready.asking(
                Asked([codec], "xml" if self.output_mode == "auto" else self.output_mode),
                max_rounds=self.max_parsing_rounds,
                on_truncated=self.on_truncated,
            )
        if self.system_prompt:
            ready = ready.with_messages(inject_system_content(ready.messages, self.system_prompt))
        return (
            ready.then(*self.then_callbacks, allow_duplicates=True)
            .map(*self.map_callbacks, allow_duplicates=True)
            .watch(*self.watch_callbacks, allow_duplicates=True)
        )

    def _value(self, chat: Chat, ready: ChatPipeline) -> R:
        """The return value; the run has read it, unless it holds the chat or a callback may have put another."""
        codec = self.output
        may_differ = ready.then_callbacks or ready.map_callbacks or not chat.generated
        if codec is None or isinstance(codec, SeveralCodec) or may_differ:
            return self.process(chat)
        only = ready.output is not None and len(ready.output.validators) == 1
        return cast("R", chat.output if only else cast("tuple[object, ...]", chat.output)[-1])


def _answer(chat: Chat) -> str:
    """The text of the last answer, or the arguments of the call that gave it."""
    calls = [call for message in chat.all for call in message.tool_calls or () if call.name == OUTPUT_TOOL]
    return calls[-1].arguments if calls and chat.last.role == "tool" else chat.last.content


def _joined(present: tuple[S, ...], new: tuple[S, ...], allow_duplicates: bool) -> tuple[S, ...]:
    twice = next((one for index, one in enumerate(new) if one in (*present, *new[:index])), None)
    if twice is not None and not allow_duplicates:
        raise ValueError(
            f"{twice!r} is a callback of this prompt already; pass allow_duplicates=True to call it twice."
        )
    return (*present, *new)


def _source(other: Answering) -> ChatPipeline | Generator | str:
    if isinstance(other, ChatPipeline | Generator | str):
        return other
    if isinstance(other, Chat):  # pyright: ignore[reportUnnecessaryIsInstance]
        return other.fork(include_all=True)
    raise TypeError(
        f"A prompt is answered by a pipeline, a generator, a chat or a connection string; not by {other!r}."
    )
