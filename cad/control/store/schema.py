"""Numbered migrations: from whatever a database holds to what this version needs.

A migration is a file `migrations/NNNN_name.sql`. The applied ones are kept as a set, not only as
the highest number, so that parts of the product may add theirs independently.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from cad.base.errors import CadError

_LEDGER = """
CREATE TABLE IF NOT EXISTS migration (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT
"""


class DatabaseNewerError(CadError):
    """The database was written by a newer version of the product; it is left as it is."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(
            f"the database has schema version {found}, this program knows versions up to {known}; "
            "install the version that wrote it or a later one"
        )
        self.found, self.known = found, known


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    number: int
    name: str
    sql: str


def shipped_migrations() -> Sequence[Migration]:
    """Return the migrations of this version, in order of their numbers."""
    return read_migrations(files(__package__) / "migrations")


def read_migrations(folder: Traversable) -> Sequence[Migration]:
    """Return the migrations in `folder`, in order; two of one number are a LookupError."""
    found: dict[int, Migration] = {}
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if not entry.name.endswith(".sql"):
            continue
        number = int(entry.name.split("_", 1)[0])
        if number in found:
            raise LookupError(f"two migrations have the number {number}: {entry.name}")
        found[number] = Migration(number, entry.name, entry.read_text(encoding="utf-8"))
    return sorted(found.values(), key=lambda migration: migration.number)


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    """Apply the migrations that `connection` lacks, each in a transaction of its own.

    Raises:
        DatabaseNewerError: one was applied that this version does not know.
    """
    known = {migration.number: migration for migration in migrations}
    applied = _applied(connection)
    _refuse_newer(connection, known, applied)
    connection.execute(_LEDGER)
    for migration in migrations:
        if migration.number not in applied:
            _apply(connection, migration)


def _applied(connection: sqlite3.Connection) -> set[int]:
    ledger = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'migration'"
    if connection.execute(ledger).fetchone()[0] == 0:
        return set()
    return {number for (number,) in connection.execute("SELECT number FROM migration")}


def _refuse_newer(
    connection: sqlite3.Connection, known: Mapping[int, Migration], applied: set[int]
) -> None:
    highest = max(known, default=0)
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    found = max(version, *applied, 0)
    if found > highest or not applied <= known.keys():
        raise DatabaseNewerError(found, highest)


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    ledger = f"INSERT INTO migration (number, name) VALUES ({migration.number}, '{migration.name}')"  # noqa: S608 — our own file names; a script takes no parameters
    try:
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{migration.sql}\n;{ledger};"
            f"PRAGMA user_version = {max(version, migration.number)};COMMIT;"
        )
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
