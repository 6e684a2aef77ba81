"""A conversation at the terminal, with the terminal's two ends in our hands."""

from __future__ import annotations

from typing import Any

import pytest

import rigging_py as rg


class Terminal:
    """Reads the lines it was given, and keeps what was written."""

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
        """What was written after the welcome."""
        return [text.strip() for text in self.written[1:]]


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


async def test_again_asks_the_last_question_once_more() -> None:
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
    assert terminal.said == ["[assistant]: hi", "[error]: slow down", "[assistant]: well"]
    assert said(model)[-1] == ["hello", "hi", "what?"]
    assert chat is not None
    assert chat.last.content == "well"


async def test_a_failed_chat_is_shown_as_an_error_too() -> None:
    terminal, model = Terminal("hello", "again"), rg.scripted("no", "<int>1</int>")
    await terminal.talk(model.chat().until_parsed_as(int, max_rounds=0).catch(on_failed="include"))
    assert terminal.said[0].startswith("[error]: No acceptable answer")
    assert terminal.said[1] == "[assistant]: <int>1</int>"


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
