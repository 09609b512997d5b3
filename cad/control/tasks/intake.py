"""Events on their way from a worker to the disk."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cad.base.backoff import backoff
from cad.base.errors import UnavailableError
from cad.control.tasks.ports import EventStore
from cad.domain.events import RaisedEvent
from cad.domain.ids import TaskId
from cad.domain.tasks import TaskRecord

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
        """Store `event`, however long the disk refuses.

        One that cannot be made a document never can be, and would hold up all others of its worker.
        """
        delays = backoff(0.2, LONGEST_DELAY)
        while (record := self._records(event)) is not None:
            try:
                await self._store.store(event, record)
            except UnavailableError as error:
                self._tally.failures += 1
                logger.warning("event %s is not stored yet: %s", event.event_id, error)
                await asyncio.sleep(next(delays))
            except Exception:
                self._tally.unmade += 1
                logger.exception("event %s of task %s is lost", event.event_id, event.task_id)
                return
            else:
                self._tally.stored += 1
                return
        self._tally.orphaned += 1
        logger.warning("event %s: task %s or its rule is no more", event.event_id, event.task_id)
