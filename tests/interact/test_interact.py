"""A conversation at the terminal, with the terminal's two ends in our hands."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

import rigging_py as rg


class Terminal:
    """Reads the lines it was given, and keeps what was written. A line may be an exception, or make Ctrl-C happen."""

    def __init__(self, *lines: str | BaseException) -> None:
        self.lines = list(lines)
        self.written: list[str] = []

    def read(self, prompt: str) -> str:
        line = self.lines.pop(0) if self.lines else EOFError()
        if isinstance(line, BaseException):
            raise line
        return line

    async def talk(self, entrypoint: Any, **options: Any) -> rg.Chat | None:
        return await rg.interact(entrypoint, read=self.read, write=self.written.append, **options)

    @property
    def said(self) -> list[str]:
        """The lines that were written after the welcome, without the blank ones."""
        return [line for line in "".join(self.written[1:]).split("\n") if line]


def said(model: rg.ScriptedGenerator) -> list[list[str]]:
    return [[m.content for m in heard.messages] for heard in model.heard]


async def test_a_conversation_goes_on_until_exit() -> None:
    terminal, model = Terminal("hello", "", "and?", "EXIT", "never"), rg.scripted("hi", "bye")
    chat = await terminal.talk(model)
    assert said(model) == [["hello"], ["hello", "hi", "and?"]]
    assert terminal.said == ["[assistant]: hi", "[assistant]: bye"]
    assert chat is not None
    assert chat.last.content == "bye"
    assert terminal.lines == ["never"]


@pytest.mark.parametrize("end", ["exit", "quit", "q", EOFError(), KeyboardInterrupt()])
async def test_it_ends_without_a_chat_when_nothing_was_said(end: str | BaseException) -> None:
    assert await Terminal(end).talk(rg.scripted()) is None


async def test_a_pipeline_keeps_its_system_prompt_and_checks() -> None:
    model = rg.scripted("no", "<int>1</int>", "<int>2</int>")
    pipeline = model.chat({"role": "system", "content": "Be brief."}).until_parsed_as(int, drop_dialog=True)
    await Terminal("one", "two").talk(pipeline)
    assert said(model)[-1] == ["Be brief.", "one", "<int>1</int>", "two"]


async def test_again_asks_the_last_question_once_more() -> None:  # surface 3.2 no. 39
    terminal, model = Terminal("again", "hello", "and?", "again"), rg.scripted("hi", "bye", "ciao")
    chat = await terminal.talk(model.chat({"role": "system", "content": "Be brief."}))
    assert said(model)[1] == said(model)[2] == ["Be brief.", "hello", "hi", "and?"]
    assert chat is not None
    assert [m.content for m in chat.all][-2:] == ["and?", "ciao"]


async def test_again_after_an_error_asks_what_failed() -> None:
    terminal, model = Terminal("hello", "and?", "again"), rg.scripted("hi", OSError("down"), "bye")
    await terminal.talk(model)
    assert said(model)[1] == said(model)[2] == ["hello", "hi", "and?"]


@pytest.mark.parametrize("error", [rg.error.RateLimitedError("slow down"), OSError("slow down")])
async def test_an_error_is_shown_and_the_conversation_kept(error: Exception) -> None:
    terminal, model = Terminal("hello", "and?", "what?"), rg.scripted("hi", error, "well")
    chat = await terminal.talk(model)
    assert terminal.said == ["[assistant]: hi", "[assistant]: ", "[error]: slow down", "[assistant]: well"]
    assert said(model)[-1] == ["hello", "hi", "what?"]
    assert chat is not None
    assert chat.last.content == "well"


async def test_a_failed_chat_is_shown_as_an_error_too() -> None:
    terminal, model = Terminal("hello", "again"), rg.scripted("no", "<int>1</int>")
    await terminal.talk(model.chat().until_parsed_as(int, max_rounds=0).catch(on_failed="include"))
    assert terminal.said[1].startswith("[error]: No acceptable answer")
    assert terminal.said[-1] == "[assistant]: <int>1</int>"


async def test_reset_begins_again() -> None:
    terminal, model = Terminal("hello", "reset", "again", "anew"), rg.scripted("hi", "bye")
    await terminal.talk(model.chat({"role": "system", "content": "Be brief."}))
    assert said(model)[-1] == ["Be brief.", "anew"]
    assert len(model.heard) == 2


async def test_reset_may_begin_elsewhere() -> None:
    async def elsewhere(start: rg.ChatPipeline) -> rg.ChatPipeline:
        return start.add({"role": "system", "content": "Be long."})

    terminal, model = Terminal("restart", "hello"), rg.scripted("hi")
    await terminal.talk(model.to_identifier(), reset_callback=elsewhere)
    assert said(model) == [["Be long.", "hello"]]


async def test_the_system_prompt_stays_when_the_first_question_is_asked_again() -> None:  # surface 3.2 no. 39
    model = rg.scripted("r1", "r2")
    await Terminal("hello", "retry").talk(model.chat({"role": "system", "content": "Be brief."}))
    assert said(model) == [["Be brief.", "hello"]] * 2


async def test_an_answer_is_shown_as_it_comes() -> None:
    terminal = Terminal("hello")
    await terminal.talk(rg.scripted("one two three"))
    assert terminal.written[1:5] == ["\n[assistant]: ", "one", " two", " three"]


@rg.tool
def add(x: int, y: int) -> int:
    """Adds."""
    return x + y


async def test_calls_of_tools_are_shown_as_lines() -> None:
    call = rg.ToolCall.model_validate({"id": "1", "function": {"name": "add", "arguments": '{"x": 1, "y": 2}'}})
    terminal, model = Terminal("hello", "and?"), rg.scripted(call, "It is 3.", "Nothing.")
    chat = await terminal.talk(model.chat().using(add))
    assert terminal.said == ["[assistant]: ", ' |- add({"x": 1, "y": 2})', "It is 3.", "[assistant]: Nothing."]
    assert chat is not None
    assert [message.role for message in chat.all] == ["user", "assistant", "tool", "assistant", "user", "assistant"]


async def test_an_answer_that_is_not_accepted_is_told_from_the_one_that_is() -> None:
    terminal, model = Terminal("hello"), rg.scripted("no", "<int>1</int>")
    await terminal.talk(model.chat().until_parsed_as(int))
    assert terminal.said == ["[assistant]: no", " |- not accepted, and asked again", "<int>1</int>"]


async def test_what_a_model_says_does_nothing_to_the_terminal() -> None:
    terminal = Terminal("hello")
    await terminal.talk(rg.scripted("\x1b[2Jgone \u202etxt\x9b é👨\u200d👩\ttab\u00a0"))
    assert terminal.said == ["[assistant]: \\x1b[2Jgone \\u202etxt\\x9b é👨\u200d👩\ttab\u00a0"]


def interrupting(*before: str) -> tuple[rg.FunctionGenerator, list[int]]:
    """A model that gives these answers and then none, while somebody presses Ctrl-C; and how often that stopped it."""
    answers, stopped = iter(before), list[int]()

    async def answer(messages: Sequence[rg.Message], params: rg.GenerateParams) -> str:
        if (said := next(answers, None)) is not None:
            return said
        signal.raise_signal(signal.SIGINT)
        try:
            # Where there are other threads Python may look at signals no sooner than after it has waited.
            while True:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        finally:
            stopped.append(1)
        return "never"

    return rg.FunctionGenerator(answer), stopped


async def test_ctrl_c_stops_the_answer_and_not_the_conversation() -> None:
    before = signal.getsignal(signal.SIGINT)
    model, stopped = interrupting("hi")
    terminal = Terminal("hello", "and?", "again")
    chat = await terminal.talk(model)
    assert terminal.said == ["[assistant]: hi", "[assistant]: ", "[stopped]", "[assistant]: ", "[stopped]"]
    assert stopped == [1, 1]
    assert chat is not None
    assert [message.content for message in chat.all] == ["hello", "hi"]
    assert signal.getsignal(signal.SIGINT) is before


async def test_ctrl_c_while_it_waits_for_a_line_ends_it_at_once() -> None:
    lines = iter(["hello"])

    def read(prompt: str) -> str:
        line = next(lines, None)
        if line is None:
            signal.raise_signal(signal.SIGINT)
        return line or "never"

    chat = await rg.interact(rg.scripted("hi"), read=read, write=lambda text: None)
    assert chat is not None
    assert chat.last.content == "hi"


async def test_who_cancels_it_cancels_the_answer_too() -> None:
    asked, stopped = asyncio.Event(), list[int]()

    async def answer(messages: Sequence[rg.Message], params: rg.GenerateParams) -> str:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(1)
        return "never"

    talking = asyncio.create_task(Terminal("hello").talk(rg.FunctionGenerator(answer)))
    await asked.wait()
    talking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await talking
    assert stopped == [1]


def test_it_works_in_a_thread_that_gets_no_signals() -> None:
    chat = rg.await_(Terminal("hello").talk(rg.scripted("hi")))
    assert chat is not None
    assert chat.last.content == "hi"


NOTEBOOK = """
import asyncio, builtins, threading
import rigging_py as rg
import rigging_py.interact

lines = iter(["hello", "exit"])

def ask(prompt):
    assert threading.current_thread() is threading.main_thread()
    return next(lines)

builtins.input = ask
asyncio.run(rg.interact(rg.scripted("hi")))
"""


def test_a_notebook_is_asked_in_its_main_thread_through_the_input_it_has_put_in_place() -> None:
    done = subprocess.run([sys.executable, "-c", NOTEBOOK], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\n[assistant]: hi\n")
