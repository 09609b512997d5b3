"""Events of two workers while the disk is full: from their intakes to the database."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from typing_extensions import override

from cad.base.clock import SystemClock
from cad.control.sinks.outbox import Outbox
from cad.control.sinks.queue import Outcome, Verdict
from cad.control.store.database import Database, StoreFailedError
from cad.control.store.outbox import OutboxRepository
from cad.control.tasks.intake import EventIntake, EventTally
from cad.domain.deliveries import Delivery, QueueKey
from tests.control.sinks.conftest import BOX, soon
from tests.control.sinks.examples import ORIGIN, event, event_id, task
from tests.waiting import until

RECORD = task("http://receiver/")
LARGE = bytes(1_000_000)
PLENTY = 100_000


class AwaySink:
    """A receiver that is not there."""

    receiver = "receiver"

    async def send(self, delivery: Delivery) -> Outcome:
        return Outcome(Verdict.FAILED, "away")


def limit_pages(connection: sqlite3.Connection, count: int) -> None:
    """Let the database grow by at most `count` pages: to SQLite, the disk is full then."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + count}")


@asynccontextmanager
async def outbox_on(database: Database) -> AsyncIterator[Outbox]:
    clock = SystemClock()
    store = OutboxRepository(database, BOX, limit_mb=64, clock=clock)
    async with Outbox(store, lambda _: AwaySink(), clock, lambda: ORIGIN, delays=soon) as outbox:
        yield outbox


async def test_a_full_disk_keeps_events_waiting_and_loses_none(tmp_path: Path) -> None:
    acknowledged, tally = set[str](), EventTally()
    async with await Database.open(tmp_path / "cad.db") as database, outbox_on(database) as outbox:
        await database.write(lambda c: limit_pages(c, 20))
        intakes = [EventIntake(outbox, lambda _: RECORD, tally) for _ in range(2)]
        async with intakes[0].running(), intakes[1].running():
            for number, image in enumerate([LARGE, b"small", LARGE, LARGE]):
                take = intakes[number % 2].take
                await take(event(number, image=image), lambda e: acknowledged.add(e.event_id))
            await until(lambda: tally.failures >= 4)
            assert acknowledged <= {event_id(1)}
            await database.write(lambda c: limit_pages(c, PLENTY))
            await until(lambda: len(acknowledged) == 4)
        assert (tally.stored, tally.unmade, outbox.view().waiting) == (4, 0, 4)


async def test_what_makes_room_is_written_while_the_disk_is_full(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "cad.db") as database, outbox_on(database) as outbox:
        await outbox.store(event(1, image=LARGE), RECORD)
        await database.write(lambda c: limit_pages(c, 5))
        async with asyncio.TaskGroup() as group:
            storing = [group.create_task(refused(outbox, number)) for number in (2, 3)]
            group.create_task(outbox.forget_task(RECORD.order.task_id, force=True))
        assert all(task.result() for task in storing)
        assert outbox.view().waiting == 0


async def refused(outbox: Outbox, number: int) -> bool:
    """Return whether the disk has no room for an event of three times what is there."""
    with pytest.raises(StoreFailedError, match="full"):
        await outbox.store(event(number, image=LARGE * 3), RECORD)
    return True


class UnreadableOutbox(OutboxRepository):
    """An outbox on a disk that can be written and, once it is open, not read."""

    is_open = False

    @override
    async def queues(self) -> Sequence[QueueKey]:
        if self.is_open:
            raise StoreFailedError("database: disk I/O error")
        self.is_open = True
        return await super().queues()


async def test_storing_has_nothing_left_to_fail_once_the_event_is_on_disk(tmp_path: Path) -> None:
    clock = SystemClock()
    async with await Database.open(tmp_path / "cad.db") as database:
        store = UnreadableOutbox(database, BOX, limit_mb=1, clock=clock)
        async with Outbox(
            store, lambda _: AwaySink(), clock, lambda: ORIGIN, delays=soon
        ) as outbox:
            for number in range(3):
                await outbox.store(event(number, image=LARGE), RECORD)
            assert outbox.view().dropped == 2
