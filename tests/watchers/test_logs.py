"""The log of conversations: what is new, cut short, and as text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loguru import logger

import rigging_py as rg
from rigging_py.error import RateLimitedError
from rigging_py.watchers import make_stream_to_logs, stream_to_logs
from tests.watchers.writing import a_chat


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """What is logged, as `level: message`, without colours."""
    lines: list[str] = []
    handler = logger.add(lines.append, format="{level}: {message}", level=0, diagnose=False)
    yield lines
    logger.remove(handler)


async def test_every_message_is_logged(logged: list[str]) -> None:
    await rg.scripted("Hi.").chat([{"role": "system", "content": "Be brief."}, "Hello"]).watch(stream_to_logs).run()
    assert logged == ["INFO: [system]: Be brief.\n", "INFO: [user]: Hello\n", "INFO: [assistant]: Hi.\n"]


async def test_a_conversation_that_goes_on_logs_what_is_new(logged: list[str]) -> None:
    watcher = make_stream_to_logs(level="debug")
    generator = rg.scripted("Hi.", "Fine.").watch(watcher)
    chat = await generator.chat("Hello").run()
    logged.clear()
    await chat.continue_("How are you?").run()
    assert logged == ["DEBUG: [user]: How are you?\n", "DEBUG: [assistant]: Fine.\n"]
    logged.clear()
    await watcher([await a_chat("Another.")])
    assert logged == ["DEBUG: [user]: Hello\n", "DEBUG: [assistant]: Another.\n"]


async def test_all_chats_of_a_batch_are_logged(logged: list[str]) -> None:
    await make_stream_to_logs()([await a_chat("one"), await a_chat("two")])
    assert [line for line in logged if "assistant" in line] == ["INFO: [assistant]: one\n", "INFO: [assistant]: two\n"]


async def test_long_messages_are_cut(logged: list[str]) -> None:
    watcher = make_stream_to_logs(max_chars=30, max_lines=2)
    await watcher([await a_chat("x" * 100)])
    await watcher([await a_chat("one\ntwo\nthree")])
    assert logged[1] == f"INFO: [assistant]: {'x' * 17} … (83 more characters)\n"
    assert logged[3] == "INFO: [assistant]: one\n    two … (6 more characters)\n"


async def test_failed_chats_say_why(logged: list[str]) -> None:
    busy = RateLimitedError("Slow down.", provider="openai", status=429)
    pipeline = rg.scripted(busy).chat("Hello").watch(make_stream_to_logs())
    await pipeline.catch(RateLimitedError, on_failed="include").run()
    assert logged[-1] == "INFO: [error]: Slow down.\n"


async def test_completions_are_logged(logged: list[str]) -> None:
    await rg.scripted(" upon a time").watch(make_stream_to_logs()).complete("Once").run()
    assert logged == ["INFO: [completion]: Once upon a time\n"]


async def test_what_was_said_is_no_markup_no_template_and_moves_no_cursor(logged: list[str]) -> None:
    said = "<red>{} {level} {0.__class__} \\<blue> %s</red>"
    await make_stream_to_logs()([await a_chat(said)])
    assert logged[-1] == f"INFO: [assistant]: {said}\n"
    await make_stream_to_logs()([await a_chat("a\x1b[2Jb\rc\x9bd\u202e\u200fe\nINFO: [user]: pay\ud800")])
    assert logged[-1] == "INFO: [assistant]: a\\x1b[2Jb\\rc\\x9bd\\u202e\\u200fe\n    INFO: [user]: pay\\ud800\n"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text())
async def test_any_text_is_logged_as_lines_of_one_message(logged: list[str], text: str) -> None:
    logged.clear()
    await make_stream_to_logs()([rg.Chat(messages=[rg.Message("user", text)])])
    [line] = logged
    first, *others = line[:-1].split("\n")
    assert first.startswith("INFO: [user]:")
    assert all(other.startswith("    ") for other in others)
    assert all(character.isprintable() or character in "\n\t" or character >= "\xa0" for character in line)


def test_a_level_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'loud' is no log level. Known: trace, debug, info"):
        make_stream_to_logs(level="loud")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
