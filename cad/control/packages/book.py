"""What is known of packages: in memory for whoever asks, in the store before anybody is told."""

import asyncio
import logging
from collections.abc import Sequence
from typing import assert_never

from cad.control.packages.ports import PackageStore
from cad.domain.ids import FilePackageId, ServiceId
from cad.domain.packages import (
    AlgoPackage,
    FilePackage,
    FilePackageState,
    JournalEntry,
    PackageRecord,
)

logger = logging.getLogger(__name__)

Subject = FilePackageId | ServiceId


class Book:
    """The records by their keys. Used by the loop only."""

    def __init__(self, store: PackageStore) -> None:
        self._store = store
        self.files: dict[FilePackageId, FilePackage] = {}
        self.packages: dict[ServiceId, AlgoPackage] = {}
        self.entries: dict[Subject, JournalEntry] = {}

    async def load(self) -> None:
        """Take up what is stored, without operations on what the store has lost."""
        for records in await self._store.load():
            for record in records:
                self.show(record)
        for subject in [subject for subject in self.entries if not self._is_there(subject)]:
            logger.error("%s of %s is given up", self.entries.pop(subject).operation, subject)

    def _is_there(self, subject: Subject) -> bool:
        if not isinstance(subject, int):
            return subject in self.packages
        package = self.files.get(subject)
        return package is not None and package.state is not FilePackageState.FAILED

    async def apply(
        self, *, keep: Sequence[PackageRecord] = (), forget: Sequence[PackageRecord] = ()
    ) -> None:
        """Store and show records, and forget others, all or nothing.

        Whoever is cancelled meanwhile waits for the end all the same, and leaves memory and store
        saying the same.
        """
        writing = asyncio.ensure_future(self._apply(keep, forget))  # noqa: TID251 - awaited below, come what may
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])
            raise

    async def _apply(self, keep: Sequence[PackageRecord], forget: Sequence[PackageRecord]) -> None:
        await self._store.apply(keep=keep, forget=forget)
        for record in forget:
            self._hide(record)
        for record in keep:
            self.show(record)

    def show(self, record: PackageRecord) -> None:
        """Show a record without storing it: progress, which a restart may lose."""
        match record:
            case FilePackage():
                self.files[record.file_package_id] = record
            case AlgoPackage():
                self.packages[record.code] = record
            case JournalEntry():
                self.entries[record.subject] = record
            case _:
                assert_never(record)

    def _hide(self, record: PackageRecord) -> None:
        match record:
            case FilePackage():
                self.files.pop(record.file_package_id, None)
            case AlgoPackage():
                self.packages.pop(record.code, None)
            case JournalEntry():
                self.entries.pop(record.subject, None)
            case _:
                assert_never(record)
