"""`Tool`: a callable that a model may use, with its schema, the check of its arguments, and its execution."""

from __future__ import annotations

import asyncio
import inspect
import re
import sys
from collections.abc import Awaitable, Callable
from copy import deepcopy
from dataclasses import dataclass, fields, replace
from functools import cached_property
from importlib import import_module
from typing import (
    Any,
    Generic,
    ParamSpec,
    Self,
    TypeAlias,
    TypeVar,
    Unpack,
    cast,
    overload,
)

from pydantic import ValidationError

from rigging_py.error import Stop, ToolDefinitionError, UnboundPromptError
from rigging_py.message import FunctionDefinition, Message, ToolCall, ToolDefinition, new_uuid
from rigging_py.parsing.codec import first_complaints
from rigging_py.run import PendingToolCall, Program, ProgramTool, ToolResult
from rigging_py.run.calls import problem_of, read_calls
from rigging_py.run.program import Effect, OnUnfinished
from rigging_py.tools.approval import approval
from rigging_py.tools.boxing import box, box_error
from rigging_py.tools.context import ToolContext
from rigging_py.tools.options import NeedsApproval, ToolOptions, check_options, settings_of
from rigging_py.tools.signature import Arguments, name_of, read_arguments, unwrapped
from rigging_py.tools.threads import in_thread
from rigging_py.util.waiting import is_being_cancelled

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
Outcome: TypeAlias = ToolResult | BaseException | None
"""What became of one attempt: its result, what it raised, or None when it took longer than it may."""


@dataclass(frozen=True)
class Tool(Generic[P, R]):
    """A callable described to a model. Calling the tool calls the callable, with none of what is chosen here.

    Args:
        name: what the model calls it by.
        description: what the model is told about it.
        fn: the callable.
        arguments: what it takes, read from its signature.
        catch: which exceptions become results that the model sees: all (True), none (False), or these classes. The
            others end the run as they are.
        truncate: the most characters of a result's text.
        timeout: the most seconds that one attempt may take. One that takes longer becomes an error result, whatever
            `catch` says. An async callable is cancelled; a callable in a thread cannot be, so its thread may still be
            running, and the result says that.
        retries: how many more times a call is tried, at once, after a `TimeoutError`, a `ConnectionError`, an exception
            whose `retryable` is True, or the time limit. Only where `effect` is "read" or "idempotent".
        group: the tools of one group share its slots in a run.
        max_concurrent: the most calls of the group, or of this tool alone, at once in a run. A group for which no tool
            says it has one slot.
        effect: what executing does to the world: "read" nothing, "idempotent" the same however often with one key,
            "once" something each time.
        needs_approval: whether somebody must decide before a call is executed. A function is given those of the
            arguments, converted, that it names; it answers True or False.
        on_unfinished: what becomes of a call that was started by a process that is gone: "ask" somebody, "retry", or
            "fail" the run. By default "ask" where the effect is "once", else "retry".
    """

    name: str
    description: str
    fn: Callable[P, R]
    arguments: Arguments
    catch: bool | tuple[type[BaseException], ...] = True
    truncate: int | None = None
    timeout: float | None = None
    retries: int = 0
    group: str | None = None
    max_concurrent: int | None = None
    effect: Effect = "once"
    needs_approval: NeedsApproval = False
    on_unfinished: OnUnfinished | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ToolDefinitionError(
                f"{self.name!r} cannot be a tool's name: providers take 1 to 64 letters, digits, - and _. Give name=…."
            )
        check_options(vars(self))
        approval(self.name, self.needs_approval, self.arguments)

    @classmethod
    def from_callable(cls, fn: Callable[Q, T], **options: Unpack[ToolOptions]) -> Tool[Q, T]:
        """The tool of a function, method, callable object or prompt; the name and the docstring describe it.

        Raises `ToolDefinitionError` for a signature that has no JSON schema, and for options that cannot be.
        """
        if not callable(fn):
            raise ToolDefinitionError(f"A tool is something to call; {fn!r} is not.")
        given = options.get("description")
        said = inspect.getdoc(unwrapped(fn)) if given is None else given
        return Tool(
            options.get("name") or name_of(fn),
            " ".join((said or "").split()),
            fn,
            read_arguments(fn),
            **settings_of(options),
        )

    @property
    def parameters_schema(self) -> dict[str, Any]:
        """The JSON schema of the arguments."""
        return self.arguments.schema

    @cached_property
    def definition(self) -> ToolDefinition:
        """The tool as it is described to a model."""
        function = FunctionDefinition(
            name=self.name, description=self.description or None, parameters=self.parameters_schema
        )
        return ToolDefinition(function=function)

    @property
    def api_definition(self) -> ToolDefinition:
        """The same as `definition`."""
        return self.definition

    @cached_property
    def program(self) -> ProgramTool:
        """The tool as the machine knows it."""
        return ProgramTool(
            self.parameters_schema,
            self.check,
            effect=self.effect,
            needs_approval=approval(self.name, self.needs_approval, self.arguments),
            on_unfinished=self.on_unfinished,
        )

    def check(self, values: dict[str, object]) -> str | None:
        """None for arguments that the callable takes, else what is wrong with them."""
        try:
            self.arguments.validate(values)
        except ValidationError as error:
            return first_complaints(error)
        return None

    def check_context(self, value: object) -> None:
        """Raises `TypeError` for a context value that is not of the class that the callable's `ToolContext` names."""
        parameter = self.arguments.context
        if parameter is not None and (complaint := parameter.complaint(value)):
            raise TypeError(f"The tool {self.name!r} {complaint}; give one with `with_context(…)`.")

    async def execute(self, call: PendingToolCall, context: object = None, *, attempt: int = 1) -> ToolResult:
        """Calls the callable, off the event loop when it is not async, and boxes what it gives or raises.

        `context` is the value for a callable that takes a `ToolContext`; one of another class than it names is the
        program's mistake, and a `TypeError` that no `catch` catches. `attempt` counts from 1 over all times that this
        call was tried. A cancellation from outside is never caught.
        """
        self.check_context(context)
        tried = self._attempt if self.timeout is None else self._attempt_in_time
        last = attempt + self.retries
        while True:
            outcome = await tried(call, context, attempt)
            if attempt == last or not _may_pass(outcome):
                return self._settled(outcome)
            attempt += 1

    async def _attempt(self, call: PendingToolCall, context: object, attempt: int) -> Outcome:
        args, kwargs = self._bound(call, context, attempt)
        try:
            return box(await self._call(args, kwargs), truncate=self.truncate)
        except Stop as stop:
            return box(stop)
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
                raise
            return error

    async def _attempt_in_time(self, call: PendingToolCall, context: object, attempt: int) -> Outcome:
        limit = asyncio.timeout(self.timeout)
        try:
            async with limit:
                outcome = await self._attempt(call, context, attempt)
        except TimeoutError:
            return None
        if not limit.expired():
            return outcome
        if is_being_cancelled():
            # By others too, and the callable kept that to itself.
            raise asyncio.CancelledError
        return None

    def _settled(self, outcome: Outcome) -> ToolResult:
        """The result of a call that is not tried again; raises what is not to become one."""
        if isinstance(outcome, ToolResult):
            return outcome
        if outcome is None:
            return box_error(TimeoutError(f"The tool took longer than {self.timeout:g} s{self._afterwards}."))
        if not self._catches(outcome):
            raise outcome
        return box_error(outcome, truncate=self.truncate)

    @property
    def _afterwards(self) -> str:
        return " and was cancelled" if self._is_async else "; it cannot be stopped, and may still be running"

    def _bound(self, call: PendingToolCall, context: object, attempt: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
        # What a type leaves open is handed on as it is, and an attempt that failed may have changed it.
        values = self.arguments.validate(deepcopy(call.arguments) if self.retries else call.arguments)
        if self.arguments.context is None:
            return self.arguments.bind(values)
        run_id = call.key.rsplit("/", 2)[0]
        return self.arguments.bind(values, ToolContext(context, call.key, run_id, attempt))

    @cached_property
    def _is_async(self) -> bool:
        plain = unwrapped(self.fn)
        return any(map(inspect.iscoroutinefunction, (plain, getattr(plain, "__call__", None))))  # noqa: B004

    async def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        call = cast("Callable[..., Any]", self.fn)
        if self._is_async:
            return await call(*args, **kwargs)
        value = await in_thread(call, *args, **kwargs)
        return await cast("Awaitable[object]", value) if inspect.isawaitable(value) else value

    def _catches(self, error: BaseException) -> bool:
        if isinstance(error, UnboundPromptError):
            return False  # no model can do anything about it
        return self.catch if isinstance(self.catch, bool) else isinstance(error, self.catch)

    async def handle_tool_call(self, call: ToolCall, context: object = None) -> tuple[Message, bool]:
        """Executes one call by hand: the message that answers it, and whether the tool wants the conversation to end.

        Arguments that are not JSON, or that the tool does not take, make a message that says so. Nobody is asked for
        an approval: whoever calls this has given it. Raises what `catch` leaves.
        """
        [pending] = read_calls(new_uuid().hex, 1, [call])
        wrong = problem_of(pending, Program(tools={call.name: self.program}))
        done = ToolResult(wrong.text, error=True) if wrong else await self.execute(pending, context)
        content = done.content if isinstance(done.content, str) else list(done.content)
        metadata = {**done.metadata, "error": True} if done.error else dict(done.metadata)
        return Message("tool", content, tool_call_id=call.id, metadata=metadata), done.stop

    def clone(self) -> Self:
        """Returns a tool that is equal to this one. Tools do not change, so nobody needs it but code from Rigging."""
        return replace(self)

    def with_(self, **options: Unpack[ToolOptions]) -> Self:
        """Returns the tool with these changes; None leaves the name, the description and `catch` as they are."""
        description = options.get("description")
        return replace(
            self,
            name=options.get("name") or self.name,
            description=self.description if description is None else description,
            **settings_of(options),
        )

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.fn(*args, **kwargs)

    def __repr__(self) -> str:
        return f"Tool({self.name!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # The class that checks the arguments has no name to find it by, so it is made again from the signature.
        settings = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("fn", "arguments")}
        place = _place_of(self.fn)
        return _restored, (self.fn if place is None else None, place, settings)


def _place_of(fn: Callable[..., Any]) -> tuple[str, str] | None:
    """The module and the name under which a tool stands where its function would be looked for."""
    module, name = getattr(fn, "__module__", None), getattr(fn, "__qualname__", "")
    found = getattr(sys.modules.get(module or ""), name, None)
    return (module, name) if module and isinstance(found, Tool) and found.fn is fn else None


def _restored(fn: Any, place: tuple[str, str] | None, settings: dict[str, Any]) -> Tool[..., Any]:
    if place is not None:
        fn = getattr(import_module(place[0]), place[1])
    # A method that is a tool is one when it is found again, too.
    plain = cast("Tool[..., Any]", fn).fn if isinstance(fn, Tool) else fn
    return Tool(fn=plain, arguments=read_arguments(plain), **settings)


def _may_pass(outcome: Outcome) -> bool:
    """Whether the same call may do better the next time."""
    transient = outcome is None or isinstance(outcome, TimeoutError | ConnectionError)
    return transient or getattr(outcome, "retryable", False) is True


@overload
def tool(fn: Callable[P, R], /) -> Tool[P, R]: ...
@overload
def tool(**options: Unpack[ToolOptions]) -> Callable[[Callable[P, R]], Tool[P, R]]: ...
def tool(fn: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Makes a function a `Tool`: `@tool`, or `@tool(name=…, timeout=…)` with any of `ToolOptions`."""

    def make(function: Callable[..., Any]) -> Tool[..., Any]:
        return Tool.from_callable(function, **options)

    return make if fn is None else make(fn)
