"""The one SQLite database: a writer thread that commits in groups, and a reader thread.

WAL lets readers see the last commit while the writer works. `synchronous=FULL` makes a commit
survive a power cut: what `write` returned is on disk.
"""

import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from cad.base.clock import Clock, SystemClock
from cad.base.errors import UnavailableError
from cad.base.threads import WorkThread
from cad.control.store.schema import Migration, migrate, shipped_migrations

logger = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

BUSY_TIMEOUT = 5.0

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_OUTSIDE_CAUSES = _DAMAGE | {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_CANTOPEN,
}


class StoreFailedError(UnavailableError):
    """The disk or the database file refuses: full, read-only, locked, damaged, or an I/O error."""


class _Write(Generic[T]):
    """A piece of work that waits for its turn, and what became of it."""

    def __init__(self, work: Work[T]) -> None:
        self._work = work
        self._results: list[T] = []
        self._failure: Exception | None = None

    def attempt(self, connection: sqlite3.Connection) -> None:
        """Do the work inside the open transaction; if it fails, undo its part only.

        Raises:
            sqlite3.Error: SQLite undid the whole transaction, as it may when the disk is full.
        """
        self._results, self._failure = [], None
        connection.execute("SAVEPOINT work")
        try:
            self._results.append(self._work(connection))
        except Exception as error:
            self._failure = error
            if not connection.in_transaction:
                raise
            connection.execute("ROLLBACK TO work")
        connection.execute("RELEASE work")

    def fail(self, failure: Exception) -> None:
        """Take note that the transaction as a whole was lost."""
        self._failure = self._failure or failure

    def result(self) -> T:
        """Return what the work returned or raise what ended it."""
        if self._failure is not None:
            raise self._failure
        return self._results[0]


class Database:
    """Runs work on the database, each piece in one transaction.

    Work is a function of a connection; it runs outside the loop and must not keep the connection.
    Leaving the context closes the database.
    """

    def __init__(self, path: Path, busy_timeout: float, set_aside: Path | None) -> None:
        self.path = path
        self.set_aside = set_aside
        """Where a corrupt database was moved when this one was opened."""
        self._queued: deque[_Write[object]] = deque()
        self._write_thread, self._read_thread = WorkThread("store-write"), WorkThread("store-read")
        self._writer, self._reader = _connect(path, busy_timeout), _connect(path, busy_timeout)
        self._reader.execute("PRAGMA query_only = ON")

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        migrations: Sequence[Migration] | None = None,
        clock: Clock | None = None,
        busy_timeout: float = BUSY_TIMEOUT,
    ) -> Self:
        """Open or make the database at `path` and bring its schema up to date.

        A corrupt file is renamed, logged and named in `set_aside`; an empty one takes its place.

        Raises:
            DatabaseNewerError: a newer version wrote it; it is left as it is.
            StoreFailedError: the disk refuses, or another process holds the database.
        """
        opening = WorkThread("store-open")
        try:
            return await opening.run(
                cls._open, path, migrations, clock or SystemClock(), busy_timeout
            )
        except sqlite3.DatabaseError as error:
            raise _translated(error) from error
        finally:
            await opening.aclose()

    @classmethod
    def _open(
        cls,
        path: Path,
        migrations: Sequence[Migration] | None,
        clock: Clock,
        busy_timeout: float,
    ) -> Self:
        steps = shipped_migrations() if migrations is None else migrations
        set_aside = None
        try:
            _bring_up(path, steps, busy_timeout)
        except sqlite3.DatabaseError as error:
            if _cause(error) not in _DAMAGE:
                raise
            set_aside = _move_away(path, clock)
            logger.error("database %s is corrupt (%s); kept as %s", path, error, set_aside)  # noqa: TRY400 - the sentence says it all
            _bring_up(path, steps, busy_timeout)
        return cls(path, busy_timeout, set_aside)

    async def write(self, work: Work[T]) -> T:
        """Run `work` and return its result when it is on disk; an exception of `work` undoes it.

        Writes are done in the order of the calls; those that wait together share one commit. The
        write of a caller that is cancelled happens all the same. When the disk is full, `work` may
        run twice: what it was the first time is undone.

        Raises:
            StoreFailedError: the disk or the database file refuses.
        """
        write = _Write(work)
        self._queued.append(write)  # type: ignore[arg-type]  # its result goes back only to us
        await self._write_thread.run(self._commit_queued)
        try:
            return write.result()
        except sqlite3.DatabaseError as error:
            raise _translated(error) from error

    async def read(self, work: Work[T]) -> T:
        """Run `work`, which may only read, on what was committed last.

        Raises:
            StoreFailedError: the disk or the database file refuses.
        """
        try:
            return await self._read_thread.run(_in_snapshot, self._reader, work)
        except sqlite3.DatabaseError as error:
            raise _translated(error) from error

    async def close(self) -> None:
        """Commit what is queued and close the file."""
        await self._write_thread.run(self._commit_queued)
        await self._read_thread.run(self._reader.close)
        await self._write_thread.run(self._writer.close)
        await self._read_thread.aclose()
        await self._write_thread.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _commit_queued(self) -> None:
        """Commit what waits, together; if there is no room for all, each by itself.

        What is too large for the disk must not take along what makes room.
        """
        writes: list[_Write[object]] = []
        while self._queued:
            writes.append(self._queued.popleft())
        if writes and self._commit(writes) == sqlite3.SQLITE_FULL and len(writes) > 1:
            for write in writes:
                self._commit([write])

    def _commit(self, writes: Sequence[_Write[object]]) -> int:
        """Do `writes` in one transaction; return SQLite's code for what it was lost to, or OK."""
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            for write in writes:
                write.attempt(self._writer)
            self._writer.execute("COMMIT")
        except sqlite3.Error as error:
            for write in writes:
                write.fail(error)
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            return _cause(error)
        return sqlite3.SQLITE_OK


def _in_snapshot(connection: sqlite3.Connection, work: Work[T]) -> T:
    connection.execute("BEGIN")
    try:
        return work(connection)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _connect(path: Path, busy_timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=busy_timeout, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _bring_up(path: Path, migrations: Sequence[Migration], busy_timeout: float) -> None:
    """Make sure that the file is sound and has the schema of this version."""
    connection = _connect(path, busy_timeout)
    try:
        verdict: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise _DamagedError(verdict)
        migrate(connection, migrations)
    finally:
        connection.close()


class _DamagedError(sqlite3.DatabaseError):
    """What a failed `quick_check` is to SQLite's own reports of damage."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def _move_away(path: Path, clock: Clock) -> Path:
    """Rename the database with its companions; return its new path."""
    mark = f".corrupt-{clock.now():%Y%m%dT%H%M%SZ}"
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(path.with_name(path.name + mark + suffix))
    return path.with_name(path.name + mark)


def _cause(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _translated(error: sqlite3.Error) -> Exception:
    """Return what the outside causes as our error, and a bug as it is."""
    if _cause(error) in _OUTSIDE_CAUSES:
        return StoreFailedError(f"database: {error}")
    return error
