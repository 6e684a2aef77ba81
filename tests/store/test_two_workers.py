"""However two workers interleave, one at a time writes, and nothing that was saved is lost or changed."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any
from unittest import TestCase

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rigging_py.error import LeaseHeldError, LeaseLostError, RunExistsError, RunNotFoundError
from rigging_py.store import Checkpoint, Lease, RunStore, get_store
from tests.store.conftest import VirtualClock

WORKERS = st.sampled_from(["one", "two"])
SECONDS = st.sampled_from([1.0, 5.0, 20.0])


@dataclass
class Expected:
    """What the run must be."""

    holder: Lease | None
    version: int
    status: str
    head: dict[str, Any]
    journal: list[int] = field(default_factory=list[int])


class TwoWorkers(RuleBasedStateMachine):
    """Each worker has a store of its own and goes on with the last lease it was given, lost or not."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock()
        self.directory = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.stores = {"one": self.open(), "two": self.open()}
        self.leases: dict[str, Lease] = {}
        self.expected: Expected | None = None
        self.last_token = 0
        self.numbers = iter(range(10_000))

    def open(self) -> RunStore:
        return get_store(f"sqlite!{self.directory.name}/runs.db,synchronous=normal", clock=self.clock)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What the work came to, or the error it raised."""

        async def safely() -> Any:
            try:
                return await work
            except (LeaseHeldError, LeaseLostError, RunExistsError, RunNotFoundError) as error:
                return error

        return self.runner.run(safely())

    def is_held(self) -> bool:
        return bool(self.expected and self.expected.holder and self.expected.holder.expires > self.clock.now)

    def is_holder(self, worker: str) -> bool:
        holder, lease = self.expected.holder if self.expected else None, self.leases.get(worker)
        return holder is not None and lease is not None and holder.token == lease.token

    def took(self, worker: str, lease: Lease) -> None:
        assert lease.token > self.last_token
        assert lease.owner == worker
        assert self.expected is not None
        assert lease.version == self.expected.version
        self.last_token, self.leases[worker], self.expected.holder = lease.token, lease, lease

    @rule(worker=WORKERS, seconds=SECONDS)
    def create(self, worker: str, seconds: float) -> None:
        checkpoint = Checkpoint("New", {}, {})
        result = self.run(self.stores[worker].create("r", checkpoint, owner=worker, lease_for=seconds))
        if self.expected is not None:
            assert isinstance(result, RunExistsError)
            return
        self.expected = Expected(None, 1, "New", {})
        self.took(worker, result)

    @rule(worker=WORKERS, seconds=SECONDS)
    def acquire(self, worker: str, seconds: float) -> None:
        result = self.run(self.stores[worker].acquire("r", owner=worker, lease_for=seconds))
        if self.expected is None:
            assert isinstance(result, RunNotFoundError)
        elif self.is_held():
            assert isinstance(result, LeaseHeldError)
        else:
            self.took(worker, result)

    @rule(worker=WORKERS, seconds=st.none() | SECONDS, status=st.sampled_from(["Ready", "Done"]))
    def save(self, worker: str, seconds: float | None, status: str) -> None:
        if worker not in self.leases:
            return
        number = next(self.numbers)
        checkpoint = Checkpoint(status, {"number": number}, {"journal": [number]})
        result = self.run(self.stores[worker].save(self.leases[worker], checkpoint, lease_for=seconds))
        if self.expected is None or not self.is_holder(worker):
            assert isinstance(result, LeaseLostError)
            return
        assert result.version == self.expected.version + 1
        self.leases[worker] = result
        journal = [*self.expected.journal, number]
        self.expected = Expected(result, result.version, status, {"number": number}, journal)

    @rule(worker=WORKERS, seconds=SECONDS)
    def renew(self, worker: str, seconds: float) -> None:
        if worker not in self.leases:
            return
        result = self.run(self.stores[worker].renew(self.leases[worker], seconds))
        if self.expected is None or not self.is_holder(worker):
            assert isinstance(result, LeaseLostError)
            return
        self.leases[worker] = self.expected.holder = result

    @rule(worker=WORKERS)
    def release(self, worker: str) -> None:
        if worker in self.leases:
            assert self.run(self.stores[worker].release(self.leases[worker])) is None
            if self.expected is not None and self.is_holder(worker):
                self.expected.holder = None

    @rule(worker=WORKERS)
    def delete(self, worker: str) -> None:
        result = self.run(self.stores[worker].delete("r"))
        assert (self.expected is None) == isinstance(result, RunNotFoundError)
        self.expected = None

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        self.clock.pass_time(seconds)

    @rule(worker=WORKERS)
    def restart(self, worker: str) -> None:
        self.run(self.stores[worker].close())
        self.stores[worker] = self.open()

    @invariant()
    def what_is_stored_is_what_was_saved(self) -> None:
        for store in self.stores.values():
            result, lines = self.run(store.load("r")), self.run(store.list())
            if self.expected is None:
                assert isinstance(result, RunNotFoundError)
                assert lines == []
                continue
            want = self.expected
            assert (result.version, result.status, result.head) == (want.version, want.status, want.head)
            assert result.lists.get("journal", []) == want.journal
            holder = want.holder.owner if want.holder and self.is_held() else None
            assert [(one.version, one.status, one.owner) for one in lines] == [(want.version, want.status, holder)]

    def teardown(self) -> None:
        for store in self.stores.values():
            self.run(store.close())
        self.runner.close()
        self.directory.cleanup()


class TwoWorkersInMemory(TwoWorkers):
    """The same over one memory."""

    def open(self) -> RunStore:
        return get_store(f"memory!{self.directory.name}", clock=self.clock)


def machine(cls: type[TwoWorkers]) -> type[TestCase]:
    case = cls.TestCase
    case.settings = settings(max_examples=20, stateful_step_count=30)
    return case


TestTwoWorkers = machine(TwoWorkers)
TestTwoWorkersInMemory = machine(TwoWorkersInMemory)
