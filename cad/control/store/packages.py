"""Packages and their journal in the database."""

import dataclasses
import logging
import sqlite3
from collections.abc import Sequence
from typing import assert_never

import msgspec

from cad.control.store.database import Database
from cad.control.store.records import read_record, read_records
from cad.control.store.secrets import SecretBox, SecretKeyError
from cad.domain.packages import (
    AlgoPackage,
    FilePackage,
    FilePackageState,
    JournalEntry,
    PackageRecord,
)

logger = logging.getLogger(__name__)

LOST_ADDRESSES = (
    "the addresses of its archive and licence were encrypted with another key than this device has"
)

_Loaded = tuple[Sequence[FilePackage], Sequence[AlgoPackage], Sequence[JournalEntry]]


class PackageRepository:
    """Keeps records of packages; the URLs of archives and licences are encrypted."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._database, self._box = database, box

    async def load(self) -> _Loaded:
        """Return all file packages, algorithm packages and journal entries."""
        return await self._database.read(self._load)

    async def apply(
        self, *, keep: Sequence[PackageRecord] = (), forget: Sequence[PackageRecord] = ()
    ) -> None:
        """Keep records, in place of those of the same key, and forget others: all or nothing."""
        await self._database.write(lambda connection: self._apply(connection, keep, forget))

    def _load(self, connection: sqlite3.Connection) -> _Loaded:
        files = connection.execute(
            "SELECT file_package_id, url, license_file, record FROM file_package "
            "ORDER BY file_package_id"
        )
        packages = connection.execute("SELECT code, record FROM algo_package ORDER BY code")
        entries = connection.execute("SELECT subject, record FROM package_journal ORDER BY rowid")
        found = [self._file_package(*row) for row in files]
        return (
            [package for package in found if package is not None],
            read_records(AlgoPackage, packages),
            read_records(JournalEntry, entries),
        )

    def _file_package(
        self, number: int, url: bytes, licence: bytes, record: str
    ) -> FilePackage | None:
        package = read_record(FilePackage, number, record)
        if package is None:
            return None
        try:
            opened = self._box.decrypt(url), self._box.decrypt(licence)
        except SecretKeyError as error:
            logger.warning("file package %s: %s", number, error)
            return _without_addresses(package)
        return dataclasses.replace(package, url=opened[0], license_file=opened[1])

    def _apply(
        self,
        connection: sqlite3.Connection,
        keep: Sequence[PackageRecord],
        forget: Sequence[PackageRecord],
    ) -> None:
        # A file package is kept before, and forgotten after, the packages that came with it.
        for record in sorted(keep, key=_is_dependent):
            self._keep(connection, record)
        for record in sorted(forget, key=_is_dependent, reverse=True):
            _forget(connection, record)

    def _keep(self, connection: sqlite3.Connection, record: PackageRecord) -> None:
        match record:
            case FilePackage():
                text = _text(dataclasses.replace(record, url="", license_file=""))
                url, licence = map(self._box.encrypt, (record.url, record.license_file))
                connection.execute(
                    "INSERT INTO file_package (file_package_id, url, license_file, record) "
                    "VALUES (?, ?, ?, ?) ON CONFLICT (file_package_id) DO UPDATE SET "
                    "url = excluded.url, license_file = excluded.license_file, "
                    "record = excluded.record",
                    (record.file_package_id, url, licence, text),
                )
            case AlgoPackage():
                connection.execute(
                    "INSERT INTO algo_package VALUES (?, ?, ?) ON CONFLICT (code) DO UPDATE SET "
                    "file_package_id = excluded.file_package_id, record = excluded.record",
                    (record.code, record.file_package_id, _text(record)),
                )
            case JournalEntry():
                connection.execute(
                    "INSERT INTO package_journal VALUES (?, ?) "
                    "ON CONFLICT (subject) DO UPDATE SET record = excluded.record",
                    (_subject(record), _text(record)),
                )
            case _:
                assert_never(record)


def _without_addresses(package: FilePackage) -> FilePackage:
    """Return `package` without what cannot be decrypted; what is here stays of use."""
    if package.state in {FilePackageState.DOWNLOADING, FilePackageState.VERIFYING}:
        package = dataclasses.replace(package, state=FilePackageState.FAILED)
    return dataclasses.replace(package, reason=LOST_ADDRESSES)


def _forget(connection: sqlite3.Connection, record: PackageRecord) -> None:
    match record:
        case FilePackage():
            connection.execute(
                "DELETE FROM file_package WHERE file_package_id = ?", (record.file_package_id,)
            )
        case AlgoPackage():
            connection.execute("DELETE FROM algo_package WHERE code = ?", (record.code,))
        case JournalEntry():
            connection.execute("DELETE FROM package_journal WHERE subject = ?", (_subject(record),))
        case _:
            assert_never(record)


def _is_dependent(record: PackageRecord) -> bool:
    return isinstance(record, AlgoPackage)


def _subject(entry: JournalEntry) -> str:
    kind = "file" if isinstance(entry.subject, int) else "algo"
    return f"{kind}:{entry.subject}"


def _text(record: PackageRecord) -> str:
    return msgspec.json.encode(record).decode()
