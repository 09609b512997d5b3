"""Events of one worker on their way to the disk."""

import asyncio

import pytest

from cad.base.errors import CadError, UnavailableError
from cad.control.tasks import intake
from cad.control.tasks.intake import EventIntake, EventTally
from cad.domain.events import RaisedEvent, UnmakeableEventError
from cad.domain.tasks import TaskRecord
from tests.control.tasks.values import event, record
from tests.waiting import until


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


async def test_an_event_without_a_document_is_counted_and_the_next_one_stored(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = StumblingStore(UnmakeableEventError("4097 characters"))
    tally, acknowledged = await taken(store)
    assert (store.stored, acknowledged) == (["e1"], ["e0", "e1"])
    assert tally == EventTally(stored=1, unmade=1)
    assert "event e0 of task t1 is lost" in caplog.text


@pytest.mark.parametrize(
    "error", [UnavailableError("database: disk is full"), IndexError(), CadError("a bug")]
)
async def test_an_event_that_is_not_stored_is_offered_again(error: Exception) -> None:
    store = StumblingStore(error)
    tally, _ = await taken(store)
    assert (store.stored, tally) == (["e0", "e1"], EventTally(stored=2, failures=1))


class RefusingStore:
    """Refuses events for ever."""

    async def store(self, event: RaisedEvent, record: TaskRecord) -> None:
        raise UnavailableError("database: disk is full")


async def test_what_the_disk_refuses_now_is_shown_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake, "DRAIN_TIME", 0.0)
    tally = EventTally()
    taker = EventIntake(RefusingStore(), lambda _: record(), tally)
    async with taker.running():
        await taker.take(event(0), lambda _: None)
        await until(lambda: tally.failures)
        shown = tally.view()
    assert (shown.refused_now, shown.last_error) == (1, "database: disk is full")
    assert tally.view().refused_now == 0
