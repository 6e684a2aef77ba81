"""JSON lines: what is in the file, and which line is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import rigging_py as rg
from rigging_py.error import ProcessingError
from tests.data.chats import EMPTY


def test_a_line_is_a_chat_without_what_is_none(tmp_path: Path) -> None:
    chat = rg.Chat(messages=[rg.Message("user", "é\u2028\n", metadata={"kept": None})])
    rg.data.chats_to_jsonl(chat, tmp_path / "chats.jsonl")
    [line] = (tmp_path / "chats.jsonl").read_bytes().removesuffix(b"\n").split(b"\n")
    stored = json.loads(line)
    assert "usage" not in stored
    assert "tool_calls" not in stored["messages"][0]
    assert stored["messages"][0]["metadata"] == {"kept": None}
    assert rg.data.jsonl_to_chats(tmp_path / "chats.jsonl")[0].all == chat.all


def test_what_is_no_json_costs_no_line(tmp_path: Path) -> None:
    chat = rg.Chat(messages=["half a pair: \ud800"], metadata={"tool": object()})
    rg.data.chats_to_jsonl([EMPTY, chat], tmp_path / "chats.jsonl")
    _, back = rg.data.jsonl_to_chats(tmp_path / "chats.jsonl")
    assert (back.last.content, back.metadata) == ("half a pair: ?", {"tool": "<object>"})


def test_what_was_in_the_file_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "chats.jsonl"
    for _ in range(2):
        rg.data.chats_to_jsonl([EMPTY, EMPTY], file)
    assert len(rg.data.jsonl_to_chats(file)) == 2


def test_what_pydantic_writes_and_empty_lines_are_read(tmp_path: Path) -> None:
    file = tmp_path / "chats.jsonl"
    file.write_text(f"\n{EMPTY.model_dump_json()}\r\n\n{EMPTY.model_dump_json(exclude_none=True)}")
    assert [chat.uuid for chat in rg.data.jsonl_to_chats(file)] == [EMPTY.uuid] * 2


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"messages": [', "is not JSON: EOF"),
        ("[1]", "is not a chat: it is JSON, but no object"),
        ('{"messages": [{"role": "queen"}]}', "is not a chat: messages.0.role: Input should be 'system'"),
        ("{}", "is not a chat: messages: Field required"),
        ('{"messages": [1]}', "is not a chat: messages.0"),
    ],
)
def test_a_bad_line_is_named_by_its_number(tmp_path: Path, line: str, problem: str) -> None:
    file = tmp_path / "chats.jsonl"
    file.write_text(f"{EMPTY.model_dump_json()}\n\n{line}\n")
    with pytest.raises(ProcessingError, match=rf"Line 3 of .*chats.jsonl {problem}"):
        rg.data.jsonl_to_chats(file)


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        rg.data.jsonl_to_chats(tmp_path / "none.jsonl")
