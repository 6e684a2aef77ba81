"""What every run store keeps and promises: checkpoints in, runs out, and leases, so that one worker drives a run."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self, TypeAlias

from rigging_py.error import InvalidRunIdError, LeaseLostError

DEFAULT_MAX_BYTES = 16 * 1024 * 1024
"""Bytes of JSON that one checkpoint may have unless `max_bytes` says otherwise."""

Clock: TypeAlias = Callable[[], datetime]
"""Says what time it is, with a time zone."""

Redact: TypeAlias = Callable[[str], str]
"""Takes a string of a checkpoint and gives what is stored in its place."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What has changed since the last checkpoint: `head` replaces the one before, `tail` is appended, list by list.

    Both are JSON-safe. `status` is a word that `list` shows and filters by, such as a run's state.
    """

    status: str
    head: Mapping[str, Any]
    tail: Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as its last checkpoint left it; `lists` holds everything that was ever appended, in order."""

    run_id: str
    version: int
    status: str
    head: dict[str, Any]
    lists: dict[str, list[Any]]
    updated: datetime


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A line of `list`. `owner` holds a lease that has not ended, or is None; `version` counts the checkpoints."""

    run_id: str
    version: int
    status: str
    owner: str | None
    created: datetime
    updated: datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write to a run. `token` is larger than that of every lease the store gave before.

    `version` is the run's as the holder knows it; each save gives a lease that knows the next one.
    """

    run_id: str
    owner: str
    token: int
    version: int
    expires: datetime


class RunStore(ABC):
    """Keeps runs so that another process can go on with them. It does not know what a run is.

    Writing needs a lease. One that has ended still writes while nobody else has acquired the run; a holder whose run
    was acquired by somebody else never writes again. Stores are safe to share between tasks, threads and event loops.
    Leaving `async with` closes the store. Everything raises `StoreUnavailableError` when the store cannot be used,
    and whatever takes a run id `InvalidRunIdError` for what no store could keep.
    """

    address: str
    """The connection string, without passwords."""

    @abstractmethod
    async def create(
        self, run_id: str, checkpoint: Checkpoint, *, owner: str, lease_for: float, secrets: Collection[str] = ()
    ) -> Lease:
        """Stores a new run, held by `owner` for `lease_for` seconds; its version is 1.

        `secrets` are replaced by `***` in every string, also where they stand escaped in JSON inside of a string.
        Raises `RunExistsError`, `PayloadTooLargeError`.
        """

    @abstractmethod
    async def load(self, run_id: str) -> StoredRun:
        """The run after its last checkpoint. Needs no lease. Raises `RunNotFoundError`, `StateFormatError`."""

    @abstractmethod
    async def acquire(self, run_id: str, *, owner: str, lease_for: float) -> Lease:
        """Takes the run over for `lease_for` seconds. Raises `LeaseHeldError` while anybody holds it, `owner` included.

        Raises `RunNotFoundError`.
        """

    @abstractmethod
    async def save(
        self, lease: Lease, checkpoint: Checkpoint, *, lease_for: float | None = None, secrets: Collection[str] = ()
    ) -> Lease:
        """Stores a checkpoint in one transaction and gives the lease to save the next one with.

        `lease_for` also renews the lease. `secrets` are as for `create`. Raises `LeaseLostError` when somebody else
        acquired the run, when it was released or deleted, or when its version is not the lease's. Raises
        `PayloadTooLargeError`. A save whose outcome never came, because it was cancelled or the connection broke, is
        stored as a whole or not at all; to find out, release the lease, acquire the run again and load it.
        """

    @abstractmethod
    async def renew(self, lease: Lease, lease_for: float) -> Lease:
        """The lease, ending `lease_for` seconds from now. It may run beside a save: the version is the given lease's.

        Raises `LeaseLostError`.
        """

    @abstractmethod
    async def release(self, lease: Lease) -> None:
        """Ends the lease, so that others need not wait; a lease that is lost already is no error."""

    @abstractmethod
    async def list(
        self, *, status: str | None = None, limit: int = 100, after: RunSummary | None = None
    ) -> Sequence[RunSummary]:
        """Runs, the newest first; `after` is the last line of the page before."""

    @abstractmethod
    async def delete(self, run_id: str) -> None:
        """Removes a run, whoever holds it. Raises `RunNotFoundError`."""

    @abstractmethod
    async def close(self) -> None:
        """Gives back threads and connections. What is stored stays, and a later call opens the store again."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __str__(self) -> str:
        return self.address

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.address}>"


def utcnow() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


def require_name(kind: str, text: str) -> str:
    """`text`, which some database has to take as a key. Raises `ValueError`."""
    if _is_name(text):
        return text
    raise ValueError(f"A {kind} is 1 to 255 printable characters; not {text[:300]!r}.")


def require_run_id(run_id: str) -> str:
    """`run_id`, where every store could keep a run of this id. Raises `InvalidRunIdError`."""
    if _is_name(run_id):
        return run_id
    raise InvalidRunIdError(run_id)


def _is_name(given: object) -> bool:
    return isinstance(given, str) and 0 < len(given) <= 255 and given.isprintable()


def as_key(name: str) -> str:
    """`name`, or "" where it is text that some database cannot take: both are the name of nothing."""
    return name if name.isprintable() else ""


def require_seconds(lease_for: float) -> float:
    """The length of a lease. Raises `ValueError`."""
    if lease_for > 0 and math.isfinite(lease_for):
        return lease_for
    raise ValueError(f"A lease lasts a positive number of seconds; not {lease_for!r}.")


def lost(lease: Lease, stored: tuple[int, int, str | None] | None) -> LeaseLostError:
    """Why a lease may not write to a run, whose token, version and owner are `stored`."""
    if stored is None:
        return LeaseLostError(
            lease.run_id, "the store has no such run any more", "It was deleted, so nobody goes on with it."
        )
    token, version, owner = stored
    if token != lease.token:
        by = f", by {owner}" if owner else ""
        return LeaseLostError(
            lease.run_id, f"it was acquired again since{by}", "Its new holder goes on from the last checkpoint."
        )
    if owner is None:
        return LeaseLostError(lease.run_id, "it was released", "Acquire the run again to go on with it.")
    problem = f"the run is at version {version}, and the lease knows version {lease.version}"
    return LeaseLostError(lease.run_id, problem, "Another save came first; load the run to go on from there.")
