"""A watcher that appends lines of JSON to an object of an S3 store, so that no writer loses what another wrote."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from rigging_py.data.lines import chat_line
from rigging_py.watchers.outbox import Outbox
from rigging_py.watchers.spelling import Watcher

ATTEMPTS = 50
"""How often an append is begun again because somebody else was faster; every time, somebody got on."""

FASTER = {409, 412}
"""What a store answers when the object is no longer the one that was read."""
NOT_IMPLEMENTED = 501
"""What a store answers that knows no conditions."""

# Writers of this process go one after the other, which also serves stores that know no conditions.
_locks: WeakValueDictionary[tuple[str, str, str], Lock] = WeakValueDictionary()


def _free_all() -> None:
    # Who held one when this process was forked is not in it.
    for lock in list(_locks.values()):
        if lock.locked():
            lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_all)


def write_chats_to_s3(client: Any, bucket: str, key: str, *, replace: bool = False) -> Watcher:
    """A watcher that appends each chat to the object `key` as a line of JSON, as `write_chats_to_jsonl` does.

    `client` is boto3's, and works in a thread. S3 cannot append, so the object is read and put again each time, on
    condition that nobody else has put it meanwhile. `replace` begins with a new object, and never again afterwards.
    """
    target = f"s3://{bucket}/{key}"
    return Outbox(
        target, lambda chats: [chat_line(chat) for chat in chats], _Object(client, bucket, key, replace).append
    )


class _Object:
    """An object of lines. What was put without an answer is `_unsure`: it may be there."""

    def __init__(self, client: Any, bucket: str, key: str, is_to_be_replaced: bool) -> None:
        self._client, self._address = client, {"Bucket": bucket, "Key": key}
        self._is_to_be_replaced = is_to_be_replaced
        self._unsure = b""
        self._lock = _locks.setdefault((str(client.meta.endpoint_url), bucket, key), Lock())

    def append(self, lines: Sequence[bytes]) -> None:
        """Appends the lines; those of a call that failed come again, first."""
        with self._lock:
            self._appended(b"".join(lines))

    def _appended(self, data: bytes) -> None:
        for attempt in range(ATTEMPTS):
            there, condition = self._there()
            if self._unsure and self._unsure in there:
                data = data.removeprefix(self._unsure)
            self._unsure = data
            try:
                if data:
                    self._put(there + data, condition)
                break
            except self._client.exceptions.ClientError as error:
                if _status(error) not in FASTER or attempt == ATTEMPTS - 1:
                    raise
        self._unsure, self._is_to_be_replaced = b"", False

    def _there(self) -> tuple[bytes, Mapping[str, str]]:
        """The lines that are there, and the condition that they still are."""
        if self._is_to_be_replaced:
            return b"", {}
        try:
            reply = self._client.get_object(**self._address)
        except self._client.exceptions.NoSuchKey:
            return b"", {"IfNoneMatch": "*"}
        with reply["Body"] as body:
            there: bytes = body.read()
        return there if there.endswith(b"\n") or not there else there + b"\n", {"IfMatch": reply["ETag"]}

    def _put(self, body: bytes, condition: Mapping[str, str]) -> None:
        try:
            self._client.put_object(**self._address, Body=body, **condition)
        except self._client.exceptions.ClientError as error:
            if not condition or _status(error) != NOT_IMPLEMENTED:
                raise
            self._client.put_object(**self._address, Body=body)


def _status(error: Any) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
