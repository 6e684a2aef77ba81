"""JSONL files: each line is a chat again, and no line is lost or torn, whoever else writes or dies meanwhile."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rigging_py as rg
from rigging_py.data import unflatten_chats
from rigging_py.error import NotWrittenError, PipelineWarning, RateLimitedError
from rigging_py.watchers import Watcher, write_chats_to_jsonl, write_messages_to_jsonl
from tests.watchers.writing import a_chat, another_process, write_all

WRITERS = [write_chats_to_jsonl, write_messages_to_jsonl]


def lines(file: Path) -> list[rg.Chat]:
    content = file.read_bytes()
    assert content.endswith(b"\n")
    return [rg.Chat.model_validate_json(line) for line in content.splitlines()]


def texts(file: Path) -> list[str]:
    return [chat.last.content for chat in lines(file)]


async def test_pipelines_generators_and_prompts_write_their_chats(tmp_path: Path) -> None:
    watcher = write_chats_to_jsonl(tmp_path / "new folder" / "chats.jsonl")
    piped = await rg.scripted("one").chat("Hello").watch(watcher).run()
    generated = await rg.scripted("two").watch(watcher).chat("Hello").run()

    @rg.prompt
    async def legs(animal: str) -> int:
        """How many legs does one {{ animal }} have?"""
        raise NotImplementedError

    assert await legs.watch(watcher).bind(rg.scripted("<int>8</int>"))("spider") == 8
    read = lines(tmp_path / "new folder" / "chats.jsonl")
    assert [chat.uuid for chat in read[:2]] == [piped.uuid, generated.uuid]
    assert [chat.last.content for chat in read] == ["one", "two", "<int>8</int>"]


async def test_what_is_none_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "chats.jsonl"
    await write_chats_to_jsonl(file)([await a_chat()])
    assert b"null" not in file.read_bytes()


async def test_failed_chats_are_written_with_their_error(tmp_path: Path) -> None:
    watcher = write_chats_to_jsonl(tmp_path / "chats.jsonl")
    busy = RateLimitedError("Slow down.", provider="openai", status=429)
    pipeline = rg.scripted(busy).chat("Hello").watch(watcher).catch(RateLimitedError, on_failed="include")
    await pipeline.run()
    [chat] = lines(tmp_path / "chats.jsonl")
    assert chat.failed
    assert "Slow down." in str(chat.error)


async def test_replace_replaces_what_was_there_and_never_its_own(tmp_path: Path) -> None:  # surface 3.2 no. 38
    for file in (tmp_path / "new.jsonl", tmp_path / "old.jsonl"):
        watcher = write_chats_to_jsonl(file, replace=True)
        if file.name == "old.jsonl":
            file.write_text("what was there\n")
        for text in ("one", "two", "three"):
            await watcher([await a_chat(text)])
        assert texts(file) == ["one", "two", "three"]


async def test_replace_replaces_nothing_before_there_is_something_to_write(tmp_path: Path) -> None:
    file = tmp_path / "chats.jsonl"
    file.write_text("what was there\n")
    watcher = write_chats_to_jsonl(file, replace=True)
    await watcher([])
    await watcher.flush()
    assert file.read_text() == "what was there\n"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
MESSAGES = st.builds(rg.Message, st.sampled_from(["system", "user", "assistant"]), st.text())
CHATS = st.builds(
    rg.Chat,
    messages=st.lists(MESSAGES, max_size=3),
    generated=st.lists(MESSAGES, max_size=2),
    metadata=st.dictionaries(st.text(), VALUES, max_size=3),
    failed=st.booleans(),
)


def without_none(value: Any) -> Any:
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {key: without_none(item) for key, item in items if item is not None}
    return [without_none(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


@given(st.lists(st.lists(CHATS, max_size=3), max_size=4))
def test_every_chat_is_read_again_from_its_line(batches: list[list[rg.Chat]]) -> None:
    async def write(watcher: Watcher) -> None:
        for batch in batches:
            await watcher([*batch])

    chats = [chat for batch in batches for chat in batch]
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(write(write_chats_to_jsonl(f"{folder}/chats.jsonl")))
        read = lines(Path(folder) / "chats.jsonl") if chats else []
    given = [without_none(chat.model_dump(mode="json")) for chat in chats]
    assert [without_none(chat.model_dump(mode="json")) for chat in read] == given


async def test_messages_are_rows_that_are_chats_again(tmp_path: Path) -> None:
    file = tmp_path / "messages.jsonl"
    chats = [await a_chat("one"), (await a_chat("two \ud800")).meta(tool=object())]
    await write_messages_to_jsonl(file)([*chats])
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(row["role"], row["content"]) for row in rows] == [
        ("user", "Hello"),
        ("assistant", "one"),
        ("user", "Hello"),
        ("assistant", "two ?"),
    ]
    assert [chat.uuid for chat in unflatten_chats(rows)] == [chat.uuid for chat in chats]


class Secret:
    def __repr__(self) -> str:
        return "sk-123"


async def test_what_is_no_json_costs_no_chat(tmp_path: Path) -> None:
    odd = (await a_chat("half a pair: \ud800")).meta(tool=Secret())
    await write_chats_to_jsonl(tmp_path / "chats.jsonl")([await a_chat("one"), odd, await a_chat("two")])
    _, read, _ = lines(tmp_path / "chats.jsonl")
    assert (read.last.content, read.metadata) == ("half a pair: ?", {"tool": "<Secret>"})


async def test_a_chat_is_written_as_it_was_shown(tmp_path: Path) -> None:
    chat = await a_chat("one")
    writing = asyncio.ensure_future(write_chats_to_jsonl(tmp_path / "chats.jsonl")([chat]))
    await asyncio.sleep(0)
    chat.last.content = "edited"
    await writing
    assert texts(tmp_path / "chats.jsonl") == ["one"]


async def test_completions_are_left_out_and_it_is_said(tmp_path: Path) -> None:
    file = tmp_path / "chats.jsonl"
    generator = rg.scripted("one", "two").watch(write_chats_to_jsonl(file))
    await generator.chat("Hello").run()
    with pytest.warns(PipelineWarning, match="Only chats are written"):
        await generator.complete("Once").run()
    assert texts(file) == ["one"]


# Whoever else writes.


async def test_tasks_event_loops_and_processes_write_whole_lines(tmp_path: Path) -> None:
    file = tmp_path / "chats.jsonl"
    shared = write_chats_to_jsonl(file)

    def write(name: str) -> None:
        asyncio.run(write_all(shared if name in "ab" else write_chats_to_jsonl(file), name, 40))

    processes = [another_process(name, 40, "jsonl", str(file)) for name in ("d", "e")]
    await asyncio.gather(*(asyncio.to_thread(write, name) for name in ("a", "b", "c")))
    assert [await asyncio.to_thread(process.wait) for process in processes] == [0, 0]
    assert sorted(texts(file)) == sorted(f"{name} {n}" for name in "abcde" for n in range(40))


async def test_a_process_that_is_killed_spoils_no_line_but_its_last(tmp_path: Path) -> None:
    file = tmp_path / "chats.jsonl"
    process = another_process("", -1_000_000, "jsonl", str(file))
    while not file.exists() or file.stat().st_size < 5_000_000:
        assert process.poll() is None
        await asyncio.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    await asyncio.to_thread(process.wait)
    *whole, last = file.read_bytes().split(b"\n")
    await write_chats_to_jsonl(file)([await a_chat("after")])

    written = [rg.Chat.model_validate_json(line).last.content.split()[0] for line in whole]
    assert written == [str(number) for number in range(len(whole))]
    assert file.read_bytes().startswith(b"\n".join([*whole, last]))
    assert rg.Chat.model_validate_json(file.read_bytes().splitlines()[-1]).last.content == "after"


async def test_half_a_line_that_somebody_left_does_not_spoil_ours(tmp_path: Path) -> None:
    file = tmp_path / "chats.jsonl"
    file.write_text('{"uuid": "4f')
    await write_chats_to_jsonl(file)([await a_chat("one")])
    torn, line = file.read_bytes().splitlines()
    assert (torn, rg.Chat.model_validate_json(line).last.content) == (b'{"uuid": "4f', "one")


async def test_a_lock_that_somebody_holds_stops_only_the_writing(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    file = tmp_path / "chats.jsonl"
    with file.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        watcher = write_chats_to_jsonl(file)
        writing = asyncio.ensure_future(watcher([await a_chat("one")]))
        await asyncio.sleep(0)
        assert (await a_chat("the loop goes on")).last.content == "the loop goes on"
        assert not writing.done()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
    await watcher.flush()
    assert texts(file) == ["one"]


def opened(file: Path) -> int:
    """How often this process has the file open."""
    return sum(one.resolve() == file for one in Path("/proc/self/fd").iterdir())


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # later Pythons warn of forks
def test_a_process_forked_in_the_middle_of_a_write_holds_up_nobody_and_writes_its_own(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    file = tmp_path / "chats.jsonl"
    watcher = write_chats_to_jsonl(file)

    async def write(text: str) -> None:
        await watcher([await a_chat(text)])

    with ThreadPoolExecutor(3) as pool, file.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        writing = pool.submit(asyncio.run, write("one"))
        while opened(file) < 2:
            assert not writing.done()
        child = os.fork()
        if not child:
            try:
                asyncio.run(write("of the child"))
                signal.pause()
            finally:
                os._exit(1)
        fcntl.flock(held, fcntl.LOCK_UN)
        try:
            writing.result(20)
            pool.submit(asyncio.run, write("two")).result(20)
            while file.read_bytes().count(b"\n") < 3:
                assert os.waitpid(child, os.WNOHANG) == (0, 0)
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    assert sorted(texts(file)) == ["of the child", "one", "two"]


# What fails.


@pytest.mark.parametrize("writer", WRITERS)
async def test_a_failed_batch_is_written_with_the_next(
    writer: Callable[[Path], Watcher], tmp_path: Path
) -> None:  # surface 3.2 no. 27
    file = tmp_path / "folder"
    file.mkdir()  # a folder stands where the file should
    watcher = writer(file)
    pipeline = rg.scripted("one", "two", "three").chat("Hello").watch(watcher)
    with pytest.warns(PipelineWarning, match=r"kept in memory, and written with what comes next"):
        assert (await pipeline.run()).last.content == "one"
    with pytest.raises(NotWrittenError, match="IsADirectoryError") as raised:
        await watcher.flush()
    assert isinstance(raised.value, OSError)
    assert raised.value.kept == watcher.pending > 0
    file.rmdir()
    await pipeline.run()
    assert watcher.pending == 0
    said = [json.dumps(json.loads(line)) for line in file.read_text().splitlines()]
    assert [word for line in said for word in ("one", "two") if f'"{word}"' in line] == ["one", "two"]


async def test_flush_writes_what_is_kept_in_order(tmp_path: Path) -> None:
    file = tmp_path / "folder"
    file.mkdir()
    watcher = write_chats_to_jsonl(file, replace=True)
    for text in ("one", "two"):
        with pytest.raises(NotWrittenError):
            await watcher([await a_chat(text)])
    file.rmdir()
    await watcher.flush()
    assert (texts(file), watcher.pending) == (["one", "two"], 0)
    await watcher.flush()
    assert texts(file) == ["one", "two"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
async def test_a_full_disk_is_told(tmp_path: Path) -> None:
    watcher = write_chats_to_jsonl("/dev/full")
    with pytest.raises(NotWrittenError, match="No space left"):
        await watcher([await a_chat()])
    assert watcher.pending == 1


async def test_a_write_that_fails_half_way_leaves_no_half_line(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    file = tmp_path / "chats.jsonl"
    watcher = write_chats_to_jsonl(file)
    await watcher([await a_chat("one")])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 100, before[1]))
    try:
        with pytest.raises(NotWrittenError, match="File too large"):
            await watcher([await a_chat("two")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert texts(file) == ["one"]
    await watcher([await a_chat("three")])
    assert texts(file) == ["one", "two", "three"]


async def test_pipes_can_be_written_to() -> None:
    reading, writing = os.pipe()
    await write_chats_to_jsonl(f"/dev/fd/{writing}")([await a_chat("one")])
    os.close(writing)
    with os.fdopen(reading) as pipe:
        assert rg.Chat.model_validate_json(pipe.read()).last.content == "one"


async def test_a_relative_file_stays_where_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    watcher = write_chats_to_jsonl("chats.jsonl")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    await watcher([await a_chat("one")])
    assert texts(tmp_path / "chats.jsonl") == ["one"]
