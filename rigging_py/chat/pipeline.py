"""`ChatPipeline`: a conversation waiting to be run. It never changes; every refinement returns a new one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, cast

from rigging_py.chat.chat import Chat, ChatList, Input
from rigging_py.chat.drive import RUN_FAILURES, FailMode, Pass, PipelineStep, drive, finished
from rigging_py.chat.flight import Flight
from rigging_py.chat.gather import MAX_CONCURRENT
from rigging_py.chat.output import expecting_types
from rigging_py.generator import Generator, WatchCallback, get_generator
from rigging_py.message import GenerateParams, Message, ToolChoice
from rigging_py.run import AgentRun, OutputSpec, Program, RunLimits
from rigging_py.tools import Tool, as_tools

if TYPE_CHECKING:
    from rigging_py.prompt import PromptDecorator

ThenChatCallback: TypeAlias = Callable[[Chat], Any]
"""Gets a finished chat; returns None, another chat, or a pipeline whose chat takes its place. May be async."""
MapChatCallback: TypeAlias = Callable[[ChatList], Any]
"""Gets all finished chats; returns the list to go on with, or a pipeline to run. May be async."""
Callback: TypeAlias = ThenChatCallback | MapChatCallback
BatchMode: TypeAlias = Literal["parallel", "merged"]

DEFAULT_MAX_ROUNDS = 5
DEFAULT_MAX_DEPTH = 20


@dataclass(frozen=True)
class ChatPipeline:
    """A conversation waiting to be run: who answers, what is said, with which parameters, tools and checks.

    Every method that refines it returns the new pipeline and leaves this one as it was, so a pipeline can be shared and
    forked freely.
    """

    generator: Generator
    messages: tuple[Message, ...] = ()
    params: GenerateParams | None = None
    tools: tuple[Tool[..., Any], ...] = ()
    output: OutputSpec | None = None
    max_depth: int = DEFAULT_MAX_DEPTH
    max_rounds: int = DEFAULT_MAX_ROUNDS
    then_callbacks: tuple[tuple[ThenChatCallback, int], ...] = ()
    map_callbacks: tuple[tuple[MapChatCallback, int], ...] = ()
    watch_callbacks: tuple[WatchCallback, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    on_failed: FailMode = "raise"
    errors_to_catch: tuple[type[BaseException], ...] = RUN_FAILURES
    errors_to_exclude: tuple[type[BaseException], ...] = ()

    # What it says.

    @property
    def chat(self) -> Chat:
        """The messages so far, as a chat that nobody has answered."""
        return Chat(messages=[m.shell() for m in self.messages], params=self.params, generator=self.generator)

    def __len__(self) -> int:
        return len(self.messages)

    def __bool__(self) -> bool:
        # Without messages it is still a pipeline.
        return True

    def add(self, messages: Input, *, merge_strategy: Literal["none", "all", "only-user-role"] = "none") -> Self:
        """Returns the pipeline with `messages` at the end.

        `merge_strategy` joins the first of them to the last message there when both have the same role.
        """
        new = Message.fit_as_list(messages)
        old = list(self.messages)
        is_mergeable = merge_strategy == "all" or (merge_strategy == "only-user-role" and new and new[0].role == "user")
        if old and new and is_mergeable and old[-1].role == new[0].role:
            merged = old.pop().shell()
            merged.content_parts = [*merged.content_parts, *new.pop(0).content_parts]
            old.append(merged)
        return replace(self, messages=(*old, *new))

    def fork(self, messages: Input) -> Self:
        """Returns the pipeline with `messages` at the end, as `add` does."""
        return self.add(messages)

    def clone(self, *, only_messages: bool = False) -> Self:
        """Returns a pipeline like this one; `only_messages` leaves callbacks and checks behind."""
        return self.only_messages() if only_messages else replace(self)

    def only_messages(self) -> Self:
        """Returns the pipeline without callbacks, checks and metadata; generator, parameters and tools stay."""
        return replace(
            self,
            output=None,
            then_callbacks=(),
            map_callbacks=(),
            watch_callbacks=self.generator.watch_callbacks,
            metadata={},
        )

    def answered_by(self, generator: Generator) -> Self:
        """Returns the pipeline with another generator, whose own watchers take the place of the present one's."""
        own = [one for one in self.watch_callbacks if one not in self.generator.watch_callbacks]
        return replace(self, generator=generator, watch_callbacks=(*generator.watch_callbacks, *own))

    def with_messages(self, messages: Input) -> Self:
        """Returns the pipeline with other messages in place of its own."""
        return replace(self, messages=tuple(Message.fit_as_list(messages)))

    def apply(self, **values: str) -> Self:
        """Returns the pipeline with `$name` replaced in its last message."""
        last = Message.apply_to_list(self.messages[-1:], **values)
        return replace(self, messages=(*self.messages[:-1], *last))

    def apply_to_all(self, **values: str) -> Self:
        """Returns the pipeline with `$name` replaced in every message."""
        return replace(self, messages=tuple(Message.apply_to_list(self.messages, **values)))

    def meta(self, **values: Any) -> Self:
        """Returns the pipeline with more metadata, which its chats will carry."""
        return replace(self, metadata={**self.metadata, **values})

    # How it is answered.

    def with_(self, params: GenerateParams | None = None, **values: Any) -> Self:
        """Returns the pipeline with these parameters over its own."""
        given = GenerateParams(**values) if values else None
        return replace(self, params=(self.params or GenerateParams()).merge_with(params, given))

    def using(
        self,
        *tools: object,
        choice: ToolChoice | None = None,
        max_depth: int | None = None,
        catch: Any = None,
    ) -> Self:
        """Returns the pipeline with tools: `Tool`s, callables, prompts, objects with `tool_method`s, or lists of these.

        A tool replaces one of the same name. `choice` is sent with the first turn. `max_depth` is the most batches of
        calls (default 20). `catch` sets which exceptions of these tools become results.
        """
        new = [one.with_(catch=catch) if catch is not None else one for one in as_tools(*tools)]
        by_name = {one.name: one for one in (*self.tools, *new)}
        chosen = self.with_(tool_choice=choice) if choice is not None else self
        return replace(
            chosen, tools=tuple(by_name.values()), max_depth=self.max_depth if max_depth is None else max_depth
        )

    def until_parsed_as(
        self,
        *types: Any,
        attempt_recovery: bool | None = None,
        drop_dialog: bool | None = None,
        max_rounds: int | None = None,
        max_depth: int | None = None,
    ) -> Self:
        """Returns the pipeline with answers asked for until all `types` can be read from one; calls add up.

        `max_rounds` (also `max_depth`, default 5) is how many more calls may follow the first. `attempt_recovery`
        (default True) tells the model what was wrong, else it is asked afresh. `drop_dialog` (default False, but True
        where nothing is recovered) leaves refused answers out of the chat.
        """
        spec = expecting_types(self.output, *types)
        if attempt_recovery is not None:
            spec = replace(spec, on_invalid="feedback" if attempt_recovery else "regenerate")
        if drop_dialog is not None or attempt_recovery is False:
            # An answer that the model never saw again is no part of the conversation.
            spec = replace(spec, keep_dialog=drop_dialog is False)
        rounds = max_rounds if max_rounds is not None else max_depth
        return replace(self, output=spec, max_rounds=self.max_rounds if rounds is None else rounds)

    def then(self, *callbacks: ThenChatCallback, max_depth: int = DEFAULT_MAX_DEPTH) -> Self:
        """Returns the pipeline with callbacks that get each finished chat; `max_depth` bounds pipelines inside it."""
        return replace(self, then_callbacks=(*self.then_callbacks, *((one, max_depth) for one in callbacks)))

    def map(self, *callbacks: MapChatCallback, max_depth: int = DEFAULT_MAX_DEPTH) -> Self:
        """Returns the pipeline with callbacks that get all finished chats at once, after every `then`."""
        return replace(self, map_callbacks=(*self.map_callbacks, *((one, max_depth) for one in callbacks)))

    def watch(self, *callbacks: WatchCallback, allow_duplicates: bool = False) -> Self:
        """Returns the pipeline with async callbacks that see finished chats; what they raise becomes a warning."""
        twice = [one for one in callbacks if one in self.watch_callbacks]
        if twice and not allow_duplicates:
            raise ValueError(
                f"{twice[0]!r} watches this pipeline already; pass allow_duplicates=True to call it twice."
            )
        return replace(self, watch_callbacks=(*self.watch_callbacks, *callbacks))

    def catch(
        self,
        *errors: type[BaseException],
        on_failed: FailMode | None = None,
        exclude: Iterable[type[BaseException]] = (),
    ) -> Self:
        """Returns the pipeline with more errors that `include` and `skip` cover, and some they never do."""
        return replace(
            self,
            errors_to_catch=(*self.errors_to_catch, *errors),
            errors_to_exclude=(*self.errors_to_exclude, *exclude),
            on_failed=on_failed or self.on_failed,
        )

    def covers(self, error: BaseException) -> bool:
        """Whether a chat with this error is kept or skipped where the mode says so."""
        return isinstance(error, self.errors_to_catch) and not isinstance(error, self.errors_to_exclude)

    @property
    def prompt(self) -> PromptDecorator:
        """The decorator that makes a typed function a prompt which continues this pipeline."""
        return import_module("rigging_py.prompt").prompt(pipeline=self)  # type: ignore[no-any-return]

    # What the machine is given; computed once for a pipeline.

    @cached_property
    def tools_by_name(self) -> Mapping[str, Tool[..., Any]]:
        """The tools, by what the model calls them."""
        return {tool.name: tool for tool in self.tools}

    @cached_property
    def program(self) -> Program:
        """The tools and the check of the answer, as the machine takes them; give it to `AgentRun.load`."""
        return Program({tool.name: tool.program for tool in self.tools}, self.output)

    @cached_property
    def limits(self) -> RunLimits:
        """How far a run of this pipeline may go."""
        return RunLimits(1 + self.max_depth + self.max_rounds, self.max_depth, self.max_rounds)

    @cached_property
    def sent_params(self) -> GenerateParams:
        """The parameters with the tools' definitions in them."""
        params = self.params or GenerateParams()
        return params.model_copy(update={"tools": [tool.definition for tool in self.tools]}) if self.tools else params

    # Running it.

    async def run(self, *, on_failed: FailMode | None = None, allow_failed: bool = False) -> Chat:
        """Runs the conversation to its end.

        With `on_failed="include"`, or `allow_failed`, a run that fails by itself (turns, output, truncation) gives a
        chat with `failed` and `error`; other errors are raised unless `catch` names them. Errors carry `.run` and
        `.messages`.
        """
        mode = "include" if allow_failed else on_failed or self.on_failed
        return await self._finish_one(self._flight(), mode)

    __call__ = run

    async def run_many(
        self,
        count: int,
        *,
        params: Sequence[GenerateParams | None] | None = None,
        mode: BatchMode = "parallel",
        on_failed: FailMode | None = None,
        max_concurrent: int = MAX_CONCURRENT,
    ) -> ChatList:
        """Runs the conversation `count` times, with `params` for each where given.

        `parallel` runs are independent, at most `max_concurrent` at once; `merged` ones go round by round in one
        request.
        """
        each = list(params) if params is not None else [None] * count
        if len(each) != count:
            raise ValueError(f"{count} runs need {count} parameters, not {len(each)}.")
        flights = [self._flight(params=one) for one in each]
        return await self._finish(flights, on_failed, mode, max_concurrent)

    async def run_batch(
        self,
        many: Sequence[Input] | Input,
        params: Sequence[GenerateParams | None] | None = None,
        *,
        mode: BatchMode = "parallel",
        on_failed: FailMode | None = None,
        max_concurrent: int = MAX_CONCURRENT,
    ) -> ChatList:
        """Runs one conversation for each item of `many`, which this pipeline's messages come before.

        A single item is run with each of `params`.
        """
        items: list[Any] = [many] if isinstance(many, str | Message | Mapping) else list(cast("Sequence[Any]", many))
        each = list(params) if params is not None else [None] * len(items)
        items = items * len(each) if len(items) == 1 else items
        if len(each) != len(items):
            raise ValueError(f"{len(items)} conversations need {len(items)} parameters, not {len(each)}.")
        flights = [self._flight(item, one) for item, one in zip(items, each, strict=True)]
        return await self._finish(flights, on_failed, mode, max_concurrent)

    async def run_over(
        self, *generators: Generator | str, include_original: bool = True, on_failed: FailMode | None = None
    ) -> ChatList:
        """Runs the conversation on each generator, and on this pipeline's own last."""
        others = [get_generator(one) if isinstance(one, str) else one for one in generators]
        pipelines = [self.answered_by(one) for one in others] + ([self] if include_original else [])
        return await self._finish([one._flight() for one in pipelines], on_failed)

    async def resume(self, run: AgentRun | Mapping[str, Any], *, on_failed: FailMode | None = None) -> Chat:
        """Goes on with a run of this pipeline from where it stands, or from what `run.dump()` stored.

        Calls whose results are in it are not executed again.
        """
        loaded = run if isinstance(run, AgentRun) else AgentRun.load(run, self.program)
        return await self._finish_one(Flight.of(self, loaded), on_failed or self.on_failed)

    def step(self, *, on_failed: FailMode | None = None) -> PipelineStepContextManager:
        """The steps of one run as they come: `async with pipeline.step() as steps: async for step in steps: …`."""
        return PipelineStepContextManager(self, on_failed or self.on_failed)

    def as_pass(self, on_failed: FailMode | None = None) -> Pass:
        """One run of this pipeline, as the driver takes it."""
        return Pass(self, [self._flight()], on_failed or self.on_failed, is_watched=True)

    def _flight(self, messages: Input = (), params: GenerateParams | None = None) -> Flight:
        said = [*self.messages, *Message.fit_as_list(messages)] if messages else list(self.messages)
        if not said:
            raise ValueError("There is nothing to answer: add a message to the pipeline.")
        return Flight.begin(self, said, params)

    async def _finish_one(self, flight: Flight, on_failed: FailMode) -> Chat:
        if on_failed == "skip":
            raise ValueError("One run cannot be skipped: use on_failed='include', or run_many().")
        chats = await self._finish([flight], on_failed)
        if len(chats) != 1:
            raise ValueError(f"A map callback made {len(chats)} chats of one; use run_many(1), which returns them all.")
        return chats[0]

    async def _finish(
        self,
        flights: list[Flight],
        on_failed: FailMode | None,
        mode: BatchMode = "parallel",
        limit: int = MAX_CONCURRENT,
    ) -> ChatList:
        return await finished(Pass(self, flights, on_failed or self.on_failed, mode == "merged", limit=limit))


class PipelineStepContextManager:
    """Steps of a pipeline that has not begun. A callback may return it, and the pipeline takes the callback's place."""

    def __init__(self, pipeline: ChatPipeline, on_failed: FailMode) -> None:
        self._pipeline = pipeline
        self._on_failed: FailMode = on_failed
        self._steps: AsyncGenerator[PipelineStep, None] | None = None

    def as_pass(self) -> Pass:
        """One run of the pipeline, as the driver takes it."""
        return self._pipeline.as_pass(self._on_failed)

    async def __aenter__(self) -> AsyncIterator[PipelineStep]:
        self._steps = drive(self.as_pass())
        return self._steps

    async def __aexit__(self, *_: object) -> None:
        if self._steps is not None:
            await self._steps.aclose()


def chat(
    generator: Generator | str, messages: Input | None = None, params: GenerateParams | None = None
) -> ChatPipeline:
    """A pipeline that begins with `messages`, answered by a generator or by what a connection string describes."""
    made = get_generator(generator) if isinstance(generator, str) else generator
    said = tuple(Message.fit_as_list(messages)) if messages is not None else ()
    return ChatPipeline(made, said, params, watch_callbacks=made.watch_callbacks)
