"""`await_` waits for coroutines where nobody can await."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import TypeVar

import pytest

from rigging_py.util import await_

T = TypeVar("T")


async def said(value: T, after: float = 0.0) -> T:
    await asyncio.sleep(after)
    return value


async def failed(error: BaseException, after: float = 0.0) -> None:
    await asyncio.sleep(after)
    raise error


def in_time(work: Callable[[], T]) -> T:
    """What `work` gives; a deadlock is a failure, not the end of the test run."""
    answer: list[T] = []
    thread = threading.Thread(target=lambda: answer.append(work()), daemon=True)
    thread.start()
    thread.join(10)
    assert answer, "await_ did not come back"
    return answer[0]


def test_one_coroutine_gives_its_own_result() -> None:
    assert await_(said(42)) == 42


def test_several_give_a_list_in_their_order() -> None:
    assert await_(said("slow", 0.02), said("quick")) == ["slow", "quick"]


def test_none_give_an_empty_list() -> None:
    assert await_() == []


def test_the_exception_is_the_one_that_was_raised() -> None:
    error = KeyError("a")
    with pytest.raises(KeyError) as raised:
        await_(failed(error))
    assert raised.value is error


def test_the_first_failure_cancels_the_others_and_lets_them_clean_up() -> None:  # surface 3.2 no. 21
    ended: list[str] = []

    async def other() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            ended.append("cleaned up")

    with pytest.raises(ValueError, match="first"):
        await_(other(), failed(ValueError("first"), 0.01))
    assert ended == ["cleaned up"]


def test_calls_share_one_loop_so_connections_stay_open() -> None:
    async def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    assert await_(loop()) is await_(loop())


async def test_it_works_inside_of_a_running_loop_as_notebooks_have_it() -> None:
    assert await_(said(42)) == 42


def test_coroutines_that_it_runs_may_call_it_again_however_deep() -> None:  # surface 3.2 no. 21
    async def deep(levels: int) -> int:
        return levels and 1 + await_(deep(levels - 1))

    assert in_time(lambda: await_(deep(5))) == 5


def test_threads_of_coroutines_that_it_runs_may_call_it_too() -> None:
    async def outer() -> str:
        return await_(middle())

    async def middle() -> str:
        return await asyncio.to_thread(lambda: await_(said("deep")))

    assert in_time(lambda: await_(outer())) == "deep"


def test_many_threads_may_call_it_at_once() -> None:  # surface 3.2 no. 21
    async def nested(value: int) -> int:
        return await_(said(value, 0.001))

    def called(value: int) -> int:
        return await_(nested(value))

    def work() -> list[int]:
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(called, range(40)))

    assert in_time(work) == list(range(40))


def test_context_variables_of_the_caller_are_seen() -> None:
    language: ContextVar[str] = ContextVar("language")
    language.set("en")

    async def read() -> str:
        return language.get()

    assert await_(read()) == "en"
    assert await_(read(), read()) == ["en", "en"]


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_what_asyncio_lets_out_of_the_loop_reaches_the_caller_and_the_loop_lives_on(kind: type[BaseException]) -> None:
    with pytest.raises(kind):
        await_(failed(kind()))
    with pytest.raises(kind):
        await_(failed(kind()), said(1))
    assert in_time(lambda: await_(said(42))) == 42


def test_ctrl_c_cancels_the_coroutines_and_waits_until_they_have_ended() -> None:
    script = """
        import asyncio, os, signal
        from rigging_py.util import await_

        async def work():
            asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGINT)
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0.05)
                print("cleaned up")

        try:
            await_(work())
        except KeyboardInterrupt:
            print("interrupted")
    """
    assert _output(script) == ["cleaned up", "interrupted"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_gets_a_loop_of_its_own() -> None:
    script = """
        import asyncio, os
        from rigging_py.util import await_

        await_(asyncio.sleep(0))
        if os.fork() == 0:
            print(await_(asyncio.sleep(0, "child")), flush=True)
            os._exit(0)
        os.wait()
        print(await_(asyncio.sleep(0, "parent")))
    """
    assert _output(script) == ["child", "parent"]


def _output(script: str) -> list[str]:
    # Python 3.12 warns of any fork beside a thread; ours has none that the child needs.
    command = [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]
