"""Events of one worker on their way to the disk."""

import asyncio

import pytest

from cad.base.errors import CadError, UnavailableError
from cad.control.tasks.intake import EventIntake, EventTally
from cad.domain.events import RaisedEvent
from cad.domain.tasks import TaskRecord
from tests.control.tasks.values import event, record


class StumblingStore:
    """Stores events; raises what it is told to before."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.stored: list[str] = []

    async def store(self, event: RaisedEvent, record: TaskRecord) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.stored.append(event.event_id)


async def taken(store: StumblingStore) -> tuple[EventTally, list[str]]:
    """Hand two events over; return what became of them, and which were acknowledged."""
    tally, acknowledged, done = EventTally(), list[str](), asyncio.Event()

    def acknowledge(event: RaisedEvent) -> None:
        acknowledged.append(event.event_id)
        if len(acknowledged) == 2:
            done.set()

    intake = EventIntake(store, lambda _: record(), tally)
    async with asyncio.timeout(5), intake.running():
        for number in range(2):
            await intake.take(event(number), acknowledge)
        await done.wait()
    return tally, acknowledged


@pytest.mark.parametrize("bug", [ValueError("4097 characters"), IndexError(), CadError("final")])
async def test_an_event_without_a_document_is_counted_and_the_next_one_stored(
    bug: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    store = StumblingStore(bug)
    tally, acknowledged = await taken(store)
    assert (store.stored, acknowledged) == (["e1"], ["e0", "e1"])
    assert tally == EventTally(stored=1, unmade=1)
    assert "event e0 of task t1 is lost" in caplog.text


async def test_an_event_that_the_disk_refuses_is_offered_again() -> None:
    store = StumblingStore(UnavailableError("database: disk is full"))
    tally, _ = await taken(store)
    assert (store.stored, tally) == (["e0", "e1"], EventTally(stored=2, failures=1))
