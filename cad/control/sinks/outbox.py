"""The outbox: takes events over from the analysis, and lets go of them when they have arrived."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Self

from cad.base.backoff import backoff
from cad.base.clock import Clock
from cad.control.sinks.dispatch import Delays, Dispatcher
from cad.control.sinks.gauge import OutboxGauge
from cad.control.sinks.ports import OutboxStore, Sinks
from cad.domain.deliveries import DeadLetter, NewEvent, StoredEvent
from cad.domain.events import RaisedEvent, UnmakeableEventError
from cad.domain.ids import EventId, TaskId
from cad.domain.tasks import TaskRecord
from cad.domain.views import OutboxView
from cad.wire.event import EventDocument, EventOrigin

logger = logging.getLogger(__name__)

TAIL_LENGTH = 100
"""Events that wait for a reader of `tail`; a slower one loses the oldest."""


class Outbox:
    """Keeps events and delivers them while its context is open."""

    def __init__(
        self,
        store: OutboxStore,
        sinks: Sinks,
        clock: Clock,
        origin: Callable[[], EventOrigin],
        *,
        delays: Delays = backoff,
    ) -> None:
        """Take over nothing yet.

        Args:
            store: where events are kept.
            sinks: how they travel.
            clock: measures delays and latencies.
            origin: what the device adds to an event that it stores now.
            delays: between the tries to deliver an event.
        """
        self._store, self._clock, self._origin = store, clock, origin
        self._gauge = OutboxGauge()
        self._dispatcher = Dispatcher(store, sinks, clock, self._gauge, delays)
        self._counts: dict[TaskId, int] = {}
        self._tails: set[asyncio.Queue[bytes]] = set()

    async def __aenter__(self) -> Self:
        self._counts = dict(await self._store.sequences())
        self._gauge.changed(await self._store.view())
        await self._dispatcher.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._dispatcher.__aexit__(kind, error, trace)

    async def store(self, event: RaisedEvent, record: TaskRecord) -> None:
        """Take over `event`, which a rule of `record` raised; it is on disk when this returns.

        An event that is offered again, after a crash in between, is not stored a second time.

        Raises:
            StoreFailedError: the disk refuses; the event is to be offered again.
            UnmakeableEventError: no document can be made of the event, now or ever.
        """
        document = partial(_document, event, record, self._origin())
        stored = await self._store.add(_new_event(event, record), document)
        if stored is not None:
            self._gauge.stored(self._clock.monotonic() - event.received)
            self._announce(event.task_id, stored)

    def view(self) -> OutboxView:
        """Return the outbox as it is now; cheap."""
        return self._gauge.view

    def counts(self, task_id: TaskId) -> int:
        """Return how many events of the task were stored since it was made."""
        return self._counts.get(task_id, 0)

    async def tail(self) -> AsyncGenerator[bytes]:
        """Yield each event stored from now on: its document, JSON without images.

        A reader that is too slow loses events, not memory.
        """
        queue = asyncio.Queue[bytes](TAIL_LENGTH)
        self._tails.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._tails.discard(queue)

    async def forget_task(self, task_id: TaskId, *, force: bool) -> None:
        """Take note that the task is deleted; deliver its events still, or drop them (`force`)."""
        self._gauge.changed(await self._store.forget(task_id, force=force))
        self._counts.pop(task_id, None)
        if force:
            self._gauge.forget(task_id)

    async def dead(self, limit: int) -> Sequence[DeadLetter]:
        """Return at most `limit` of what was put aside, oldest first."""
        return await self._store.dead(limit)

    async def resend(self, event_ids: Sequence[EventId] | None) -> int:
        """Try again to deliver what was put aside of `event_ids`, None = all.

        Returns:
            How many deliveries that are; unknown events are no error.
        """
        revived = await self._store.revive(event_ids)
        self._gauge.changed(revived.view)
        self._dispatcher.wake(revived.queues)
        return revived.count

    def _announce(self, task_id: TaskId, stored: StoredEvent) -> None:
        self._counts[task_id] = stored.sequence
        self._gauge.changed(stored.view)
        for event_id in stored.dropped:
            logger.error("event %s is dropped: the outbox is full (outbox_limit_mb)", event_id)
        for queue in self._tails:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(stored.document)
        self._dispatcher.wake(stored.queues)


def _new_event(event: RaisedEvent, record: TaskRecord) -> NewEvent:
    return NewEvent(
        event_id=event.event_id,
        task_id=event.task_id,
        destinations=record.destinations[event.rule_index],
        full_image=event.full_image,
        crop_image=event.crop_image,
    )


def _document(event: RaisedEvent, record: TaskRecord, origin: EventOrigin, sequence: int) -> bytes:
    """Return the JSON of `event`, whatever a worker may have put into it.

    Raises:
        UnmakeableEventError: it cannot be said in JSON.
    """
    try:
        return EventDocument.from_event(event, record, origin, sequence=sequence).to_json()
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise UnmakeableEventError(f"no document: {error}") from error
