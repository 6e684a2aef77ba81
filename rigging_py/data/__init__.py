"""Chats in other forms, there and back: rows, tables, JSON lines, providers' messages, documents of a search index."""

from rigging_py.data.anthropic_reading import anthropic_to_chats, anthropic_to_messages
from rigging_py.data.anthropic_writing import chats_to_anthropic, messages_to_anthropic
from rigging_py.data.buckets import s3_bucket_exists, s3_object_exists
from rigging_py.data.elastic import (
    ElasticMapping,
    ElasticOpType,
    chats_to_elastic,
    chats_to_elastic_data,
    elastic_data_to_chats,
    elastic_to_chats,
)
from rigging_py.data.frames import (
    arrow_to_chats,
    chats_to_arrow,
    chats_to_df,
    chats_to_parquet,
    chats_to_polars,
    df_to_chats,
    parquet_to_chats,
    polars_to_chats,
)
from rigging_py.data.lines import chats_to_jsonl, jsonl_to_chats
from rigging_py.data.openai import chats_to_openai, openai_to_chats, openai_to_messages
from rigging_py.data.rows import COLUMNS, flatten_chats, unflatten_chats

__all__ = [
    "COLUMNS",
    "ElasticMapping",
    "ElasticOpType",
    "anthropic_to_chats",
    "anthropic_to_messages",
    "arrow_to_chats",
    "chats_to_anthropic",
    "chats_to_arrow",
    "chats_to_df",
    "chats_to_elastic",
    "chats_to_elastic_data",
    "chats_to_jsonl",
    "chats_to_openai",
    "chats_to_parquet",
    "chats_to_polars",
    "df_to_chats",
    "elastic_data_to_chats",
    "elastic_to_chats",
    "flatten_chats",
    "jsonl_to_chats",
    "messages_to_anthropic",
    "openai_to_chats",
    "openai_to_messages",
    "parquet_to_chats",
    "polars_to_chats",
    "s3_bucket_exists",
    "s3_object_exists",
    "unflatten_chats",
]
