"""Obeys the daemon's orders and reports back."""

import asyncio
import logging
import os
import resource
from pathlib import Path

from cad import __version__
from cad.analysis.pipeline.alarm import Alarm
from cad.analysis.pipeline.scheduler import Scheduler
from cad.analysis.pipeline.service import Service
from cad.analysis.worker.assignment import Assignment
from cad.analysis.worker.link import Link
from cad.analysis.worker.loader import Loader
from cad.analysis.worker.ports import Engines, Streams
from cad.analysis.worker.routes import Routes
from cad.base.clock import Clock
from cad.base.threads import WorkThread
from cad.domain.events import RaisedEvent
from cad.domain.faults import Fault
from cad.domain.ids import TaskId
from cad.protocols.worker.messages import (
    EventRaised,
    EventStored,
    Hello,
    LoadService,
    MoveTasks,
    Order,
    Report,
    Shutdown,
    StartTask,
    StopTask,
    UnloadService,
)

logger = logging.getLogger(__name__)

REPORT_INTERVAL = 0.5
"""Seconds; the daemon takes a longer silence for a hang."""

FAREWELL = 4.0
"""Seconds for an orderly stop, the daemon's storing of the last events included."""

PAGE_BYTES = resource.getpagesize()


class Worker:
    """One analysis worker from its first word to its last. Lives on one loop.

    What other threads have to say (an event, a failed service, a failed task) is handed to the loop
    with `call_soon_threadsafe`; whatever decides runs there.
    """

    def __init__(
        self, link: Link, streams: Streams, engines: Engines, threads: int, clock: Clock
    ) -> None:
        """Put the parts together; `run` sets them going.

        Args:
            link: the daemon.
            streams: reads streams; closed when the worker ends.
            engines: loads algorithms.
            threads: inference threads.
            clock: the time.
        """
        self._link, self._streams, self._clock = link, streams, clock
        self._call = asyncio.get_running_loop().call_soon_threadsafe
        self._alarm = Alarm(
            clock, emit=self._on_event, on_room=self._on_room, on_fault=self._on_task_fault
        )
        self._scheduler = Scheduler(
            threads, clock, may_start=self._may_start, on_failure=self._on_service_fault
        )
        routes = Routes(streams, self._scheduler, self._alarm, clock, self._on_task_fault)
        self._assignment = Assignment(streams, routes, self._scheduler, self._alarm, clock)
        self._loader = Loader(engines, self._scheduler, self._assignment, link.send, clock)
        self._stopping, self._stored = asyncio.Event(), asyncio.Event()
        self._daemon_gone = False

    def stop(self) -> None:
        """End in good order: no more frames, but every event."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until asked to stop or until the daemon is gone.

        Raises:
            ExceptionGroup: of a `ProtocolBrokenError`, or of a bug.
        """
        self._alarm.start()
        self._scheduler.start()
        providers = await self._loader.providers()
        self._link.send(Hello(os.getpid(), __version__, providers, self._scheduler.threads))
        async with asyncio.TaskGroup() as group:
            jobs = (self._loader.run(), self._report_always(), self._obey_all())
            tasks = [group.create_task(job) for job in jobs]
            await self._stopping.wait()
            await self._wind_down()
            for task in tasks:
                task.cancel()
        self._link.close()

    async def _obey_all(self) -> None:
        async for order in self._link.orders():
            self._obey(order)
        logger.warning("state=ending reason=%s", "the daemon closed the socket")
        self._daemon_gone = True
        self._stored.set()
        self.stop()

    def _obey(self, order: Order) -> None:
        match order:
            case LoadService(service=service):
                self._loader.load(service)
            case UnloadService(service_id=service_id):
                self._loader.unload(service_id)
            case StartTask(task=task):
                self._assignment.start(task)
            case StopTask(task_id=task_id):
                self._assignment.stop(task_id)
            case MoveTasks(service_id=service_id, to=to):
                self._assignment.move(service_id, to)
            case EventStored(event_id=event_id):
                self._alarm.acknowledge(event_id)
                self._stored.set()
            case Shutdown():
                self.stop()

    async def _report_always(self) -> None:
        """Report twice a second; while the daemon takes nothing, nothing piles up."""
        while True:
            await self._link.flushed()
            self._link.send(self._report(await asyncio.to_thread(_resident_bytes)))
            await asyncio.sleep(REPORT_INTERVAL)

    def _report(self, resident_bytes: int) -> Report:
        statuses = tuple(self._streams.statuses())
        used = resource.getrusage(resource.RUSAGE_SELF)
        return Report(
            monotonic=self._clock.monotonic(),
            streams=statuses,
            tasks=tuple(self._assignment.task_reports(statuses)),
            services=tuple(self._assignment.service_reports()),
            oldest_inference=self._scheduler.oldest_call(),
            cpu_seconds=used.ru_utime + used.ru_stime,
            resident_bytes=resident_bytes,
            stranded=self._streams.stranded(),
        )

    async def _wind_down(self) -> None:
        """Stop inferring and reading, then see the last events to the daemon if it is there."""
        if self._daemon_gone:
            return
        closing = WorkThread("closing")
        try:
            async with asyncio.timeout(FAREWELL):
                await closing.run(self._scheduler.close)
                await closing.run(self._alarm.close)
                await self._streams.close_all()
                await self._all_stored()
        except TimeoutError:
            missing = self._alarm.open_events()
            logger.warning("state=ending reason=%s events_not_stored=%d", "out of time", missing)

    async def _all_stored(self) -> None:
        while self._alarm.open_events() and not self._daemon_gone:
            self._stored.clear()
            await self._stored.wait()

    def _may_start(self) -> bool:
        return self._alarm.has_room

    def _on_room(self) -> None:
        self._scheduler.nudge()

    def _on_event(self, event: RaisedEvent) -> None:
        self._call(self._link.send, EventRaised(event))

    def _on_task_fault(self, task_id: TaskId, fault: Fault) -> None:
        self._call(self._assignment.fail_task, task_id, fault)

    def _on_service_fault(self, service: Service, fault: Fault) -> None:
        self._call(self._loader.fail, service, fault)


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES
