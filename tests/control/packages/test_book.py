"""The records of packages in memory."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from cad.control.packages.book import Book
from cad.domain.ids import FilePackageId, ServiceId
from cad.domain.packages import (
    AlgoPackage,
    FilePackage,
    FilePackageState,
    JournalEntry,
    Operation,
    PackageRecord,
    Step,
)

NUMBER = FilePackageId(7)
PUSH = JournalEntry(operation=Operation.PUSH, subject=NUMBER, step=Step.UNPACK)
INSTALL = JournalEntry(operation=Operation.INSTALL, subject=ServiceId("A"), step=Step.PREPARE)
PACKAGE = FilePackage(
    file_package_id=NUMBER,
    state=FilePackageState.FAILED,
    created_at=datetime(2026, 11, 22, tzinfo=UTC),
)

Loaded = tuple[Sequence[FilePackage], Sequence[AlgoPackage], Sequence[JournalEntry]]


class Stored:
    """A store that holds what it was made with, and writes when it may."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self.is_asked, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def load(self) -> Loaded:
        return self._loaded

    async def apply(
        self, *, keep: Sequence[PackageRecord] = (), forget: Sequence[PackageRecord] = ()
    ) -> None:
        self.is_asked.set()
        await self.may_go_on.wait()


async def test_operations_on_records_that_are_lost_are_given_up() -> None:
    book = Book(Stored(([PACKAGE], [], [PUSH, INSTALL])))
    await book.load()
    assert (book.files, book.entries) == ({NUMBER: PACKAGE}, {})


async def test_a_cancelled_caller_waits_until_memory_and_store_say_the_same() -> None:
    store = Stored(([], [], []))
    book = Book(store)
    async with asyncio.TaskGroup() as group:
        caller = group.create_task(book.apply(keep=[PACKAGE]))
        await store.is_asked.wait()
        caller.cancel()
        await asyncio.sleep(0)
        assert not caller.done()
        store.may_go_on.set()
    assert caller.cancelled()
    assert book.files == {NUMBER: PACKAGE}
