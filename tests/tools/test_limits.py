"""How long a tool may take, how often it is tried, and what a thread that never ends holds up."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import subprocess
import sys
import textwrap
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import rigging_py as rg
from rigging_py.error import RateLimitedError, ToolDefinitionError
from rigging_py.tools import ToolContext
from tests.tools.calls import call, executed

LIMIT = 0.01


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """What a tool in a thread waits for; it comes when the test is over."""
    event = threading.Event()
    yield event
    event.set()


async def forever() -> None:
    """Waits for what never comes."""
    await asyncio.Event().wait()


async def test_an_async_tool_that_takes_longer_is_cancelled_and_the_model_is_told() -> None:
    ends: list[str] = []

    @rg.tool(timeout=LIMIT)
    async def look() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    model = rg.scripted(call("look"), "Too slow.")
    chat = await model.chat("hi").using(look).run()
    assert chat.messages[-1].content == (
        '<error type="TimeoutError">The tool took longer than 0.01 s and was cancelled.</error>'
    )
    assert chat.messages[-1].metadata["error"] is True
    assert (chat.last.content, ends) == ("Too slow.", ["cancelled"])


async def test_a_tool_in_a_thread_that_takes_longer_may_still_be_running_and_the_model_is_told(
    held: threading.Event,
) -> None:
    result = await executed(rg.Tool.from_callable(held.wait, name="look", timeout=LIMIT))
    assert result.error
    assert "took longer than 0.01 s; it cannot be stopped, and may still be running" in str(result.content)


@pytest.mark.parametrize("catch", [True, False, [LookupError]])
async def test_a_time_limit_is_a_result_whatever_the_tool_may_raise(catch: Any) -> None:
    assert (await executed(rg.Tool.from_callable(forever, timeout=LIMIT, catch=catch))).error


@pytest.mark.parametrize("answer", ["a value", "an error", "a stop"])
async def test_what_a_tool_makes_of_its_cancellation_does_not_count(answer: str) -> None:
    async def look() -> str:
        try:
            await forever()
        except asyncio.CancelledError:
            if answer == "an error":
                raise ValueError("interrupted") from None
            if answer == "a stop":
                raise rg.Stop("interrupted") from None
        return "late"

    result = await executed(rg.Tool.from_callable(look, timeout=LIMIT))
    assert "took longer" in str(result.content)
    assert (result.error, result.stop) == (True, False)


async def test_a_timeout_of_the_tools_own_is_told_as_what_it_is() -> None:
    async def look() -> None:
        raise TimeoutError("the library closed")

    result = await executed(rg.Tool.from_callable(look, timeout=60))
    assert result.content == '<error type="TimeoutError">the library closed</error>'


async def test_a_tool_that_is_in_time_gives_its_result() -> None:
    def one() -> int:
        return 1

    async def other() -> int:
        return 1

    assert [(await executed(rg.Tool.from_callable(it, timeout=60))).content for it in (one, other)] == ["1", "1"]


@pytest.mark.parametrize("limit", [None, 60])
@pytest.mark.parametrize("retries", [0, 3])
async def test_a_cancellation_from_outside_ends_the_call(limit: float | None, retries: int) -> None:
    begun, ends = asyncio.Event(), list[str]()

    async def look() -> None:
        begun.set()
        try:
            await forever()
        finally:
            ends.append("ended")

    task = asyncio.create_task(
        executed(rg.Tool.from_callable(look, timeout=limit, retries=retries, effect="read", catch=True))
    )
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ends == ["ended"]


@pytest.mark.parametrize("keeps_it", [True, False])
async def test_a_cancellation_from_outside_while_a_late_tool_ends_is_not_lost(keeps_it: bool) -> None:
    late = asyncio.Event()

    async def look() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            late.set()
            try:
                await forever()
            except asyncio.CancelledError:
                if not keeps_it:
                    raise

    task = asyncio.create_task(executed(rg.Tool.from_callable(look, timeout=LIMIT)))
    await late.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class BusyError(Exception):
    retryable = True


class HopelessError(Exception):
    retryable = False


TRANSIENT = [TimeoutError("slow"), ConnectionResetError("gone"), BusyError("busy"), RateLimitedError("later")]


def failing(times: int, error: Exception, *, is_async: bool) -> tuple[Callable[..., Any], list[int]]:
    """A function that raises so many times, and the attempts that it saw."""
    attempts: list[int] = []

    def look(context: ToolContext) -> str:
        attempts.append(context.attempt)
        if len(attempts) <= times:
            raise error
        return "found"

    async def look_too(context: ToolContext) -> str:
        return look(context)

    return (look_too if is_async else look), attempts


@pytest.mark.parametrize("error", TRANSIENT, ids=repr)
@pytest.mark.parametrize("effect", ["read", "idempotent"])
@pytest.mark.parametrize("is_async", [True, False])
async def test_what_may_pass_is_tried_again(error: Exception, effect: Any, is_async: bool) -> None:
    look, attempts = failing(2, error, is_async=is_async)
    result = await executed(rg.Tool.from_callable(look, retries=2, effect=effect))
    assert (result.content, result.error, attempts) == ("found", False, [1, 2, 3])


async def test_attempts_count_on_from_those_before() -> None:
    look, attempts = failing(1, BusyError(), is_async=True)
    await executed(rg.Tool.from_callable(look, retries=1, effect="read"), attempt=4)
    assert attempts == [4, 5]


@pytest.mark.parametrize("error", [ValueError("no"), HopelessError("no")])
async def test_what_will_not_pass_is_not_tried_again(error: Exception) -> None:
    look, attempts = failing(1, error, is_async=True)
    result = await executed(rg.Tool.from_callable(look, retries=5, effect="read"))
    assert (result.error, attempts) == (True, [1])


@pytest.mark.parametrize("catch", [True, False])
async def test_retries_that_are_spent_leave_the_last_error_to_catch(catch: bool) -> None:
    look, attempts = failing(9, BusyError("still busy"), is_async=True)
    tool = rg.Tool.from_callable(look, retries=2, effect="read", catch=catch)
    if catch:
        assert (await executed(tool)).content == '<error type="BusyError">still busy</error>'
    else:
        with pytest.raises(BusyError, match="still busy"):
            await executed(tool)
    assert attempts == [1, 2, 3]


async def test_a_time_limit_holds_for_each_attempt() -> None:
    attempts: list[int] = []

    @rg.tool(timeout=LIMIT, retries=2, effect="idempotent")
    async def look(context: ToolContext) -> str:
        attempts.append(context.attempt)
        if context.attempt < 3:
            await forever()
        return "found"

    assert (await executed(look)).content == "found"
    assert attempts == [1, 2, 3]


async def test_each_attempt_has_the_arguments_as_the_model_gave_them() -> None:
    @rg.tool(retries=1, effect="read")
    async def take(books: Any) -> str:
        if books.pop() == "Emma" and books:
            raise ConnectionError
        return "none left"

    result = await executed(take, {"books": ["Persuasion", "Emma"]})
    assert result.content == '<error type="ConnectionError"></error>'


async def test_a_tool_with_an_effect_each_time_is_tried_once() -> None:
    look, attempts = failing(1, BusyError(), is_async=True)
    assert (await executed(look)).error
    assert attempts == [1]
    with pytest.raises(ToolDefinitionError, match=r"retries=1.*whose effect is 'once'.*effect='read' or"):
        rg.Tool.from_callable(look, retries=1)


async def test_a_thread_keeps_nothing_of_what_it_did() -> None:
    class Book: ...

    gone: list[weakref.ref[Book]] = []

    def lend() -> str:
        book = Book()
        gone.append(weakref.ref(book))
        if len(gone) == 2:
            raise ValueError("torn")
        return "lent"

    gc.disable()  # so that a circle of references would show
    try:
        results = [await executed(lend), await executed(lend)]
        await executed(rg.Tool.from_callable(lambda: 1, name="one"))
    finally:
        gc.enable()
    assert [result.error for result in results] == [False, True]
    assert [reference() for reference in gone] == [None, None]


async def test_tools_in_threads_see_the_context_variables_of_their_call() -> None:
    name = contextvars.ContextVar[str]("name")
    name.set("Ada")
    assert (await executed(rg.Tool.from_callable(lambda: name.get(), name="look"))).content == "Ada"


async def test_tools_that_never_return_do_not_hold_up_others(held: threading.Event) -> None:
    stuck = rg.Tool.from_callable(held.wait, name="stuck", timeout=LIMIT)
    assert all(result.error for result in await asyncio.gather(*[executed(stuck) for _ in range(50)]))
    assert (await executed(rg.Tool.from_callable(lambda: 1, name="one"))).content == "1"


STUCK = """
    import asyncio, threading
    import rigging_py as rg
    from rigging_py.run import PendingToolCall

    @rg.tool(timeout=0.01)
    def stuck() -> None:
        threading.Event().wait()

    result = asyncio.run(stuck.execute(PendingToolCall("r/1/0", "c", "stuck", {}, "{}")))
    print(result.error)
"""


def test_a_tool_that_never_returns_does_not_keep_the_process() -> None:
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(STUCK)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "True\n", "")


FORKED = """
    import asyncio, os, sys
    import rigging_py as rg
    from rigging_py.run import PendingToolCall

    @rg.tool(timeout=30)
    def look() -> str:
        return "seen"

    def result():
        return asyncio.run(look.execute(PendingToolCall("r/1/0", "c", "look", {}, "{}"))).content

    assert result() == "seen"
    if os.fork() == 0:
        os._exit(0 if result() == "seen" else 1)
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")
def test_a_forked_process_has_threads_of_its_own() -> None:
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(FORKED)], timeout=60, check=False)
    assert ended.returncode == 0
