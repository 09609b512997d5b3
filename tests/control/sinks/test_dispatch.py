"""The dispatcher over a store that fails for a while."""

import asyncio
import gc
import ssl
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import pytest
from typing_extensions import override

from cad.base.clock import SystemClock
from cad.control.sinks import receivers
from cad.control.sinks.http import HttpSinks
from cad.control.sinks.outbox import Outbox
from cad.control.sinks.ports import Sink
from cad.control.sinks.queue import MAX_REFUSALS, Outcome, Verdict
from cad.control.sinks.receivers import POSTS_PER_RECEIVER
from cad.control.store.database import Database, StoreFailedError
from cad.control.store.outbox import OutboxRepository
from cad.domain.deliveries import Delivery, QueueKey, Settled
from cad.domain.destinations import Destination
from tests.control.sinks.conftest import BOX, opened, sinks_by_type, soon
from tests.control.sinks.examples import ORIGIN, event, event_id, task
from tests.control.sinks.receiver import Receiver, answer, receiving, silence
from tests.control.sinks.test_outbox import until_settled
from tests.waiting import until


def late() -> Iterator[float]:
    return repeat(60.0)


class FailingStore(OutboxRepository):
    """An outbox on a disk that fails every other time something is delivered."""

    calls = 0

    @override
    async def head(self, queue: QueueKey) -> Delivery | None:
        self._stumble()
        return await super().head(queue)

    @override
    async def delivered(self, delivery: Delivery) -> Settled:
        self._stumble()
        return await super().delivered(delivery)

    def _stumble(self) -> None:
        self.calls += 1
        if self.calls % 3 == 0:
            raise StoreFailedError("database: disk I/O error")


async def test_events_arrive_over_a_store_that_fails_now_and_then(
    tmp_path: Path, receiver: Receiver
) -> None:
    clock = SystemClock()
    async with (
        await Database.open(tmp_path / "cad.db") as database,
        sinks_by_type(HttpSinks(ssl.create_default_context(), clock)) as sinks,
    ):
        store = FailingStore(database, BOX, limit_mb=1, clock=clock)
        async with Outbox(store, sinks, clock, lambda: ORIGIN, delays=soon) as outbox:
            for number in range(1, 6):
                await outbox.store(event(number), task(receiver.url))
            view = await until_settled(outbox)
    assert list(dict.fromkeys(receiver.ids)) == [event_id(number) for number in range(1, 6)]
    assert (view.delivered, view.waiting) == (5, 0)
    assert store.calls > 10


async def test_receivers_that_hang_leave_room_for_the_others(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "POSTS", 2)
    async with receiving() as first, receiving() as second, opened(tmp_path / "cad.db") as outbox:
        for number, each in enumerate((first, second)):
            each.faults += [answer(503), silence]
            await outbox.store(event(number, task_id=each.url), task(each.url, task_id=each.url))
            await each.until(lambda each: len(each.attempts) == 2)
        await outbox.store(event(3), task(receiver.url))
        await receiver.until(lambda receiver: receiver.ids == [event_id(3)])


class BrokenSink:
    """A sink with a bug."""

    receiver = "broken"

    async def send(self, delivery: Delivery) -> Outcome:
        raise KeyError(delivery.event_id)


async def test_a_bug_of_one_sink_keeps_its_events_and_stops_no_other(
    tmp_path: Path, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    clock = SystemClock()
    async with (
        await Database.open(tmp_path / "cad.db") as database,
        sinks_by_type(HttpSinks(ssl.create_default_context(), clock)) as sinks,
    ):

        def choose(destination: Destination) -> Sink:
            return BrokenSink() if destination.name == "http://broken" else sinks(destination)

        store = OutboxRepository(database, BOX, limit_mb=1, clock=clock)
        async with Outbox(store, choose, clock, lambda: ORIGIN, delays=soon) as outbox:
            await outbox.store(event(1), task("http://broken", receiver.url))
            await until(lambda: outbox.view().internal_errors > MAX_REFUSALS)
            await until(lambda: outbox.view().delivered)
            view = outbox.view()
    assert (view.waiting, view.dead, receiver.ids) == (1, 0, [event_id(1)])
    assert view.last_error == "broken: internal error: KeyError"
    assert "KeyError" in caplog.text


class AwaySink:
    """A receiver that is not there."""

    receiver = "away"

    async def send(self, delivery: Delivery) -> Outcome:
        return Outcome(Verdict.FAILED, "away")


def deliveries_in_memory() -> int:
    return sum(isinstance(each, Delivery) for each in gc.get_objects())


async def test_while_receivers_are_away_no_pictures_are_kept_in_memory(tmp_path: Path) -> None:
    clock = SystemClock()
    async with await Database.open(tmp_path / "cad.db") as database:
        store = OutboxRepository(database, BOX, limit_mb=1, clock=clock)
        outbox = Outbox(store, lambda _: AwaySink(), clock, lambda: ORIGIN, delays=late)
        async with outbox:
            await outbox.store(event(1), task("http://away"))
            await until(lambda: outbox.view().last_error)
            await until(lambda: deliveries_in_memory() == 0)


class HangingSink:
    """A receiver that never answers."""

    receiver = "hanging"

    async def send(self, delivery: Delivery) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError


async def test_what_waits_for_a_hanging_receiver_is_not_read_yet(tmp_path: Path) -> None:
    clock = SystemClock()
    async with await Database.open(tmp_path / "cad.db") as database:
        store = OutboxRepository(database, BOX, limit_mb=1, clock=clock)
        outbox = Outbox(store, lambda _: HangingSink(), clock, lambda: ORIGIN, delays=late)
        async with outbox:
            for number in range(8):
                record = task("http://hanging", task_id=f"task-{number}")
                await outbox.store(event(number, task_id=f"task-{number}"), record)
            await until(lambda: deliveries_in_memory() >= POSTS_PER_RECEIVER)
            await store.view()  # reads are done in their order: all others are over
            assert deliveries_in_memory() == POSTS_PER_RECEIVER


class SlowlyFailingSink:
    """A receiver that fails when it is told to."""

    receiver = "slow"

    def __init__(self) -> None:
        self.asked, self.answer = asyncio.Event(), asyncio.Event()

    async def send(self, delivery: Delivery) -> Outcome:
        self.asked.set()
        await self.answer.wait()
        return Outcome(Verdict.FAILED, "away")


async def test_a_task_deleted_during_an_attempt_leaves_no_error(tmp_path: Path) -> None:
    clock, sink = SystemClock(), SlowlyFailingSink()
    async with await Database.open(tmp_path / "cad.db") as database:
        store = OutboxRepository(database, BOX, limit_mb=1, clock=clock)
        async with Outbox(store, lambda _: sink, clock, lambda: ORIGIN, delays=soon) as outbox:
            record = task("http://slow")
            await outbox.store(event(1), record)
            await sink.asked.wait()
            await outbox.forget_task(record.order.task_id, force=True)
            sink.answer.set()
            await until(lambda: outbox.view().last_error)
            await until(lambda: not outbox.view().last_error)
