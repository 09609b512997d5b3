"""The database: transactions, migrations, damage."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from cad.control.store.database import Database, StoreFailedError
from cad.control.store.schema import (
    DatabaseNewerError,
    Migration,
    read_migrations,
    shipped_migrations,
)

NUMBERS = Migration(1, "0001_numbers.sql", "CREATE TABLE number (value INTEGER) STRICT")
LETTERS = Migration(7, "0007_letters.sql", "CREATE TABLE letter (value TEXT) STRICT")

DISK_ERROR = sqlite3.OperationalError("disk I/O error")
DISK_ERROR.sqlite_errorcode = sqlite3.SQLITE_IOERR


async def numbers(path: Path) -> Database:
    return await Database.open(path, migrations=[NUMBERS])


def insert(connection: sqlite3.Connection, value: int) -> int:
    connection.execute("INSERT INTO number VALUES (?)", (value,))
    return value


def values(connection: sqlite3.Connection) -> list[int]:
    return [value for (value,) in connection.execute("SELECT value FROM number ORDER BY value")]


def refuse_after_insert(connection: sqlite3.Connection) -> None:
    insert(connection, 99)
    raise ValueError("changed my mind")


async def test_a_write_is_seen_by_reads_and_survives_reopening(tmp_path: Path) -> None:
    async with await numbers(tmp_path / "cad.db") as database:
        assert await database.write(lambda c: insert(c, 1)) == 1
        assert await database.read(values) == [1]
    async with await numbers(tmp_path / "cad.db") as database:
        assert await database.read(values) == [1]


async def test_a_failing_write_undoes_its_own_part_only(tmp_path: Path) -> None:
    async with await numbers(tmp_path / "cad.db") as database:
        async with asyncio.TaskGroup() as group:
            group.create_task(database.write(lambda c: insert(c, 1)))
            failing = group.create_task(expect_value_error(database))
            group.create_task(database.write(lambda c: insert(c, 2)))
        assert failing.result() == "changed my mind"
        assert await database.read(values) == [1, 2]


async def expect_value_error(database: Database) -> str:
    with pytest.raises(ValueError, match="changed") as caught:
        await database.write(refuse_after_insert)
    return str(caught.value)


async def test_many_writes_at_once_all_arrive(tmp_path: Path) -> None:
    async with await numbers(tmp_path / "cad.db") as database:
        async with asyncio.TaskGroup() as group:
            for value in range(200):
                group.create_task(database.write(partial(insert, value=value)))
        assert await database.read(values) == list(range(200))


async def test_the_write_of_a_cancelled_caller_happens(tmp_path: Path) -> None:
    async with await numbers(tmp_path / "cad.db") as database:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await database.write(lambda c: insert(c, 5))
    async with await numbers(tmp_path / "cad.db") as database:
        assert await database.read(values) == [5]


@asynccontextmanager
async def one_commit(database: Database) -> AsyncIterator[None]:
    """Let the writes that are begun in the context wait for each other."""
    gate = threading.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(database.write(lambda _: gate.wait(10)))
        try:
            yield
            await asyncio.sleep(0)  # the tasks take their first step
        finally:
            gate.set()


def insert_large(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO letter VALUES (hex(zeroblob(1000000)))")


async def test_a_full_disk_refuses_only_what_it_has_no_room_for(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "cad.db", migrations=[NUMBERS, LETTERS]) as database:
        await database.write(lambda c: c.execute("PRAGMA max_page_count = 12"))
        async with asyncio.TaskGroup() as group, one_commit(database):
            before = group.create_task(database.write(lambda c: insert(c, 1)))
            large = group.create_task(expect_full(database))
            after = group.create_task(database.write(lambda c: insert(c, 2)))
        assert (before.result(), large.result(), after.result()) == (
            1,
            "database or disk is full",
            2,
        )
        assert await database.read(values) == [1, 2]


async def expect_full(database: Database) -> str:
    with pytest.raises(StoreFailedError) as caught:
        await database.write(insert_large)
    return str(caught.value).removeprefix("database: ")


def end_the_transaction(connection: sqlite3.Connection) -> None:
    """End the transaction within the work, as SQLite itself does after an I/O error."""
    connection.execute("ROLLBACK")
    raise DISK_ERROR


async def test_an_error_that_ends_the_transaction_is_that_of_all_writes_in_it(
    tmp_path: Path,
) -> None:
    async with await numbers(tmp_path / "cad.db") as database:
        works = partial(insert, value=1), end_the_transaction, partial(insert, value=2)
        async with asyncio.TaskGroup() as group, one_commit(database):
            for work in works:
                group.create_task(expect_disk_error(database, work))
        assert await database.read(values) == []


async def expect_disk_error(
    database: Database, work: Callable[[sqlite3.Connection], object]
) -> None:
    with pytest.raises(StoreFailedError, match="disk I/O error"):
        await database.write(work)


async def test_damage_found_while_running_is_the_fault_of_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "cad.db"
    async with await numbers(path) as database:
        await database.write(lambda c: [insert(c, v) for v in range(5000)])
    async with await numbers(path) as database:
        await asyncio.to_thread(path.write_bytes, b"\xff" * path.stat().st_size)
        with pytest.raises(StoreFailedError):
            await database.read(values)
        with pytest.raises(StoreFailedError):
            await database.write(values)


async def test_reads_cannot_write(tmp_path: Path) -> None:
    async with await numbers(tmp_path / "cad.db") as database:
        with pytest.raises(StoreFailedError, match="readonly"):
            await database.read(lambda c: insert(c, 1))


async def test_the_connection_is_durable_and_checks_references(tmp_path: Path) -> None:
    async with await numbers(tmp_path / "cad.db") as database:
        assert await database.write(lambda c: pragma(c, "journal_mode")) == "wal"
        assert await database.write(lambda c: pragma(c, "synchronous")) == 2
        assert await database.write(lambda c: pragma(c, "foreign_keys")) == 1


def pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


async def test_a_mistake_in_the_work_is_not_taken_for_a_sick_disk(tmp_path: Path) -> None:
    async with await numbers(tmp_path / "cad.db") as database:
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            await database.write(lambda c: c.execute("INSERT INTO absent VALUES (1)"))


async def test_migrations_with_gaps_are_applied_in_order_and_later_ones_fill_in(
    tmp_path: Path,
) -> None:
    path = tmp_path / "cad.db"
    async with await Database.open(path, migrations=[LETTERS]):
        pass
    async with await Database.open(path, migrations=[NUMBERS, LETTERS]) as database:
        assert await database.read(values) == []
        assert await database.read(lambda c: pragma(c, "user_version")) == 7


async def test_a_migration_that_fails_leaves_nothing(tmp_path: Path) -> None:
    broken = Migration(2, "0002_broken.sql", "CREATE TABLE half (value); CREATE TABEL oops ();")
    path = tmp_path / "cad.db"
    with pytest.raises(sqlite3.OperationalError, match="TABEL"):
        await Database.open(path, migrations=[NUMBERS, broken])
    async with await Database.open(path, migrations=[NUMBERS]) as database:
        found = "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"
        assert (await database.read(lambda c: c.execute(found).fetchone())) == (0,)


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "cad.db"
    async with await Database.open(path, migrations=[NUMBERS, LETTERS]) as database:
        await database.write(lambda c: insert(c, 3))
    with pytest.raises(DatabaseNewerError, match=r"version 7, .* up to 1"):
        await numbers(path)
    async with await Database.open(path, migrations=[NUMBERS, LETTERS]) as database:
        assert await database.read(values) == [3]


@pytest.mark.parametrize(
    "content", [b"this is no database" * 100, b"SQLite format 3\0" + b"x" * 9000]
)
async def test_a_corrupt_database_is_set_aside_with_its_content(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "cad.db"
    path.write_bytes(content)
    async with await numbers(path) as database:
        assert await database.read(values) == []
        assert database.set_aside is not None
        assert database.set_aside.name.startswith("cad.db.corrupt-")
        assert database.set_aside.read_bytes() == content
    assert str(database.set_aside) in caplog.text


async def test_pages_that_rot_are_found_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "cad.db"
    async with await numbers(path) as database:
        await database.write(lambda c: [insert(c, v) for v in range(5000)])
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 5] = b"\xff" * 8192
    path.write_bytes(content)
    async with await numbers(path) as database:
        assert database.set_aside is not None
        assert await database.read(values) == []


async def test_a_folder_that_cannot_hold_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreFailedError, match="unable to open"):
        await numbers(tmp_path / "missing" / "cad.db")


async def test_a_database_held_by_another_process_is_not_taken_for_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "cad.db"
    async with await numbers(path):
        pass
    holder = sqlite3.connect(path, isolation_level=None)
    try:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreFailedError, match="locked"):
            await Database.open(path, migrations=[NUMBERS], busy_timeout=0.05)
    finally:
        holder.close()


def test_two_migrations_of_one_number_are_a_mistake(tmp_path: Path) -> None:
    for name in ("0001_a.sql", "0001_b.sql"):
        (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(LookupError, match="number 1"):
        read_migrations(tmp_path)


def test_other_files_beside_the_migrations_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("x")
    (tmp_path / "0003_c.sql").write_text("SELECT 1")
    assert [m.number for m in read_migrations(tmp_path)] == [3]


async def test_the_shipped_migrations_apply(tmp_path: Path) -> None:
    shipped = await asyncio.to_thread(shipped_migrations)
    async with await Database.open(tmp_path / "cad.db") as database:
        applied = await database.read(
            lambda c: c.execute("SELECT number FROM migration").fetchall()
        )
    assert [number for (number,) in applied] == [migration.number for migration in shipped]
