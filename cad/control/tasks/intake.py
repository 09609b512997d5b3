"""Events on their way from a worker to the disk."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from cad.base.backoff import backoff
from cad.base.errors import UnavailableError
from cad.control.tasks.ports import EventStore
from cad.domain.events import RaisedEvent, UnmakeableEventError
from cad.domain.ids import EventId, TaskId
from cad.domain.tasks import TaskRecord
from cad.domain.views import IntakeView

logger = logging.getLogger(__name__)

QUEUE_LENGTH = 128
"""Events read and not yet stored; each holds its pictures, some hundred kilobytes. A worker has
fewer without an acknowledgement, so that one in order never keeps its own reports from being read.
"""
DRAIN_TIME = 5.0
LONGEST_DELAY = 10.0

Acknowledge = Callable[[RaisedEvent], None]
Records = Callable[[RaisedEvent], TaskRecord | None]
"""Returns the task as it was when the event was raised, None if it is no more."""


@dataclass(slots=True)
class EventTally:
    """What became of the events of all workers since the daemon started."""

    stored: int = 0
    orphaned: int = 0
    """Of tasks that are no more: acknowledged, not stored."""
    failures: int = 0
    """Tries to store that failed; each was repeated."""
    unmade: int = 0
    """Of which no document could be made: acknowledged, not stored."""
    refusals: dict[EventId, str] = field(default_factory=dict)
    """Those that cannot be stored now, with the reason of the last try."""

    def refuse(self, event_id: EventId, reason: str) -> None:
        """Take note of a try to store that failed."""
        self.failures += 1
        self.refusals.pop(event_id, None)
        self.refusals[event_id] = reason

    def view(self) -> IntakeView:
        """Return the tally as people see it."""
        return IntakeView(
            stored=self.stored,
            orphaned=self.orphaned,
            unmade=self.unmade,
            failures=self.failures,
            refused_now=len(self.refusals),
            last_error=next(reversed(self.refusals.values()), ""),
        )


class EventIntake:
    """Stores the events of one worker in their order; each is acknowledged when it is on disk."""

    def __init__(self, store: EventStore, records: Records, tally: EventTally) -> None:
        self._store, self._records, self._tally = store, records, tally
        self._queue: asyncio.Queue[tuple[RaisedEvent, Acknowledge]] = asyncio.Queue(QUEUE_LENGTH)
        self._waiting: Counter[TaskId] = Counter()

    @property
    def is_full(self) -> bool:
        """Whether `take` would wait."""
        return self._queue.full()

    async def take(self, event: RaisedEvent, acknowledge: Acknowledge) -> None:
        """Queue `event`; waits while too many wait for the disk."""
        self._waiting[event.task_id] += 1
        await self._queue.put((event, acknowledge))

    def waiting(self, task_id: TaskId) -> int:
        """Return how many events of a task are read and not stored."""
        return self._waiting[task_id]

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Store events while the context is open; on leaving, what was read is stored, or given up.

        An event that is given up was never acknowledged, and is named in the log.
        """
        async with asyncio.TaskGroup() as group:
            storing = group.create_task(self._store_all(), name="event-intake")
            try:
                yield
            finally:
                await self._drain()
                storing.cancel()

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(DRAIN_TIME):
                await self._queue.join()
        except TimeoutError:
            left = +self._waiting
            logger.error("%d events could not be stored before the end: %s", left.total(), left)  # noqa: TRY400 - the sentence says it all

    async def _store_all(self) -> None:
        while True:
            event, acknowledge = await self._queue.get()
            await self._store_one(event)
            self._waiting[event.task_id] -= 1
            self._waiting += Counter()  # drops the zeros
            self._queue.task_done()
            acknowledge(event)

    async def _store_one(self, event: RaisedEvent) -> None:
        """Store `event`, however long the disk refuses."""
        try:
            for delay in backoff(0.2, LONGEST_DELAY):
                if await self._is_settled(event):
                    break
                await asyncio.sleep(delay)
        finally:
            self._tally.refusals.pop(event.event_id, None)

    async def _is_settled(self, event: RaisedEvent) -> bool:
        """Try once to store `event`; return whether it may be acknowledged.

        One that cannot be made a document never can be, and would hold up all others of its worker;
        after any other error, a mistake of our own included, it is offered again.
        """
        event_id, record = event.event_id, self._records(event)
        if record is None:
            self._tally.orphaned += 1
            logger.warning("event %s: task %s or its rule is no more", event_id, event.task_id)
            return True
        try:
            await self._store.store(event, record)
        except UnmakeableEventError:
            self._tally.unmade += 1
            logger.exception("event %s of task %s is lost", event_id, event.task_id)
            return True
        except UnavailableError as error:
            logger.warning("event %s is not stored yet: %s", event_id, error)
            self._tally.refuse(event_id, str(error))
            return False
        except Exception as error:
            logger.exception("event %s is not stored yet", event_id)
            self._tally.refuse(event_id, f"internal error: {type(error).__name__}")
            return False
        self._tally.stored += 1
        return True
