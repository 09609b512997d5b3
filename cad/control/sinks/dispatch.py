"""Empties the queues: in order within each, one not minding the others."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self

from cad.base.backoff import backoff
from cad.base.clock import Clock
from cad.base.errors import UnavailableError
from cad.control.sinks.gauge import OutboxGauge
from cad.control.sinks.ports import OutboxStore, Sink, Sinks
from cad.control.sinks.queue import DeliveryQueue, Outcome, Step, Verdict
from cad.control.sinks.receivers import Receivers
from cad.domain.deliveries import Delivery, QueueKey

logger = logging.getLogger(__name__)

Delays = Callable[[], Iterator[float]]
"""Starts a series of growing delays, in seconds."""


class Dispatcher:
    """Delivers what waits while its context is open. Leaving it breaks off what is under way."""

    def __init__(
        self,
        store: OutboxStore,
        sinks: Sinks,
        clock: Clock,
        gauge: OutboxGauge,
        delays: Delays = backoff,
    ) -> None:
        self._store, self._sinks, self._clock = store, sinks, clock
        self._gauge, self._delays = gauge, delays
        self._receivers = Receivers()
        self._running: set[QueueKey] = set()
        self._woken: set[QueueKey] = set()
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self.wake(await self._store.queues())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(kind, error, trace)

    def wake(self, queues: Iterable[QueueKey]) -> None:
        """Take note that something waits in each of `queues`."""
        for queue in queues:
            self._woken.add(queue)
            if queue not in self._running:
                self._running.add(queue)
                task = self._group.create_task(self._serve(queue), name=f"queue-{queue.task_id}")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _serve(self, queue: QueueKey) -> None:
        """Empty `queue`; when the store fails, go on later."""
        delays, sink = self._delays(), self._sinks(queue.destination)
        with self._receivers.serving(sink.receiver):
            while queue in self._woken:
                self._woken.discard(queue)
                try:
                    await self._empty(queue, sink)
                except UnavailableError as error:
                    logger.warning("outbox of task %s: %s", queue.task_id, error)
                    self._woken.add(queue)
                    await asyncio.sleep(next(delays))
        self._running.discard(queue)

    async def _empty(self, queue: QueueKey, sink: Sink) -> None:
        course = DeliveryQueue(self._delays)
        while await self._advance(queue, sink, course):  # noqa: ASYNC110 - nobody tells when
            await asyncio.sleep(max(0.0, course.due - self._clock.monotonic()))

    async def _advance(self, queue: QueueKey, sink: Sink, course: DeliveryQueue) -> bool:
        """Try the first delivery of `queue` once; return False if none waits.

        Its pictures are in memory only while it has room at its receiver: neither before nor during
        the delay that follows.
        """
        async with self._receivers.room(sink.receiver):
            delivery = await self._store.head(queue)
            if delivery is None:
                self._gauge.emptied(queue)
                return False
            outcome = await _sent(sink, delivery)
        self._receivers.note(sink.receiver, failed=outcome.verdict is Verdict.FAILED)
        had_failed = course.failures > 0
        step = course.take(outcome, self._clock.monotonic(), delivery.number)
        self._report(queue, outcome, had_failed=had_failed)
        await self._settle(delivery, outcome.reason, step)
        return True

    async def _settle(self, delivery: Delivery, reason: str, step: Step) -> None:
        """Do with the event what its queue decided."""
        if step is Step.FORGET:
            settled = await self._store.delivered(delivery)
            self._gauge.changed(settled.view)
            self.wake(settled.released)
        elif step is Step.BURY:
            task_id = delivery.queue.task_id
            logger.error("event %s of task %s is put aside: %s", delivery.event_id, task_id, reason)
            self._gauge.changed(await self._store.bury(delivery, reason))

    def _report(self, queue: QueueKey, outcome: Outcome, *, had_failed: bool) -> None:
        """Show how the queue fares; log when it begins to fail and when that is over."""
        if outcome.verdict is Verdict.BROKEN:
            self._gauge.broke()
        if outcome.verdict is not Verdict.DELIVERED:
            self._gauge.failed(queue, outcome.reason)
            if not had_failed:
                logger.warning("events of task %s wait: %s", queue.task_id, outcome.reason)
            return
        self._gauge.succeeded(queue)
        if had_failed:
            logger.info("events of task %s are taken again", queue.task_id)


async def _sent(sink: Sink, delivery: Delivery) -> Outcome:
    """Return what an attempt came to; whatever a receiver answers, it ends no other queue."""
    try:
        return await sink.send(delivery)
    except Exception as error:
        logger.exception("event %s to %s", delivery.event_id, sink.receiver)
        reason = f"{sink.receiver}: internal error: {type(error).__name__}"
        return Outcome(Verdict.BROKEN, reason)
