"""Chats as tables of pandas, polars and pyarrow, and as Parquet files, and back.

Every table has the columns of `COLUMNS` with the same types, however many chats there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from rigging_py.chat import Chat, ChatList
from rigging_py.data.extra import load
from rigging_py.data.rows import COLUMNS, check_columns, flatten_chats, unflatten_chats

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

# pyarrow comes without types.
ArrowTable: TypeAlias = Any
"""A `pyarrow.Table`."""


def chats_to_df(chats: Chat | Sequence[Chat]) -> pd.DataFrame:
    """A pandas frame of the rows that `flatten_chats` gives. `chat_timestamp` is in UTC, exact to the microsecond.

    Raises `MissingExtraError`.
    """
    pandas = load("pandas", "A pandas frame")
    types = {str: "string", bool: "bool", int: "int64", datetime: "datetime64[us, UTC]"}
    columns = _columns_of(chats).items()
    df = pandas.DataFrame({name: pandas.Series(values, dtype=types[COLUMNS[name]]) for name, values in columns})
    return cast("pd.DataFrame", df)


def df_to_chats(df: pd.DataFrame) -> ChatList:
    """The chats in a pandas frame that `chats_to_df` made. Raises as `unflatten_chats`."""
    check_columns(df.columns, "The frame")
    return _chats_in({name: _values(df[name]) for name in COLUMNS})


def _values(column: pd.Series[Any]) -> list[Any]:
    is_missing = column.isna().tolist()
    # A timestamp of pandas may have nanoseconds, which nothing else here has.
    whole = column.dt.floor("us").dt.to_pydatetime() if column.dtype.kind == "M" else column
    return [None if gone else value for gone, value in zip(is_missing, whole.tolist(), strict=True)]


def chats_to_polars(chats: Chat | Sequence[Chat]) -> pl.DataFrame:
    """A polars frame of the rows that `flatten_chats` gives, with types as in `chats_to_df`."""
    polars = load("polars", "A polars frame")
    moment = polars.Datetime("us", "UTC")
    types = {str: polars.String, bool: polars.Boolean, int: polars.Int64, datetime: moment}
    df = polars.DataFrame(_columns_of(chats), schema={name: types[kind] for name, kind in COLUMNS.items()})
    return cast("pl.DataFrame", df)


def polars_to_chats(df: pl.DataFrame) -> ChatList:
    """The chats in a polars frame that `chats_to_polars` made. Raises as `unflatten_chats`."""
    check_columns(df.columns, "The frame")
    return _chats_in({name: df[name].to_list() for name in COLUMNS})


def chats_to_arrow(chats: Chat | Sequence[Chat]) -> ArrowTable:
    """An Arrow table of the rows that `flatten_chats` gives, with types as in `chats_to_df`."""
    pyarrow = load("pyarrow", "An Arrow table")
    moment = pyarrow.timestamp("us", tz="UTC")
    # A column of images may be longer than the 2 GB that a plain string column takes.
    types = {str: pyarrow.large_string(), bool: pyarrow.bool_(), int: pyarrow.int64(), datetime: moment}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    return pyarrow.table(_columns_of(chats), schema=schema)


def arrow_to_chats(table: ArrowTable) -> ChatList:
    """The chats in an Arrow table that `chats_to_arrow` made. Raises as `unflatten_chats`."""
    check_columns(table.column_names, "The table")
    return _chats_in({name: table[name].to_pylist() for name in COLUMNS})


def chats_to_parquet(chats: Chat | Sequence[Chat], path: str | PathLike[str]) -> None:
    """Writes the table that `chats_to_arrow` gives to a Parquet file, in place of what was there."""
    load("pyarrow.parquet", "A Parquet file").write_table(chats_to_arrow(chats), path)


def parquet_to_chats(path: str | PathLike[str]) -> ChatList:
    """The chats in a Parquet file that `chats_to_parquet` wrote. Raises as `unflatten_chats`, and `OSError`."""
    return arrow_to_chats(load("pyarrow.parquet", "A Parquet file").read_table(path))


def _columns_of(chats: Chat | Sequence[Chat]) -> dict[str, list[Any]]:
    rows = flatten_chats(chats)
    columns = {name: [row[name] for row in rows] for name in COLUMNS}
    columns["chat_timestamp"] = [datetime.fromisoformat(text).astimezone(UTC) for text in columns["chat_timestamp"]]
    return columns


def _chats_in(columns: Mapping[str, Iterable[Any]]) -> ChatList:
    rows = zip(*[columns[name] for name in COLUMNS], strict=True)
    return unflatten_chats([dict(zip(COLUMNS, row, strict=True)) for row in rows])
