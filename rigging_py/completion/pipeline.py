"""`CompletionPipeline`: a text waiting to be continued. Its runs are those of chats, whose model continues texts."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, Self, TypeAlias, cast

from rigging_py.chat import Chat, ChatPipeline, FailMode
from rigging_py.chat.conversation import refuse_twice
from rigging_py.chat.drive import RUN_FAILURES, Pass, finish
from rigging_py.chat.failures import carry, check_catchable
from rigging_py.chat.flight import Flight
from rigging_py.chat.gather import MAX_CONCURRENT, gather
from rigging_py.chat.output import asking_for, checking
from rigging_py.chat.watch import show
from rigging_py.completion.completion import Completion
from rigging_py.completion.continuing import Continuing
from rigging_py.error import CompletionExhaustedMaxRoundsError, MessagesExhaustedMaxRoundsError
from rigging_py.generator import Generator, WatchCallback, Wrapper, get_generator
from rigging_py.message import GenerateParams, Message
from rigging_py.run import OutputSpec
from rigging_py.util import await_

ThenCompletionCallback: TypeAlias = Callable[[Completion], Any]
"""Gets a finished completion; returns None, or the completion to take its place. May be async."""
MapCompletionCallback: TypeAlias = Callable[[list[Completion]], Any]
"""Gets all finished completions; returns the list to go on with. May be async."""
UntilCompletionCallback: TypeAlias = Callable[[str], bool]
"""Gets the text; says True to have it written anew."""

DEFAULT_MAX_ROUNDS = 5


@dataclass(frozen=True)
class Wanted:
    """Something asked of a continuation: values of `types`, or that `again` says no. `of_all` looks at the text too."""

    types: tuple[Any, ...] = ()
    again: UntilCompletionCallback | None = None
    of_all: bool = False

    def spec(self, before: OutputSpec | None, text: str) -> OutputSpec:
        """What is asked of an answer to `text`, beside what was asked before."""
        prefix = text if self.of_all else ""
        if self.again is not None:
            return checking(before, partial(_is_good, self.again, prefix))
        asked = asking_for(self.types).added_to(None)
        validators = tuple(partial(_with_prefix, one, prefix) for one in asked.validators)
        return replace(before or OutputSpec(()), validators=(*(before.validators if before else ()), *validators))


def _is_good(again: UntilCompletionCallback, prefix: str, text: str) -> bool:
    return not again(prefix + text)


def _with_prefix(validate: Callable[[str], object], prefix: str, text: str) -> object:
    return validate(prefix + text)


@dataclass(frozen=True)
class CompletionPipeline:
    """A text waiting to be continued. Every refinement returns a new pipeline."""

    generator: Generator
    text: str
    params: GenerateParams | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    wanted: tuple[Wanted, ...] = ()
    max_rounds: int | None = None
    then_callbacks: tuple[ThenCompletionCallback, ...] = ()
    map_callbacks: tuple[MapCompletionCallback, ...] = ()
    watch_callbacks: tuple[WatchCallback, ...] = ()
    on_failed: FailMode = "raise"
    errors_to_catch: tuple[type[BaseException], ...] = RUN_FAILURES
    errors_to_exclude: tuple[type[BaseException], ...] = ()

    def __len__(self) -> int:
        return len(self.text)

    def __bool__(self) -> bool:
        # Without a text it is still a pipeline.
        return True

    def add(self, text: str) -> Self:
        """Returns the pipeline with `text` at the end."""
        return replace(self, text=self.text + text)

    def fork(self, text: str) -> Self:
        """Returns the pipeline with `text` at the end, as `add` does."""
        return self.add(text)

    def clone(self, *, only_text: bool = False) -> Self:
        """Returns a pipeline like this one; `only_text` leaves callbacks, checks and metadata behind."""
        return type(self)(self.generator, self.text, self.params) if only_text else replace(self)

    def apply(self, **values: str) -> Self:
        """Returns the pipeline with `$name` replaced in its text."""
        return replace(self, text=Message.of("user", self.text).apply(**values).content)

    def meta(self, **values: Any) -> Self:
        """Returns the pipeline with more metadata, which its completions will carry."""
        return replace(self, metadata={**self.metadata, **values})

    def with_(self, params: GenerateParams | None = None, **values: Any) -> Self:
        """Returns the pipeline with these parameters over its own."""
        given = GenerateParams(**values) if values else None
        return replace(self, params=(self.params or GenerateParams()).merge_with(params, given))

    def wrap(self, func: Wrapper | None) -> Self:
        """Returns the pipeline with a generator whose calls go through `func`; see `Generator.wrap`."""
        return replace(self, generator=self.generator.wrap(func))

    def until(
        self, callback: UntilCompletionCallback, *, use_all_text: bool = False, max_rounds: int = DEFAULT_MAX_ROUNDS
    ) -> Self:
        """Returns the pipeline with continuations written anew while `callback` says True of one.

        It gets what was generated, with `use_all_text` the text before it too. The lowest `max_rounds` of all that is
        asked for is how many more calls may follow the first.
        """
        return self._wanting(Wanted(again=callback, of_all=use_all_text), max_rounds)

    def until_parsed_as(self, *types: Any, use_all_text: bool = False, max_rounds: int = DEFAULT_MAX_ROUNDS) -> Self:
        """Returns the pipeline with continuations written anew until all `types` can be read from one; calls add up."""
        return self._wanting(Wanted(types=types, of_all=use_all_text), max_rounds)

    def _wanting(self, one: Wanted, max_rounds: int) -> Self:
        rounds = max_rounds if self.max_rounds is None else min(self.max_rounds, max_rounds)
        return replace(self, wanted=(*self.wanted, one), max_rounds=rounds)

    def then(self, *callbacks: ThenCompletionCallback) -> Self:
        """Returns the pipeline with callbacks that get each finished completion."""
        return replace(self, then_callbacks=(*self.then_callbacks, *callbacks))

    def map(self, *callbacks: MapCompletionCallback) -> Self:
        """Returns the pipeline with callbacks that get all finished completions at once, after every `then`."""
        return replace(self, map_callbacks=(*self.map_callbacks, *callbacks))

    def watch(self, *callbacks: WatchCallback, allow_duplicates: bool = False) -> Self:
        """Returns the pipeline with async callbacks that see finished completions; what one raises is a warning."""
        refuse_twice(callbacks, self.watch_callbacks, "watches", allow_duplicates=allow_duplicates)
        return replace(self, watch_callbacks=(*self.watch_callbacks, *callbacks))

    def catch(
        self,
        *errors: type[BaseException],
        on_failed: FailMode | None = None,
        exclude: Iterable[type[BaseException]] = (),
    ) -> Self:
        """Returns the pipeline with more errors that `include` and `skip` cover, and some they never do."""
        exclude = tuple(exclude)
        check_catchable(*errors, *exclude)
        return replace(
            self,
            errors_to_catch=(*self.errors_to_catch, *errors),
            errors_to_exclude=(*self.errors_to_exclude, *exclude),
            on_failed=on_failed or self.on_failed,
        )

    # Running it.

    async def run(self, *, on_failed: FailMode | None = None) -> Completion:
        """Continues the text. Raises `CompletionExhaustedMaxRoundsError` when no continuation is what was asked for."""
        mode = on_failed or self.on_failed
        if mode == "skip":
            raise ValueError("One run cannot be skipped: use on_failed='include', or run_many().")
        completions = await _finish([self], mode)
        if len(completions) != 1:
            raise ValueError(f"A map callback made {len(completions)} completions of one; use run_many(1).")
        return completions[0]

    __call__ = run

    def run_sync(self, *, on_failed: FailMode | None = None) -> Completion:
        """`run`, for code that cannot await; it works inside of running event loops too, which it blocks."""
        return await_(self.run(on_failed=on_failed))

    async def run_many(
        self,
        count: int,
        *,
        params: Sequence[GenerateParams | None] | None = None,
        on_failed: FailMode | None = None,
        max_concurrent: int = MAX_CONCURRENT,
    ) -> list[Completion]:
        """Continues the text `count` times, with `params` for each where given, at most `max_concurrent` at once."""
        return await self.run_batch([""] * count, params, on_failed=on_failed, max_concurrent=max_concurrent)

    async def run_batch(
        self,
        many: Sequence[str],
        params: Sequence[GenerateParams | None] | None = None,
        *,
        on_failed: FailMode | None = None,
        max_concurrent: int = MAX_CONCURRENT,
    ) -> list[Completion]:
        """Continues each of `many`, which this pipeline's text comes before; a single one with each of `params`."""
        texts = [many] if isinstance(many, str) else list(many)
        each = list(params) if params is not None else [None] * len(texts)
        texts = texts * len(each) if len(texts) == 1 else texts
        if len(each) != len(texts):
            raise ValueError(f"{len(texts)} texts need {len(texts)} parameters, not {len(each)}.")
        # What runs a pipeline is made once for it, so what differs in nothing is one and the same.
        grown = [self.add(text) if text else self for text in texts]
        pipelines = [one.with_(own) if own is not None else one for one, own in zip(grown, each, strict=True)]
        return await _finish(pipelines, on_failed or self.on_failed, max_concurrent)

    async def run_over(
        self, *generators: Generator | str, include_original: bool = True, on_failed: FailMode | None = None
    ) -> list[Completion]:
        """Continues the text by each generator, and by this pipeline's own last."""
        made = [get_generator(one) if isinstance(one, str) else one for one in generators]
        pipelines = [replace(self, generator=one) for one in made] + ([self] if include_original else [])
        return await _finish(pipelines, on_failed or self.on_failed)

    @cached_property
    def running(self) -> ChatPipeline:
        """The pipeline that runs it: one message, and answers that are written anew when they will not do."""
        spec: OutputSpec | None = None
        for one in self.wanted:
            spec = one.spec(spec, self.text)
        return ChatPipeline(
            Continuing(self.generator),
            (Message.of("user", self.text),),
            self.params,
            output=replace(spec, on_invalid="regenerate", keep_dialog=False) if spec is not None else None,
            max_rounds=DEFAULT_MAX_ROUNDS if self.max_rounds is None else self.max_rounds,
            on_failed=self.on_failed,
            errors_to_catch=self.errors_to_catch,
            errors_to_exclude=self.errors_to_exclude,
        )

    def completion_of(self, chat: Chat) -> Completion:
        """What a chat of `running` came to."""
        completion = Completion(
            self.text,
            chat.generated[-1].content if chat.generated else "",
            self.generator,
            uuid=chat.uuid,
            timestamp=chat.timestamp,
            metadata=dict(self.metadata),
            stop_reason=chat.stop_reason,
            usage=chat.usage,
            extra=chat.extra,
            failed=chat.failed,
            params=self.params,
            output=chat.output,
        )
        completion.error = _ours(chat.error, completion) if chat.error is not None else None
        return completion


async def _finish(
    pipelines: Sequence[CompletionPipeline], on_failed: FailMode, limit: int = MAX_CONCURRENT
) -> list[Completion]:
    """The completions of pipelines that differ in their texts, parameters and generators only."""
    if not pipelines:
        return []
    first = pipelines[0]
    flights = [Flight.begin(one.running, one.running.said()) for one in pipelines]
    try:
        chats = await finish(Pass(first.running, flights, on_failed, limit=limit))
    except MessagesExhaustedMaxRoundsError as error:
        pipeline, flight = next(
            (one, flight) for one, flight in zip(pipelines, flights, strict=True) if flight.run is error.run
        )
        raise _ours(error, pipeline.completion_of(flight.chat())) from None
    made = {flight.run.run_id: one for one, flight in zip(pipelines, flights, strict=True)}
    completions = [made[str(chat.uuid)].completion_of(chat) for chat in chats]
    await show(completions, _watchers(pipelines))
    return await _called_back(first, completions, limit)


def _watchers(pipelines: Sequence[CompletionPipeline]) -> list[WatchCallback]:
    """Those of each generator once, then those of the pipeline as often as it has them."""
    of_generators = dict.fromkeys(one for pipeline in pipelines for one in pipeline.generator.watch_callbacks)
    return [*of_generators, *pipelines[0].watch_callbacks]


async def _called_back(pipeline: CompletionPipeline, completions: list[Completion], limit: int) -> list[Completion]:
    for then in pipeline.then_callbacks:
        answers = await gather([partial(_called, then, one, completions) for one in completions], limit=limit)
        completions = [
            answer if isinstance(answer, Completion) else one for one, answer in zip(completions, answers, strict=True)
        ]
    for each in pipeline.map_callbacks:
        answer = await _called(each, completions, completions)
        if not isinstance(answer, list):
            name = getattr(each, "__name__", repr(each))
            raise TypeError(f"The map callback {name} must return a list of completions; it returned {answer!r}.")
        completions = cast("list[Completion]", answer)
    return completions


async def _called(callback: Callable[[Any], Any], argument: object, completions: Sequence[Completion]) -> object:
    """What a callback answers. What it raises carries the `completions`, so that nothing written is lost."""
    try:
        answer = callback(argument)
        return await cast("Awaitable[object]", answer) if inspect.isawaitable(answer) else answer
    except Exception as error:
        carry(error, completions=tuple(completions))
        raise


def _ours(error: BaseException, completion: Completion) -> BaseException:
    """The error as completions have it."""
    if not isinstance(error, MessagesExhaustedMaxRoundsError):
        return error
    ours = CompletionExhaustedMaxRoundsError(error.max_rounds, completion, str(error))
    ours.run, ours.messages, ours.usage, ours.chats = error.run, error.messages, error.usage, error.chats
    return ours


def complete(generator: Generator | str, text: str, params: GenerateParams | None = None) -> CompletionPipeline:
    """A pipeline that continues `text`, answered by a generator or by what a connection string describes."""
    return CompletionPipeline(get_generator(generator) if isinstance(generator, str) else generator, text, params)
