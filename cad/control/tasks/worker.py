"""One analysis worker as the daemon keeps it: whatever happens to its process, there is a next one.

A process that dies, hangs, or says what is no message is replaced, and its whole assignment is
replayed to the new one. The first replacement comes at once, further ones after growing delays.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from cad.base.backoff import backoff
from cad.base.clock import Clock
from cad.control.tasks.assignment import NOTHING, Assignment, orders_between
from cad.control.tasks.intake import EventIntake
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
from cad.domain.tasks import TaskOrder, TaskReport
from cad.domain.views import WorkerState, WorkerView
from cad.protocols.worker.messages import (
    EventRaised,
    EventStored,
    Hello,
    LoadService,
    News,
    Order,
    ProtocolBrokenError,
    Report,
    ServiceFailed,
    ServiceLoaded,
    StopTask,
)

logger = logging.getLogger(__name__)

LOOK_INTERVAL = 0.25
REPORTS_TO_SETTLE = 2
"""Reports after which the run of a stopped task is over: the first one may have been under way."""
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
    """Not by a signal from outside."""
    services: frozenset[ServiceId]
    """Algorithms that were loading or had tasks."""


@dataclass(slots=True)
class _Loading:
    """How one algorithm stands in the process that runs now."""

    order: ServiceOrder
    delays: Iterator[float]
    loaded: bool = False
    fault: Fault | None = None
    retry_at: float = 0.0


@dataclass(slots=True)
class _Life:
    """What is known of the process that runs now."""

    process: WorkerProcess
    pulse: Pulse
    hello: Hello | None = None
    given: Assignment = NOTHING
    services: dict[ServiceId, _Loading] = field(default_factory=dict)
    report: Report | None = None
    reported_at: float = 0.0
    tasks: dict[TaskId, TaskReport] = field(default_factory=dict)
    stopped: dict[TaskId, int] = field(default_factory=dict)
    """Reports to come that may still speak of a run that was stopped."""


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
        self._life: _Life | None = None
        self._leaving = asyncio.Event()
        self._restarts, self._last_end = 0, ""

    # What it is to do

    def assign(self, assignment: Assignment) -> None:
        """Make `assignment` what this worker does, now and after every replacement."""
        self._wanted = assignment
        if self._life is not None and self._life.hello is not None:
            self._bring_up_to_date(self._life)

    async def leave(self) -> None:
        """End the process in good order, and start no other. Takes at most six seconds."""
        self._leaving.set()
        if self._life is not None:
            await self._life.process.stop()

    # What is seen of it

    def serves(self, order: ServiceOrder) -> bool:
        """Whether it serves an algorithm as ordered now."""
        loading = self._loading(order.service_id)
        return loading is not None and loading.loaded and loading.order == order

    def service_fault(self, service_id: ServiceId) -> Fault | None:
        """Return why it cannot serve an algorithm; None = it can, or does not know yet."""
        loading = self._loading(service_id)
        return None if loading is None else loading.fault

    def is_busy_with(self, task_id: TaskId) -> bool:
        """Whether events of a stopped task may still be on their way."""
        is_settling = self._life is not None and task_id in self._life.stopped
        return is_settling or self._intake.waiting(task_id) > 0

    def sighting(self, order: TaskOrder) -> Sighting:
        """Return what is seen of a task of its assignment."""
        life = self._life
        if life is None or life.hello is None:
            return self._absence()
        loading = life.services.get(order.service_id)
        if loading is not None and loading.fault is not None:
            return Sighting(obstacle=loading.fault)
        report = life.tasks.get(order.task_id)
        if loading is None or not loading.loaded:
            text = f"algorithm {order.service_id} is being loaded"
            return self._obstacle(text, Patience.ENDLESS, report)
        return Sighting(report=None if report is None else self._aged(report, life))

    def view(self) -> WorkerView:
        """Return the worker as people see it."""
        life = self._life
        hello = None if life is None else life.hello
        report = None if life is None else life.report
        return WorkerView(
            name=self.name,
            state=self._state(),
            pid=None if life is None else life.process.pid,
            restarts=self._restarts,
            last_end=self._last_end,
            providers=() if hello is None else hello.providers,
            threads=0 if hello is None else hello.threads,
            cpu_seconds=0.0 if report is None else report.cpu_seconds,
            resident_bytes=0 if report is None else report.resident_bytes,
            streams=() if report is None else report.streams,
        )

    def _state(self) -> WorkerState:
        if self._life is not None and self._life.hello is not None:
            return WorkerState.READY
        return WorkerState.RESTARTING if self._restarts else WorkerState.STARTING

    def _loading(self, service_id: ServiceId) -> _Loading | None:
        return None if self._life is None else self._life.services.get(service_id)

    def _absence(self) -> Sighting:
        if not self._restarts:
            return self._obstacle("the analysis worker is starting", Patience.ENDLESS)
        text = f"the analysis worker is being replaced ({self._last_end})"
        return self._obstacle(text, Patience.POLICY)

    def _obstacle(
        self, text: str, patience: Patience, report: TaskReport | None = None
    ) -> Sighting:
        fault = Fault(FaultClass.ENGINE, text, self._clock.now())
        return Sighting(report=report, obstacle=fault, patience=patience)

    def _aged(self, report: TaskReport, life: _Life) -> TaskReport:
        """Return `report` as it holds now; a run has not ended before its events are stored."""
        age = report.analysed_age
        if age is not None:
            age += self._clock.monotonic() - life.reported_at
        finished = report.finished and not self._intake.waiting(report.task_id)
        return replace(report, analysed_age=age, finished=finished)

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
                logger.error("%s: %s; the next one starts in %.1f s", self.name, reason, delay)
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
                life = _Life(process, Pulse(self._timing.pulse, self._clock.monotonic()))
                async with self._watched(life):
                    await self._listen(life)
                    reason = await process.ending()
        except WorkerNotStartedError as error:
            return str(error)
        if not self._leaving.is_set():
            self._on_end(WorkerEnd(reason, not process.was_killed_from_outside, _busy(life)))
        return reason

    @asynccontextmanager
    async def _watched(self, life: _Life) -> AsyncGenerator[None]:
        """Look after the process while the context is open."""
        self._life = life
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._watch(life), name=f"{self.name}-watch")
            log = relay(f"{self.name}[{life.process.pid}]", life.process.log, self._clock)
            logging_task = group.create_task(log, name=f"{self.name}-log")
            try:
                yield
            finally:
                self._life = None
                watch.cancel()
                await asyncio.wait([logging_task], timeout=LOG_TIME)
                logging_task.cancel()

    async def _watch(self, life: _Life) -> None:
        """Kill a process that hangs, and repeat loads that failed."""
        while not self._leaving.is_set():
            await asyncio.sleep(LOOK_INTERVAL)
            now = self._clock.monotonic()
            if complaint := life.pulse.verdict(now):
                life.process.kill(complaint)
                return
            for loading in life.services.values():
                if loading.fault is not None and now >= loading.retry_at:
                    loading.retry_at = now + next(loading.delays)
                    life.process.send(LoadService(loading.order))

    async def _listen(self, life: _Life) -> None:
        try:
            async for news in life.process.news():
                await self._take(life, news)
        except ProtocolBrokenError as error:
            life.process.kill(f"it says what is no message: {error}")

    async def _take(self, life: _Life, news: News) -> None:
        match news:
            case Hello():
                life.hello = news
                life.pulse.greeted(self._clock.monotonic())
                logger.info("%s: ready, pid %d, %s", self.name, news.pid, news.providers)
                self._bring_up_to_date(life)
            case Report():
                self._take_report(life, news)
            case ServiceLoaded(service_id=service_id):
                self._take_loaded(life, service_id)
            case ServiceFailed(service_id=service_id, fault=fault):
                self._take_failed(life, service_id, fault)
            case EventRaised(event=event):
                await self._take_event(life, event)
        if not isinstance(news, Report | EventRaised):
            self._on_change()

    def _take_report(self, life: _Life, report: Report) -> None:
        now = self._clock.monotonic()
        life.pulse.reported(report, now)
        life.report, life.reported_at = report, now
        life.tasks = {
            task.task_id: task for task in report.tasks if task.task_id not in life.stopped
        }
        life.stopped = {task_id: left - 1 for task_id, left in life.stopped.items() if left > 1}

    def _take_loaded(self, life: _Life, service_id: ServiceId) -> None:
        if (loading := life.services.get(service_id)) is not None:
            loading.loaded, loading.fault = True, None
            loading.delays = _load_delays()

    def _take_failed(self, life: _Life, service_id: ServiceId, fault: Fault) -> None:
        if (loading := life.services.get(service_id)) is None:
            return
        loading.loaded, loading.fault = False, fault
        loading.retry_at = self._clock.monotonic() + next(loading.delays)
        logger.warning("%s: algorithm %s: %s", self.name, service_id, fault.message)

    async def _take_event(self, life: _Life, event: RaisedEvent) -> None:
        """Hand `event` over; while too many wait for the disk, nothing more is read."""

        def acknowledge(stored: RaisedEvent) -> None:
            life.process.send(EventStored(stored.event_id))

        if self._intake.is_full:
            life.pulse.deafened()
        await self._intake.take(event, acknowledge)
        life.pulse.listening(self._clock.monotonic())

    def _bring_up_to_date(self, life: _Life) -> None:
        """Send what leads from what the process was given to what it should do."""
        orders = orders_between(life.given, self._wanted)
        life.given = self._wanted
        life.services = {
            service_id: _kept(life.services.get(service_id), order)
            for service_id, order in self._wanted.services.items()
        }
        for order in orders:
            self._send(life, order)

    def _send(self, life: _Life, order: Order) -> None:
        if isinstance(order, StopTask):
            life.tasks.pop(order.task_id, None)
            life.stopped[order.task_id] = REPORTS_TO_SETTLE
        life.process.send(order)


def _kept(loading: _Loading | None, order: ServiceOrder) -> _Loading:
    """Return how a service stands after the orders are sent: as before if its order is the same."""
    if loading is not None and loading.order == order:
        return loading
    return _Loading(order, _load_delays())


def _load_delays() -> Iterator[float]:
    return backoff(1.0, 60.0)


def _busy(life: _Life) -> frozenset[ServiceId]:
    loading = {name for name, state in life.services.items() if not state.loaded}
    return frozenset(loading | {task.service_id for task in life.given.tasks.values()})
