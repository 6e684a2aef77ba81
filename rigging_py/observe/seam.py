"""`Seam`: the hooks of a pipeline as the driver calls them, sorted by moment so that those not wanted cost nothing."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeAlias, cast

from rigging_py.message import Message
from rigging_py.observe.details import (
    ApprovalDetail,
    DeltaDetail,
    InvalidCallDetail,
    ModelCallDetail,
    ModelTurnDetail,
    PromptDetail,
    RunDetail,
    StateDetail,
    ToolDetail,
    ToolResultDetail,
)
from rigging_py.observe.hooks import (
    EditTurn,
    Hooks,
    ModelCallPatch,
    Outcome,
    RefuseTurn,
    ReplaceResult,
    RewriteArguments,
    SkipTool,
    StopRun,
)
from rigging_py.run import (
    Answer,
    Approve,
    Decision,
    Deny,
    Edit,
    Fail,
    Repair,
    Resolution,
    Retry,
    Skip,
    Stop,
)

Moment: TypeAlias = Callable[[Any], Awaitable[Any]]
Moments: TypeAlias = tuple[Moment, ...]


class Seam:
    """Several hooks as one. Each property holds those that want a moment; most often none."""

    def __init__(self, hooks: Sequence[Hooks] = ()) -> None:
        self.hooks = tuple(hooks)

    def _wanting(self, name: str) -> Moments:
        return tuple(
            getattr(hook, name)
            for hook in self.hooks
            if getattr(type(hook), name, None) is not getattr(Hooks, name) and hasattr(hook, name)
        )

    @cached_property
    def _around(self) -> tuple[Callable[[object], AbstractContextManager[Outcome]], ...]:
        return cast("tuple[Callable[[object], AbstractContextManager[Outcome]], ...]", self._wanting("around"))

    @property
    def is_around(self) -> bool:
        """Whether somebody wants to be around what happens."""
        return bool(self._around)

    @cached_property
    def before_model_call(self) -> Moments:
        """Those that want to see a call of a model before it is made."""
        return self._wanting("before_model_call")

    @cached_property
    def after_model_turn(self) -> Moments:
        """Those that want to see what a model answered."""
        return self._wanting("after_model_turn")

    @cached_property
    def on_invalid_call(self) -> Moments:
        """Those that want to resolve a call that cannot be executed."""
        return self._wanting("on_invalid_call")

    @cached_property
    def on_approval(self) -> Moments:
        """Those that want to decide."""
        return self._wanting("on_approval")

    @cached_property
    def before_tool(self) -> Moments:
        """Those that want to see a call of a tool before it is executed."""
        return self._wanting("before_tool")

    @cached_property
    def after_tool(self) -> Moments:
        """Those that want to see what a tool gave."""
        return self._wanting("after_tool")

    @cached_property
    def on_delta(self) -> Moments:
        """Those that want to see pieces of turns."""
        return self._wanting("on_delta")

    @cached_property
    def on_state(self) -> Moments:
        """Those that want to see every input that is accepted."""
        return self._wanting("on_state")

    @contextmanager
    def around(self, detail: RunDetail | PromptDetail | ModelCallDetail | ToolDetail) -> Generator[Outcome]:
        """Inside of it happens what `detail` tells of. Where `is_around` says no, it need not be entered."""
        with ExitStack() as stack:
            told: list[Outcome] = [stack.enter_context(enter(detail)) for enter in self._around]

            def tell(outcome: object) -> None:
                for one in told:
                    one(outcome)

            yield tell

    async def patched(self, detail: ModelCallDetail) -> tuple[ModelCallDetail, tuple[EditTurn, ...]]:
        """The call as it is to be made, and what is to be done to its turn, in order."""
        edits: tuple[EditTurn, ...] = ()
        for hook in self.before_model_call:
            patch: ModelCallPatch | None = await _answer(hook, detail, ModelCallPatch)
            if patch is not None:
                messages = detail.messages if patch.messages is None else Message.fit_as_list(patch.messages)
                detail = replace(detail, messages=messages, params=patch.params or detail.params)
                # What was done to the messages last is undone first.
                edits = (patch.edit, *edits) if patch.edit is not None else edits
        return detail, edits

    async def judged(self, detail: ModelTurnDetail) -> RefuseTurn | StopRun | None:
        """What is to become of a turn; None accepts it."""
        answer: RefuseTurn | StopRun | None = await _first(self.after_model_turn, detail, RefuseTurn, StopRun)
        return answer

    async def resolved(self, detail: InvalidCallDetail) -> Resolution | None:
        """What is to become of an invalid call, if a hook says so."""
        answer: Resolution | None = await _first(self.on_invalid_call, detail, *_RESOLUTIONS)
        return answer

    async def decided(self, detail: ApprovalDetail) -> Decision | None:
        """What is to become of a call that waits, if a hook says so."""
        answer: Decision | None = await _first(self.on_approval, detail, Approve, Deny, Edit)
        return answer

    async def prepared(self, detail: ToolDetail) -> RewriteArguments | SkipTool | StopRun | None:
        """What is to become of a call before it is executed; a later hook sees arguments that an earlier one gave."""
        rewritten: RewriteArguments | None = None
        for hook in self.before_tool:
            answer: RewriteArguments | SkipTool | StopRun | None
            answer = await _answer(hook, detail, RewriteArguments, SkipTool, StopRun)
            if isinstance(answer, RewriteArguments):
                rewritten = answer
                detail = replace(detail, call=replace(detail.call, arguments=answer.arguments))
            elif answer is not None:
                return answer
        return rewritten

    async def kept(self, detail: ToolResultDetail) -> ReplaceResult | StopRun | None:
        """What is to become of a result; a later hook sees the result that an earlier one gave."""
        replaced: ReplaceResult | None = None
        for hook in self.after_tool:
            answer: ReplaceResult | StopRun | None = await _answer(hook, detail, ReplaceResult, StopRun)
            if isinstance(answer, StopRun):
                return answer
            if answer is not None:
                replaced = answer
                detail = replace(detail, result=answer.result)
        return replaced

    async def heard(self, detail: DeltaDetail) -> None:
        """Shows a piece of a turn."""
        for hook in self.on_delta:
            await _asked(hook, detail)

    async def noted(self, detail: StateDetail) -> None:
        """Shows an input that was accepted."""
        for hook in self.on_state:
            await _asked(hook, detail)


_RESOLUTIONS = (Answer, Retry, Repair, Skip, Fail, Stop)


async def _first(hooks: Moments, detail: object, *kinds: type[object]) -> Any:
    for hook in hooks:
        answer = await _answer(hook, detail, *kinds)
        if answer is not None:
            return answer
    return None


async def _answer(hook: Moment, detail: object, *kinds: type[object]) -> Any:
    """What a hook answers. Another kind of answer is an error: what was meant as a "no" must not pass for a "yes"."""
    answer = await _asked(hook, detail)
    if answer is None or isinstance(answer, kinds):
        return answer
    known = ", ".join(kind.__name__ for kind in kinds)
    raise TypeError(f"The hook {_name_of(hook)} answered {answer!r}; it answers None, or one of: {known}.")


async def _asked(hook: Moment, detail: object) -> object:
    answer: object = hook(detail)
    if not inspect.isawaitable(answer):
        raise TypeError(f"The hook {_name_of(hook)} gave {answer!r} at once; write it as `async def`.")
    return cast("object", await answer)


def _name_of(hook: Moment) -> str:
    return getattr(hook, "__qualname__", repr(hook))
