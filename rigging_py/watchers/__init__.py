"""Watchers: async callbacks for `watch` that write finished chats to files, stores and logs."""

from rigging_py.watchers.elastic import write_chats_to_elastic
from rigging_py.watchers.jsonl import write_chats_to_jsonl, write_messages_to_jsonl
from rigging_py.watchers.logs import make_stream_to_logs, stream_to_logs
from rigging_py.watchers.s3 import write_chats_to_s3
from rigging_py.watchers.spelling import Watcher

__all__ = [
    "Watcher",
    "make_stream_to_logs",
    "stream_to_logs",
    "write_chats_to_elastic",
    "write_chats_to_jsonl",
    "write_chats_to_s3",
    "write_messages_to_jsonl",
]
