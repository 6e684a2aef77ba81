"""Rows and tables: what they hold, and which are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

import rigging_py as rg
from rigging_py.error import ProcessingError
from tests.data.chats import EMPTY

pa: Any = import_module("pyarrow")  # it comes without types

TIME = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=2)))


def chat() -> rg.Chat:
    look = rg.ContentImageUrl.from_url("https://example.org/a.png")
    call = rg.ToolCall.model_validate({"id": "c1", "function": {"name": "see", "arguments": "{}"}})
    return rg.Chat(
        timestamp=TIME,
        messages=[
            rg.Message("user", ["Look:", look], metadata={"page": 1}),
            rg.Message("assistant", tool_calls=[call]),
            rg.Message("tool", "a cat", tool_call_id="c1"),
        ],
        generated=[rg.Message("assistant", "A cat.")],
        usage=rg.Usage(input_tokens=3, output_tokens=2, total_tokens=5),
        metadata={"run": {"id": 7}},
        stop_reason="stop",
    )


def test_a_row_is_a_message_with_what_is_known_of_its_chat() -> None:
    one = chat()
    look, asked, result, answer = rg.data.flatten_chats(one)
    assert [*look] == [*answer] == [*rg.data.COLUMNS]
    assert {row["chat_id"] for row in (look, asked, result, answer)} == {str(one.uuid)}
    assert [row["generated"] for row in (look, asked, result, answer)] == [False, False, False, True]
    assert [row["message_index"] for row in (look, asked, result, answer)] == [0, 1, 2, 3]
    assert (look["content"], json.loads(look["content_parts"])[1]["type"]) == ("Look:", "image_url")
    assert (answer["content"], answer["content_parts"]) == ("A cat.", None)
    assert json.loads(asked["tool_calls"])[0]["function"] == {"name": "see", "arguments": "{}"}
    assert (result["role"], result["tool_call_id"]) == ("tool", "c1")
    assert json.loads(look["metadata"]) == {"page": 1}
    assert json.loads(answer["chat_metadata"]) == {"run": {"id": 7}}
    assert json.loads(answer["chat_usage"])["total_tokens"] == 5
    assert answer["chat_timestamp"] == "2026-01-02T03:04:05.678901+02:00"


def test_every_field_of_chats_and_messages_has_a_column() -> None:
    of_chats = {f"chat_{name}" for name in {*rg.Chat.model_fields, "generator_id"} - {"uuid", "generator"}}
    of_messages = {*rg.Message.model_fields} - {"uuid", "slice_refs"}
    known = {*rg.data.COLUMNS, "chat_messages", "chat_generated"}
    assert of_chats | of_messages <= known


def test_rows_in_any_order_are_the_same_chats() -> None:
    one, other = chat(), chat()
    rows = rg.data.flatten_chats([one, other])
    assert [back.all for back in rg.data.unflatten_chats([rows[-1], *rows[:-1]])] == [other.all, one.all]


def test_an_edited_content_is_the_message_and_a_row_that_is_gone_is_not() -> None:
    frame = rg.data.chats_to_df(chat())
    frame.loc[3, "content"] = "A dog."
    [back] = rg.data.df_to_chats(frame.drop(index=0))
    assert [message.content for message in back.all] == ["", "a cat", "A dog."]


def test_pandas_frames_have_the_same_types_however_many_chats_there_are() -> None:
    full, none = rg.data.chats_to_df([chat(), EMPTY]), rg.data.chats_to_df([])
    assert full.dtypes.to_dict() == none.dtypes.to_dict()
    assert [*full.columns] == [*none.columns] == [*rg.data.COLUMNS]
    assert [str(full.dtypes[name]) for name in ("chat_timestamp", "generated", "message_index", "content")] == [
        "datetime64[us, UTC]",
        "bool",
        "int64",
        "string",
    ]


def test_polars_and_arrow_tables_have_the_same_types_however_many_chats_there_are() -> None:
    assert rg.data.chats_to_polars(chat()).schema == rg.data.chats_to_polars([]).schema
    assert rg.data.chats_to_arrow(chat()).schema == rg.data.chats_to_arrow([]).schema
    assert rg.data.chats_to_polars([]).schema["chat_timestamp"] == pl.Datetime("us", "UTC")
    assert rg.data.chats_to_arrow([]).schema.field("chat_timestamp").type == pa.timestamp("us", tz="UTC")


def test_timestamps_are_exact_to_the_microsecond_in_every_table() -> None:
    one = chat()
    moments: list[datetime] = [
        rg.data.chats_to_df(one)["chat_timestamp"][0].to_pydatetime(),
        rg.data.chats_to_polars(one)["chat_timestamp"][0],
        rg.data.chats_to_arrow(one)["chat_timestamp"][0].as_py(),
    ]
    assert moments == [TIME] * 3
    assert {moment.utcoffset() for moment in moments} == {timedelta(0)}


def test_a_frame_with_nanoseconds_is_read_to_the_microsecond() -> None:
    frame = rg.data.chats_to_df(chat())
    frame["chat_timestamp"] = frame["chat_timestamp"].astype("datetime64[ns, UTC]") + pd.Timedelta(1, "ns")
    assert rg.data.df_to_chats(frame)[0].timestamp == TIME


def test_a_frame_that_was_a_csv_file_is_read(tmp_path: Path) -> None:
    one = chat()
    rg.data.chats_to_df(one).to_csv(tmp_path / "chats.csv", index=False)
    [back] = rg.data.df_to_chats(pd.read_csv(tmp_path / "chats.csv"))
    assert (back.all, back.timestamp, back.usage) == (one.all, one.timestamp, one.usage)


def test_frames_may_be_put_together_and_filtered() -> None:
    one, other = chat(), EMPTY
    frame = pd.concat([rg.data.chats_to_df(one), rg.data.chats_to_df(other)], ignore_index=True)
    assert [back.uuid for back in rg.data.df_to_chats(frame)] == [one.uuid, other.uuid]
    assert [back.uuid for back in rg.data.df_to_chats(frame[frame["role"].isna()])] == [other.uuid]


def test_a_foreign_table_is_refused_with_the_columns_it_has_not() -> None:
    foreign = {"chat_id": ["1"], "role": ["user"], "content": ["Hello"]}
    missing = ", ".join(name for name in rg.data.COLUMNS if name not in foreign)
    readings: list[tuple[Callable[[Any], rg.ChatList], Any]] = [
        (rg.data.df_to_chats, pd.DataFrame(foreign)),
        (rg.data.polars_to_chats, pl.DataFrame(foreign)),
        (rg.data.arrow_to_chats, pa.table(foreign)),
        (rg.data.unflatten_chats, [{name: values[0] for name, values in foreign.items()}]),
    ]
    for read, table in readings:
        with pytest.raises(ProcessingError, match=f"was not made of chats; there is no {missing}."):
            read(table)


def test_a_foreign_frame_without_rows_is_refused_too() -> None:
    with pytest.raises(ProcessingError, match="there is no chat_id, chat_timestamp"):
        rg.data.df_to_chats(pd.DataFrame())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"chat_usage": "{"}, "Row 2: chat_usage is not JSON text"),
        ({"tool_calls": 3}, "Row 2: tool_calls is not JSON text"),
        ({"role": "queen"}, r"Row 2 is not a chat: messages.0.role: Input should be 'system'"),
        ({"chat_id": "7"}, "Row 2 is not a chat: uuid"),
        ({"message_index": [1]}, "Row 2: message_index is no number"),
        ({"message_index": "first"}, "Row 2: message_index is no number"),
        ({"content": 7}, "Row 2: content is no text"),
    ],
)
def test_a_row_that_is_no_message_is_named(change: dict[str, object], problem: str) -> None:
    [row] = rg.data.flatten_chats(rg.Chat(messages=[rg.Message("user", "secret words")]))
    with pytest.raises(ProcessingError, match=problem) as caught:
        rg.data.unflatten_chats([*rg.data.flatten_chats(EMPTY), {**row, **change}])
    assert "secret words" not in str(caught.value)
