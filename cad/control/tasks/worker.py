"""One analysis worker as the daemon keeps it: whatever happens to its process, there is a next one.

A process that dies, hangs, or says what is no message is replaced, and its whole assignment is
replayed to the new one. The first replacement comes at once, further ones after growing delays.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

from cad.base.backoff import backoff
from cad.base.clock import Clock
from cad.control.tasks.assignment import NOTHING, Assignment
from cad.control.tasks.intake import EventIntake
from cad.control.tasks.life import Life
from cad.control.tasks.machine import Patience, Sighting
from cad.control.tasks.pulse import Pulse, PulseLimits
from cad.control.tasks.worker_log import relay
from cad.control.tasks.worker_process import (
    WorkerNotStartedError,
    WorkerProcess,
    WorkerProgram,
)
from cad.domain.events import RaisedEvent
from cad.domain.faults import Fault, FaultClass
from cad.domain.ids import ServiceId, TaskId
from cad.domain.packages import ServiceOrder
from cad.domain.tasks import TaskOrder
from cad.domain.views import WorkerState, WorkerView
from cad.protocols.worker.messages import (
    EventRaised,
    EventStored,
    Hello,
    News,
    ProtocolBrokenError,
    Report,
    ServiceFailed,
    ServiceLoaded,
)

logger = logging.getLogger(__name__)

LOOK_INTERVAL = 0.25
LOG_TIME = 1.0
"""Seconds for the last words of a process that has ended."""


class WorkerTiming(NamedTuple):
    """Seconds."""

    pulse: PulseLimits = PulseLimits()
    first_delay: float = 0.5
    """Before the second replacement in a row."""
    longest_delay: float = 30.0
    healthy_after: float = 60.0
    """A process that lived so long was well: the delays begin anew."""


class WorkerEnd(NamedTuple):
    """How a process of a worker ended."""

    reason: str
    own_doing: bool
    """An algorithm may have done it: no signal from outside, no camera."""
    services: frozenset[ServiceId]
    """Algorithms that were loading or had tasks."""


@dataclass(frozen=True, slots=True)
class _Present:
    """The process that runs now."""

    process: WorkerProcess
    pulse: Pulse
    life: Life


class Worker:
    """Keeps one worker process alive and busy with its assignment."""

    def __init__(  # noqa: PLR0913 - its parts, each once, by name
        self,
        name: str,
        *,
        program: WorkerProgram,
        intake: EventIntake,
        clock: Clock,
        timing: WorkerTiming,
        on_change: Callable[[], None],
        on_end: Callable[[WorkerEnd], None],
    ) -> None:
        self.name = name
        self._program, self._intake, self._clock, self._timing = program, intake, clock, timing
        self._on_change, self._on_end = on_change, on_end
        self._wanted = NOTHING
        self._present: _Present | None = None
        self._leaving = asyncio.Event()
        self._restarts, self._last_end = 0, ""

    # What it is to do

    def assign(self, assignment: Assignment) -> None:
        """Make `assignment` what this worker does, now and after every replacement."""
        self._wanted = assignment
        if (life := self._life) is not None:
            life.give(assignment)

    async def leave(self) -> None:
        """End the process in good order, and start no other. Takes at most six seconds."""
        self._leaving.set()
        if self._present is not None:
            await self._present.process.stop()

    # What is seen of it

    @property
    def is_ready(self) -> bool:
        """Whether a process is up and has said its first word."""
        return self._life is not None

    def serves(self, order: ServiceOrder) -> bool:
        """Whether it serves an algorithm as ordered now."""
        return self._life is not None and self._life.serves(order)

    def provider(self, service_id: ServiceId) -> str:
        """Return the execution provider of an algorithm; empty = it is not loaded."""
        return "" if self._life is None else self._life.provider(service_id)

    def service_fault(self, service_id: ServiceId) -> Fault | None:
        """Return why it cannot serve an algorithm; None = it can, or does not know yet."""
        return None if self._life is None else self._life.service_fault(service_id)

    def is_busy_with(self, task_id: TaskId) -> bool:
        """Whether events of a stopped task may still be on their way."""
        is_settling = self._life is not None and self._life.is_settling(task_id)
        return is_settling or self._intake.waiting(task_id) > 0

    def sighting(self, order: TaskOrder) -> Sighting:
        """Return what is seen of a task; a run has not ended before its events are stored."""
        if self._life is None:
            return self._absence()
        sight = self._life.sighting(order)
        if sight.report is None or not self._intake.waiting(order.task_id):
            return sight
        return replace(sight, report=replace(sight.report, finished=False))

    def view(self) -> WorkerView:
        """Return the worker as people see it."""
        life = self._life
        hello = None if life is None else life.hello
        report = None if life is None else life.report
        return WorkerView(
            name=self.name,
            state=self._state(),
            pid=None if self._present is None else self._present.process.pid,
            restarts=self._restarts,
            last_end=self._last_end,
            providers=() if hello is None else hello.providers,
            threads=0 if hello is None else hello.threads,
            cpu_seconds=0.0 if report is None else report.cpu_seconds,
            resident_bytes=0 if report is None else report.resident_bytes,
            streams=() if report is None else report.streams,
        )

    @property
    def _life(self) -> Life | None:
        """What is known of the process that runs now; None = it is still coming up."""
        present = self._present
        return None if present is None or present.life.hello is None else present.life

    def _state(self) -> WorkerState:
        if self._life is not None:
            return WorkerState.READY
        return WorkerState.RESTARTING if self._restarts else WorkerState.STARTING

    def _absence(self) -> Sighting:
        text, patience = "the analysis worker is starting", Patience.ENDLESS
        if self._restarts:
            text = f"the analysis worker is being replaced ({self._last_end})"
            patience = Patience.POLICY
        fault = Fault(FaultClass.ENGINE, text, self._clock.now())
        return Sighting(obstacle=fault, patience=patience)

    # Its processes

    async def run(self) -> None:
        """Keep a process running until `leave` is called."""
        async with self._intake.running():
            delays: Iterator[float] = iter(())
            while not self._leaving.is_set():
                born = self._clock.monotonic()
                reason = await self._live()
                if self._leaving.is_set():
                    return
                if self._clock.monotonic() - born > self._timing.healthy_after:
                    delays = iter(())
                delay, delays = self._next_delay(delays)
                self._restarts, self._last_end = self._restarts + 1, reason
                logger.warning("%s: %s; the next one starts in %.1f s", self.name, reason, delay)
                self._on_change()
                await self._pause(delay)

    def _next_delay(self, delays: Iterator[float]) -> tuple[float, Iterator[float]]:
        """Return nothing for the first end of a series, then growing delays."""
        delay = next(delays, None)
        if delay is not None:
            return delay, delays
        return 0.0, backoff(self._timing.first_delay, self._timing.longest_delay)

    async def _pause(self, delay: float) -> None:
        try:
            async with asyncio.timeout(delay):
                await self._leaving.wait()
        except TimeoutError:
            return

    async def _live(self) -> str:
        """See one process through its life; return how it ended."""
        try:
            async with WorkerProcess.started(self._program) as process:
                if self._leaving.is_set():
                    return "it is not needed any more"
                pulse = Pulse(self._timing.pulse, self._clock.monotonic())
                present = _Present(process, pulse, Life(process.send, self._clock))
                async with self._watched(present):
                    await self._listen(present)
                    reason = await process.ending()
        except WorkerNotStartedError as error:
            return str(error)
        if not self._leaving.is_set():
            own_doing = not process.is_blameless
            self._on_end(WorkerEnd(reason, own_doing, present.life.busy))
        return reason

    @asynccontextmanager
    async def _watched(self, present: _Present) -> AsyncGenerator[None]:
        """Look after the process while the context is open."""
        self._present = present
        process = present.process
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._watch(present), name=f"{self.name}-watch")
            lines = relay(f"{self.name}[{process.pid}]", process.log, self._clock)
            log = group.create_task(lines, name=f"{self.name}-log")
            try:
                yield
            finally:
                self._present = None
                watch.cancel()
                await asyncio.wait([log], timeout=LOG_TIME)
                log.cancel()

    async def _watch(self, present: _Present) -> None:
        """Kill a process that hangs, and repeat what failed."""
        while not self._leaving.is_set():
            await asyncio.sleep(LOOK_INTERVAL)
            if complaint := present.pulse.verdict(self._clock.monotonic()):
                present.process.kill(complaint)
                return
            if complaint := present.pulse.streams_verdict():
                present.process.kill(complaint, blameless=True)
                return
            present.life.try_again()

    async def _listen(self, present: _Present) -> None:
        try:
            async for news in present.process.news():
                await self._take(present, news)
        except ProtocolBrokenError as error:
            present.process.kill(f"it says what is no message: {error}")

    async def _take(self, present: _Present, news: News) -> None:
        life = present.life
        match news:
            case Hello():
                logger.info("%s: ready, pid %d, %s", self.name, news.pid, news.providers)
                present.pulse.greeted(self._clock.monotonic())
                life.greeted(news)
                life.give(self._wanted)
            case Report():
                present.pulse.reported(news, self._clock.monotonic())
                life.reported(news)
            case ServiceLoaded(service_id=service_id, provider=provider):
                life.loaded(service_id, provider)
                self._on_change()
            case ServiceFailed(service_id=service_id, fault=fault):
                logger.warning("%s: algorithm %s: %s", self.name, service_id, fault.message)
                life.failed(service_id, fault)
                self._on_change()
            case EventRaised(event=event):
                await self._take_event(present, event)

    async def _take_event(self, present: _Present, event: RaisedEvent) -> None:
        """Hand `event` over; while too many wait for the disk, nothing more is read."""

        def acknowledge(stored: RaisedEvent) -> None:
            present.process.send(EventStored(stored.event_id))

        if self._intake.is_full:
            present.pulse.deafened()
        await self._intake.take(event, acknowledge)
        present.pulse.listening(self._clock.monotonic())
