"""`postgres!`: what a server adds. Lost connections, wrong addresses, and passwords that nobody may see."""

from __future__ import annotations

import asyncio
import gc
import sys

import psycopg
import pytest

from rigging_py.error import InvalidStoreError, MissingExtraError, NetworkRefusedError, StateFormatError
from rigging_py.error import StoreUnavailableError as Unavailable
from rigging_py.store import Lease, RunStore, get_store
from tests.store.conftest import first, new_schema, until
from tests.store.server import PASSWORD, Server, free_port


@pytest.fixture
def schema(server: Server) -> str:
    return new_schema(server)


def store_in(server: Server, schema: str, options: str = "") -> RunStore:
    return get_store(f"postgres!{server.dsn(schema)}{options}")


async def create(store: RunStore, run_id: str = "r") -> Lease:
    return await store.create(run_id, first(), owner="one", lease_for=60)


async def refused(store: RunStore, match: str) -> Unavailable:
    with pytest.raises(Unavailable, match=match) as caught:
        await store.load("r")
    assert isinstance(caught.value.__cause__, psycopg.Error)
    assert store.address in str(caught.value)
    assert PASSWORD not in f"{caught.value} {caught.value.__cause__}"
    return caught.value


def connections(server: Server, schema: str) -> int:
    """How many there are to one schema, which each names when it connects."""
    with server.connect() as admin:
        return len(admin.execute("SELECT FROM pg_stat_activity WHERE application_name = %s", [schema]).fetchall())


async def test_stores_that_begin_together_make_the_tables_once(server: Server, schema: str) -> None:
    stores = [store_in(server, schema) for _ in range(6)]
    await asyncio.gather(*(create(store, f"run {place}") for place, store in enumerate(stores)))
    assert len(await stores[0].list()) == 6
    for store in stores:
        await store.close()


async def test_connections_are_few_and_all_given_back(server: Server, schema: str) -> None:
    async with store_in(server, schema, ",connections=3") as store:
        await asyncio.gather(*(create(store, f"run {number}") for number in range(20)))
        assert connections(server, schema) == 3
    await until(lambda: connections(server, schema) == 0)


def test_connections_of_an_event_loop_that_ended_are_closed(server: Server, schema: str) -> None:
    store = store_in(server, schema)
    for number in range(5):
        asyncio.run(create(store, f"run {number}"))
    assert connections(server, schema) <= 2
    del store
    gc.collect()
    asyncio.run(until(lambda: connections(server, schema) == 0))


async def test_a_lost_connection_comes_back_by_itself(server: Server, schema: str) -> None:
    async with store_in(server, schema) as store:
        lease = await create(store)
        end_connections(server, schema)
        lease = await store.save(lease, first(1))
        assert (await store.load("r")).lists == {"journal": [1]}


def end_connections(server: Server, schema: str) -> None:
    with server.connect() as admin:
        query = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s"
        admin.execute(query, [schema])


def is_waiting(server: Server, words: str = "UPDATE rigging_runs") -> bool:
    with server.connect() as admin:
        query = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s"
        return bool(admin.execute(query, [f"%{words}%"]).fetchall())


async def test_a_connection_that_is_lost_during_a_save_leaves_the_outcome_open_and_says_so(
    server: Server, schema: str
) -> None:
    async with store_in(server, schema) as store:
        lease = await create(store)
        with server.connect(schema) as other, other.transaction():
            other.execute("SELECT FROM rigging_runs FOR UPDATE")
            saving = asyncio.create_task(store.save(lease, first(1)))
            await until(lambda: is_waiting(server))
            with server.connect() as admin:
                query = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                admin.execute(query)
            with pytest.raises(Unavailable, match="acquire the run again") as caught:
                await saving
            assert isinstance(caught.value.__cause__, psycopg.Error)
        assert (await store.load("r")).version == 1


async def test_a_save_that_is_cancelled_is_not_half_stored_and_its_connection_is_used_again(
    server: Server, schema: str
) -> None:
    async with store_in(server, schema, ",connections=1") as store:
        lease = await create(store)
        with server.connect(schema) as other, other.transaction():
            other.execute("SELECT FROM rigging_runs FOR UPDATE")
            saving = asyncio.create_task(store.save(lease, first(1)))
            await until(lambda: is_waiting(server))
            saving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await saving
        run = await store.load("r")
        assert (run.version, run.lists) == (1, {"journal": []})
        await store.save(lease, first(2))


async def test_a_server_that_does_not_answer_in_time(server: Server, schema: str) -> None:
    async with store_in(server, schema, ",timeout=0.2") as store:
        lease = await create(store)
        with server.connect(schema) as other, other.transaction():
            other.execute("SELECT FROM rigging_runs FOR UPDATE")
            with pytest.raises(Unavailable, match=r"no answer within 0\.2 s.* or raise timeout"):
                await store.save(lease, first(1))


async def test_a_server_that_stops_and_starts_again(server: Server, schema: str) -> None:
    async with store_in(server, schema) as store:
        lease = await create(store)
        server.stop()
        try:
            await refused(store, "Connection refused.* See that the server runs")
        finally:
            server.start()
        await store.save(lease, first(1))
        assert (await store.load("r")).version == 2


async def test_nobody_listens_there() -> None:
    store = get_store(f"postgres!postgresql://rigging:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{free_port()}/postgres")
    await refused(store, r"Connection refused.*\. See that the server runs, and that the host and the port are right")


async def test_a_save_that_found_no_server_is_not_said_to_be_stored_perhaps(server: Server, schema: str) -> None:
    async with store_in(server, schema) as store:
        lease = await create(store)
        server.stop()
        try:
            with pytest.raises(Unavailable, match="See that the server runs") as caught:
                await store.save(lease, first(1))
        finally:
            server.start()
        assert "stored" not in str(caught.value)


async def test_a_connection_that_is_lost_while_reading_has_changed_nothing_and_is_made_again(
    server: Server, schema: str
) -> None:
    async with store_in(server, schema) as store:
        await create(store)
        with server.connect(schema) as other, other.transaction():
            other.execute("LOCK TABLE rigging_runs")
            loading = asyncio.create_task(store.load("r"))
            await until(lambda: is_waiting(server, "SELECT head"))
            with server.connect() as admin:
                query = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                admin.execute(query)
            with pytest.raises(Unavailable, match=r"Nothing was changed\. Try again") as caught:
                await loading
        assert "stored" not in str(caught.value)
        assert (await store.load("r")).version == 1


async def test_a_wrong_password(server: Server) -> None:
    store = get_store(f"postgres!{server.dsn(password='wr0ng')}")
    error = await refused(store, r"password authentication failed.*\. See that the user and the password are right")
    assert "wr0ng" not in f"{error} {error.__cause__}"


async def test_a_database_that_is_not_there(server: Server) -> None:
    await refused(
        get_store(f"postgres!{server.dsn().replace('/postgres?', '/nothing?')}"),
        '"nothing" does not exist.* See that the database',
    )


async def test_tables_that_were_deleted_are_made_again(server: Server, schema: str) -> None:
    async with store_in(server, schema) as store:
        await create(store)
        with server.connect(schema) as other:
            other.execute("DROP TABLE rigging_store, rigging_tails, rigging_runs")
        await refused(store, "Its tables were deleted")
        await store.close()
        await create(store)


async def test_a_user_who_may_not_make_tables_uses_those_that_are_there(server: Server, schema: str) -> None:
    name = f"guest_{schema}"
    with server.connect() as admin:
        admin.execute(f"CREATE USER {name} PASSWORD 'guest'".encode())
        admin.execute(f"GRANT USAGE ON SCHEMA {schema} TO {name}".encode())
    guest = get_store(f"postgres!{server.dsn(schema, name, 'guest')}")
    async with guest, store_in(server, schema) as owner:
        await refused(guest, "Give this user the right to create tables")
        await create(owner)
        with server.connect() as admin:
            for what in ("TABLES", "SEQUENCES"):
                admin.execute(f"GRANT ALL ON ALL {what} IN SCHEMA {schema} TO {name}".encode())
        await create(guest, "s")


async def test_tables_of_a_newer_release(server: Server, schema: str) -> None:
    async with store_in(server, schema) as store:
        await create(store)
    with server.connect(schema) as other:
        other.execute("UPDATE rigging_store SET format = 7")
    async with store_in(server, schema) as store:
        with pytest.raises(StateFormatError, match="has format 7"):
            await store.load("r")


@pytest.mark.parametrize("change", ["UPDATE rigging_runs SET head = %b", "UPDATE rigging_tails SET items = %b"])
async def test_a_row_that_is_no_json(server: Server, schema: str, change: str) -> None:
    async with store_in(server, schema) as store:
        await create(store)
        with server.connect(schema) as other:
            other.execute(change.encode(), [b'{"a": \xff'])
        with pytest.raises(StateFormatError, match="of the run 'r' is damaged"):
            await store.load("r")


# Secrets, and what cannot be an address.


async def test_the_address_and_the_password_may_stand_in_the_environment(
    server: Server, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNS_DSN", server.dsn(schema))
    monkeypatch.setenv("RUNS_PASSWORD", PASSWORD)
    bare = f"host=127.0.0.1 port={server.port} user=rigging dbname=postgres"
    for identifier in (
        "env:RUNS_DSN",
        f"{bare},password=env:RUNS_PASSWORD",
        f"{bare} password=env:RUNS_PASSWORD",
        f"postgresql://rigging:env:RUNS_PASSWORD@127.0.0.1:{server.port}/postgres",
        f"{bare} password='{PASSWORD}',timeout=5",
    ):
        async with get_store(f"postgres!{identifier}") as store:
            await store.list()
            assert PASSWORD not in repr(store)


@pytest.mark.parametrize(
    "identifier",
    [
        "postgres!env:NOT_THERE_hunter2",
        "postgres!postgresql://me:hunter2/hunter2@127.0.0.1/db",
        "postgres!postgresql://me:hunter2@hunter2@127.0.0.1/db",
        "postgres!postgresql://me:hunter2%zz@127.0.0.1/db",
        "postgres!postgresql://me@127.0.0.1/db?password=hunter2&nonsense=1",
        "postgres!host=127.0.0.1 password=hunter2 hunter2",
        "postgres!postgresql://me:hunter2@127.0.0.1/db,colour=red",
        "postgres!postgresql://me@127.0.0.1/db,password=hunter2,timeout=soon",
        "postgres!postgresql://me@127.0.0.1/db,password=hunter2,connections=0",
        "postgers!postgresql://me:hunter2@127.0.0.1/db",
    ],
)
def test_what_is_no_address_is_refused_without_showing_the_password(identifier: str) -> None:
    with pytest.raises(InvalidStoreError) as caught:
        get_store(identifier)
    said = f"{caught.value} {caught.value.identifier} {caught.value.__cause__}".replace("NOT_THERE_hunter2", "")
    assert "hunter2" not in said


@pytest.mark.parametrize("where", ["postgresql://db.example/runs", "host=192.0.2.1", "hostaddr=192.0.2.1"])
def test_other_machines_are_not_reached_while_only_loopback_is_allowed(where: str) -> None:
    with pytest.raises(NetworkRefusedError, match="RIGGING_PY_LOOPBACK_ONLY"):
        get_store(f"postgres!{where}")


def test_without_the_extra_its_name_and_the_command_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"rigging-py\[postgres\]"):
        get_store("postgres!postgresql://127.0.0.1/db")
