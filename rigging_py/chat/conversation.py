"""How a conversation waiting to be run is refined: each method returns a new one.

`Description` is what it holds; `ChatPipeline`, which is derived from `Conversation`, runs it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, get_args

from rigging_py.caching import CacheMode, check_cache_mode
from rigging_py.chat.chat import Chat, Input
from rigging_py.chat.description import DEFAULT_MAX_DEPTH, Description, MapChatCallback, ThenChatCallback
from rigging_py.chat.drive import FailMode
from rigging_py.chat.failures import check_catchable
from rigging_py.chat.output import Asked, asking_for, checking
from rigging_py.error import PipelineWarning
from rigging_py.generator import Generator, WatchCallback, Wrapper
from rigging_py.message import GenerateParams, Message, ToolChoice
from rigging_py.observe import Hooks, check_hook
from rigging_py.run import OnTruncated, OutputMode, OutputSpec
from rigging_py.tools import Tool, ToolMode, as_tools
from rigging_py.tools.options import Catch

if TYPE_CHECKING:
    from rigging_py.transform import Transform

MergeStrategy: TypeAlias = Literal["none", "all", "only-user-role"]


@dataclass(frozen=True)
class Conversation(Description):
    """A conversation waiting to be run: who answers, what is said, with which parameters, tools and checks.

    Every method that refines it returns the new pipeline and leaves this one as it was, so a pipeline can be shared and
    forked freely.
    """

    # What it says.

    def add(self, messages: Input, *, merge_strategy: MergeStrategy = "none") -> Self:
        """Returns the pipeline with `messages` at the end.

        `merge_strategy` joins the first of them to the last message there when both have the same role.
        """
        if merge_strategy not in get_args(MergeStrategy):
            known = ", ".join(map(repr, get_args(MergeStrategy)))
            raise ValueError(f"merge_strategy is one of {known}; not {merge_strategy!r}.")
        new = Message.fit_as_list(messages)
        old = list(self.messages)
        is_mergeable = merge_strategy == "all" or (merge_strategy == "only-user-role" and new and new[0].role == "user")
        if old and new and is_mergeable and old[-1].role == new[0].role:
            merged = old.pop().shell()
            merged.join(new.pop(0))
            old.append(merged)
        return replace(self, messages=(*old, *new))

    def fork(self, messages: Input) -> Self:
        """Returns the pipeline with `messages` at the end, as `add` does."""
        return self.add(messages)

    def clone(
        self,
        *,
        only_messages: bool = False,
        chat: Chat | None = None,
        callbacks: bool | Collection[ThenChatCallback | MapChatCallback] = True,
    ) -> Self:
        """Returns a pipeline like this one.

        `only_messages` leaves callbacks and checks behind. `chat` has the messages instead. `callbacks` says whether
        those of `then` and `map` are kept, or which of them.
        """
        other = self.only_messages() if only_messages else replace(self)
        if callbacks is not True:
            kept = callbacks or ()
            other = replace(
                other,
                then_callbacks=tuple(one for one in other.then_callbacks if one[0] in kept),
                map_callbacks=tuple(one for one in other.map_callbacks if one[0] in kept),
            )
        return other if chat is None else other.with_messages(chat.all)

    def only_messages(self) -> Self:
        """Returns the pipeline without callbacks, checks and metadata.

        Generator, parameters, tools and transforms stay.
        """
        return replace(
            self,
            output=None,
            until_parsed_as_types=(),
            instruction="",
            hooks=(),
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

    def name(self, name: str) -> Self:
        """Returns the pipeline under this name, which traces show."""
        return replace(self, task_name=name)

    # How it is answered.

    def with_(self, params: GenerateParams | None = None, **values: Any) -> Self:
        """Returns the pipeline with these parameters over its own."""
        given = GenerateParams(**values) if values else None
        return replace(self, params=(self.params or GenerateParams()).merge_with(params, given))

    def using(
        self,
        *tools: object,
        mode: ToolMode | None = None,
        choice: ToolChoice | None = None,
        max_depth: int | None = None,
        add_stop_token: bool | None = None,
        max_concurrent: int | None = None,
        catch: Catch | None = None,
    ) -> Self:
        """Returns the pipeline with tools: `Tool`s, callables, prompts, objects with `tool_method`s, or lists of these.

        A tool replaces one of the same name, with a warning where it is another function. `mode` is how the model is
        told of tools and calls them: `api` through the provider, the others in the text of the conversation; `auto` is
        `api` where the generator says that it can, else `json-in-xml`. `add_stop_token` ends an answer in the mode
        `xml` at the end of its call. `choice` is sent with the first turn. `max_depth` is the most batches of calls
        (default 20), `max_concurrent` how many tools of a run are executed at once (default 16). `catch` sets which
        exceptions of these tools become results.
        """
        if mode is not None and mode not in get_args(ToolMode):
            raise ValueError(f"A tool mode is {', '.join(map(repr, get_args(ToolMode)))}; not {mode!r}.")
        if max_concurrent is not None and max_concurrent < 1:
            raise ValueError(f"At least one tool must be under way at a time; max_concurrent is {max_concurrent}.")
        new = [one.with_(catch=catch) if catch is not None else one for one in as_tools(*tools)]
        by_name = {one.name: one for one in self.tools}
        for one in new:
            _warn_of_another(by_name.get(one.name), one)
            by_name[one.name] = one
        chosen = self.with_(tool_choice=choice) if choice is not None else self
        return replace(
            chosen,
            tools=tuple(by_name.values()),
            tool_mode=mode or self.tool_mode,
            add_tool_stop_token=self.add_tool_stop_token if add_stop_token is None else add_stop_token,
            max_depth=self.max_depth if max_depth is None else max_depth,
            max_concurrent_tools=max_concurrent or self.max_concurrent_tools,
        )

    def transform(self, *transforms: Transform, allow_duplicates: bool = False) -> Self:
        """Returns the pipeline with async functions that rewrite what each call of the model is sent.

        Each gets the messages and the parameters, and gives those to send with a function, or None. The function gets a
        chat of these messages and the answer, and gives the chat whose last message the run takes. The run's own
        history, and so the finished chat, stays as it was said.
        """
        refuse_twice(transforms, self.transforms, "transforms", allow_duplicates=allow_duplicates)
        return replace(self, transforms=(*self.transforms, *transforms))

    def cache(self, mode: CacheMode | Literal[False] | None = "latest") -> Self:
        """Returns the pipeline with marks on what the provider is to remember; None or False for none of its own."""
        if mode:
            check_cache_mode(mode)
        return replace(self, caching=mode or None)

    def wrap(self, func: Wrapper | None) -> Self:
        """Returns the pipeline with a generator whose calls go through `func`; see `Generator.wrap`."""
        return self.answered_by(self.generator.wrap(func))

    def with_context(self, value: object) -> Self:
        """Returns the pipeline with a value for tools that take a `ToolContext`; the model never sees it."""
        return replace(self, context=value)

    def with_hooks(self, *hooks: Hooks) -> Self:
        """Returns the pipeline with more hooks, which are asked in this order at each moment of a run."""
        for hook in hooks:
            check_hook(hook)
        return replace(self, hooks=(*self.hooks, *hooks))

    def within(
        self,
        *,
        tokens: int | None = None,
        cost: float | None = None,
        tool_calls: int | None = None,
        seconds: float | None = None,
    ) -> Self:
        """Returns the pipeline with limits on what a run may use: tokens, US dollars, tool calls, seconds.

        Tokens and dollars are looked at before each call, so the last one may pass them. A run that has spent its
        budget fails with `BudgetExceededError`.
        """
        given: dict[str, Any] = {"tokens": tokens, "cost": cost, "tool_calls": tool_calls, "seconds": seconds}
        for name, value in given.items():
            kinds = (int,) if name in ("tokens", "tool_calls") else (int, float)
            if value is not None and (type(value) not in kinds or not 0 <= value < inf):
                raise ValueError(f"{name} is a {'whole ' if kinds == (int,) else ''}number from 0 on; not {value!r}.")
        return replace(self, budget=replace(self.budget, **{k: v for k, v in given.items() if v is not None}))

    def until_parsed_as(
        self,
        *types: Any,
        attempt_recovery: bool | None = None,
        drop_dialog: bool | None = None,
        max_rounds: int | None = None,
        max_depth: int | None = None,
        catch: bool = True,
        output_mode: OutputMode | Literal["auto"] = "auto",
        on_truncated: OnTruncated | None = None,
    ) -> Self:
        """Returns the pipeline with answers asked for until all `types` can be read from one; calls add up.

        `max_rounds` (also `max_depth`, default 5) is how many more calls may follow the first; without `catch` none
        does. `attempt_recovery` (default True) tells the model what was wrong, else it is asked afresh. `drop_dialog`
        (default False, but True where nothing is recovered) leaves refused answers out of the chat.

        `output_mode` is how the answer is asked for: `xml` (which `auto` is) as tags in free text, which the prompt
        must ask for; `native` as JSON that the generator enforces; `tool` as a call of `final_result`; `prompted` as
        JSON, in words. These three ask by themselves, for one type or for one JSON schema given as a dict.
        `on_truncated` says what becomes of an answer that the token limit cut: `MoreTokens`, `Continue`,
        `"keep_items"` or `"fail"`.
        """
        rounds = max_rounds if max_rounds is not None else max_depth
        rounds = rounds if catch else 0
        asked = asking_for(types, "xml" if output_mode == "auto" else output_mode)
        in_tags = types if asked.mode == "xml" else ()
        ready = replace(
            self.asking(asked, max_rounds=rounds, on_truncated=on_truncated),
            until_parsed_as_types=(*self.until_parsed_as_types, *in_tags),
        )
        spec = ready.output or OutputSpec(())
        if attempt_recovery is not None:
            spec = replace(spec, on_invalid="feedback" if attempt_recovery else "regenerate")
        if drop_dialog is not None or attempt_recovery is False:
            # An answer that the model never saw again is no part of the conversation.
            spec = replace(spec, keep_dialog=drop_dialog is False)
        return replace(ready, output=spec)

    def asking(self, asked: Asked, *, max_rounds: int | None = None, on_truncated: OnTruncated | None = None) -> Self:
        """Returns the pipeline with these values asked for too; `until_parsed_as` and prompts come here."""
        spec = asked.added_to(self.output)
        return replace(
            self,
            output=spec if on_truncated is None else replace(spec, on_truncated=on_truncated),
            instruction=asked.instruction or self.instruction,
            max_rounds=self.max_rounds if max_rounds is None else max_rounds,
        )

    def until(self, *checks: Callable[[str], bool | str | None], max_rounds: int | None = None) -> Self:
        """Returns the pipeline with answers asked for until every check of the text says True or None.

        A check that says False refuses the answer, and one that gives a text says why, which the model is told."""
        spec = checking(self.output, *checks)
        return replace(self, output=spec, max_rounds=self.max_rounds if max_rounds is None else max_rounds)

    def then(
        self, *callbacks: ThenChatCallback, max_depth: int = DEFAULT_MAX_DEPTH, allow_duplicates: bool = False
    ) -> Self:
        """Returns the pipeline with callbacks that get each finished chat; `max_depth` bounds pipelines inside it."""
        present = [one for one, _ in self.then_callbacks]
        refuse_twice(callbacks, present, "is called for", allow_duplicates=allow_duplicates)
        return replace(self, then_callbacks=(*self.then_callbacks, *((one, max_depth) for one in callbacks)))

    def map(
        self, *callbacks: MapChatCallback, max_depth: int = DEFAULT_MAX_DEPTH, allow_duplicates: bool = False
    ) -> Self:
        """Returns the pipeline with callbacks that get all finished chats at once, after every `then`."""
        present = [one for one, _ in self.map_callbacks]
        refuse_twice(callbacks, present, "is called for", allow_duplicates=allow_duplicates)
        return replace(self, map_callbacks=(*self.map_callbacks, *((one, max_depth) for one in callbacks)))

    def watch(self, *callbacks: WatchCallback, allow_duplicates: bool = False) -> Self:
        """Returns the pipeline with async callbacks that see finished chats; what they raise becomes a warning."""
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


def _warn_of_another(present: Tool[..., Any] | None, new: Tool[..., Any]) -> None:
    if present is not None and present.fn != new.fn:
        problem = f"The tool {new.name!r} replaces another of this name; give one of them a name of its own"
        warnings.warn(f"{problem}: tool.with_(name=…).", PipelineWarning, stacklevel=3)


def refuse_twice(new: Sequence[object], present: Sequence[object], does: str, *, allow_duplicates: bool) -> None:
    """Raises `ValueError` for what a pipeline would have more than once, unless that is allowed; `does` is its verb."""
    twice = [one for place, one in enumerate(new) if one in present or one in new[:place]]
    if twice and not allow_duplicates:
        raise ValueError(f"{twice[0]!r} {does} this pipeline already; pass allow_duplicates=True to have it twice.")
