"""All analysis workers of this device: who serves which algorithm, who runs which task."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from cad.base.clock import Clock
from cad.base.errors import UnavailableError
from cad.control.tasks.assignment import Assignment
from cad.control.tasks.intake import EventIntake, EventTally, Records
from cad.control.tasks.machine import Patience, Sighting
from cad.control.tasks.placement import place
from cad.control.tasks.ports import EventStore
from cad.control.tasks.suspects import Death, Suspects
from cad.control.tasks.worker import Worker, WorkerEnd, WorkerTiming
from cad.control.tasks.worker_process import WorkerProgram
from cad.domain.faults import Fault, FaultClass
from cad.domain.ids import ServiceId, StreamId, TaskId
from cad.domain.packages import ServiceOrder
from cad.domain.streams import StreamStatus
from cad.domain.tasks import TaskOrder
from cad.domain.views import IntakeView, WorkerView
from cad.protocols.worker.messages import LoadService, encode

logger = logging.getLogger(__name__)

SETTLE_TIME = 2.0
SETTLE_LOOK = 0.05


class ServiceNotServedError(UnavailableError):
    """No analysis worker can serve the algorithm."""

    transient = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPlan:
    """How the fleet is set up."""

    program: WorkerProgram
    workers: int
    """Workers that share all tasks; suspects have their own besides."""
    timing: WorkerTiming = field(default_factory=WorkerTiming)
    serve_timeout: float = 300.0
    """Seconds for an algorithm to load; building an engine for an accelerator takes minutes."""


class Fleet:
    """Keeps the workers running and spreads algorithms and tasks over them.

    Every algorithm is loaded on every shared worker, so that a new stream starts without waiting
    for a model. Belongs to the loop; no call but `serve`, `settle` and leaving `running` waits.
    """

    def __init__(
        self, plan: FleetPlan, *, events: EventStore, records: Records, clock: Clock
    ) -> None:
        self._plan, self._events, self._records, self._clock = plan, events, records, clock
        self.tally = EventTally()
        """What became of events."""
        self._services: dict[ServiceId, ServiceOrder] = {}
        self._aliases: Mapping[ServiceId, ServiceId] = {}
        self._deaths: Counter[ServiceId] = Counter()
        self._tasks: dict[TaskId, TaskOrder] = {}
        self._seats: dict[StreamId, str] = {}
        self._suspects = Suspects()
        self._changed = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None
        self._shared = {worker.name: worker for worker in self._make_shared()}
        self._own: dict[ServiceId, Worker] = {}

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Run the workers while the context is open; on leaving, all processes have ended."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for worker in self._shared.values():
                group.create_task(worker.run(), name=worker.name)
            self._spread()
            try:
                yield
            finally:
                self._group = None
                await self._leave_all()

    async def _leave_all(self) -> None:
        async with asyncio.TaskGroup() as leaving:
            for worker in (*self._shared.values(), *self._own.values()):
                leaving.create_task(worker.leave())

    # Algorithms

    async def serve(self, order: ServiceOrder) -> None:
        """Serve an algorithm from now on, over every failure; return when every worker does.

        A repeated call replaces it; if that fails, what was served before is served on.

        Raises:
            ServiceNotServedError: a worker says why it cannot, or none has an answer in time.
            UnsendableError: no worker can be told the order.
        """
        encode(LoadService(order))
        service_id = order.service_id
        before = self._services.get(service_id)
        self._suspects = self._suspects.released(service_id)
        self._services[service_id] = order
        self._spread()
        try:
            async with asyncio.timeout(self._plan.serve_timeout):
                await self._until_served(order)
        except BaseException as error:
            self._fall_back(service_id, before)
            if isinstance(error, TimeoutError):
                seconds = self._plan.serve_timeout
                text = f"algorithm {service_id} was not loaded within {seconds:.0f} s"
                raise ServiceNotServedError(text) from error
            raise

    async def withdraw(self, service_id: ServiceId) -> None:
        """Serve an algorithm no longer; its tasks wait. An unknown one is no error."""
        self._fall_back(service_id, None)

    def redirect(self, aliases: Mapping[ServiceId, ServiceId]) -> None:
        """Run the tasks of each key on its algorithm from now on, and of no others."""
        self._aliases = dict(aliases)
        self._spread()

    def providers(self, service_id: ServiceId) -> frozenset[str]:
        """Return the execution providers with which workers serve an algorithm now."""
        found = (worker.provider(service_id) for worker in self._all_workers())
        return frozenset(filter(None, found))

    def fault(self, service_id: ServiceId) -> str:
        """Return why a worker does not serve an algorithm; empty = none says so."""
        if service_id in self._suspects.held:
            return "it has killed its analysis worker again and again"
        faults = (worker.service_fault(service_id) for worker in self._all_workers())
        return next((fault.message for fault in faults if fault is not None), "")

    def deaths(self, service_id: ServiceId) -> int:
        """Return how many workers ended by their own doing with the algorithm at work."""
        return self._deaths[service_id]

    def release(self, service_id: ServiceId) -> None:
        """Give an algorithm that was held for killing its workers another chance."""
        service_id = self._aliases.get(service_id, service_id)
        if service_id in self._suspects.held:
            self._suspects = self._suspects.released(service_id)
            self._spread()

    def _fall_back(self, service_id: ServiceId, before: ServiceOrder | None) -> None:
        if before is None:
            self._services.pop(service_id, None)
            self._deaths.pop(service_id, None)
        else:
            self._services[service_id] = before
        self._suspects = self._suspects.limited_to(self._services.keys())
        self._spread()

    async def _until_served(self, order: ServiceOrder) -> None:
        while not self._is_served(order):
            self._raise_if_refused(order.service_id)
            self._changed.clear()
            await self._changed.wait()

    def _is_served(self, order: ServiceOrder) -> bool:
        """Whether all workers that are up and meant for it serve it, and there is one."""
        own = self._own.get(order.service_id)
        workers = self._shared.values() if own is None else (own,)
        ready = [worker for worker in workers if worker.is_ready]
        return bool(ready) and all(worker.serves(order) for worker in ready)

    def _raise_if_refused(self, service_id: ServiceId) -> None:
        if service_id in self._suspects.held:
            raise ServiceNotServedError(f"algorithm {service_id} kills its analysis worker")
        for worker in self._all_workers():
            if (fault := worker.service_fault(service_id)) is not None:
                raise ServiceNotServedError(f"algorithm {service_id}: {fault.message}")

    # Tasks

    def start(self, order: TaskOrder) -> None:
        """Run a task from now on, over every failure; a known one gets the new order."""
        self._tasks[order.task_id] = order
        self._spread()

    def stop(self, task_id: TaskId) -> None:
        """Run it no more; an unknown one is no error."""
        if self._tasks.pop(task_id, None) is not None:
            self._spread()

    async def settle(self, task_id: TaskId) -> None:
        """Wait, not for long, until the events of a stopped task are stored."""
        deadline = self._clock.monotonic() + SETTLE_TIME
        while self._clock.monotonic() < deadline:
            if not any(worker.is_busy_with(task_id) for worker in self._all_workers()):
                return
            await asyncio.sleep(SETTLE_LOOK)

    def sighting(self, task_id: TaskId) -> Sighting:
        """Return what is seen of the task's analysis now."""
        order = self._tasks.get(task_id)
        if order is None:
            return Sighting()
        order = self._redirected(order)
        service_id = order.service_id
        if service_id in self._suspects.held:
            text = f"algorithm {service_id} has killed its analysis worker again and again"
            return self._obstacle(text, Patience.NONE)
        if service_id not in self._services:
            return self._obstacle(f"algorithm {service_id} is not served", Patience.ENDLESS)
        worker = self._own.get(service_id) or self._shared[self._seats[order.stream_id]]
        return worker.sighting(order)

    def _obstacle(self, text: str, patience: Patience) -> Sighting:
        fault = Fault(FaultClass.ENGINE, text, self._clock.now())
        return Sighting(obstacle=fault, patience=patience)

    # Views

    def workers(self) -> list[WorkerView]:
        """Return every worker as people see it."""
        return [worker.view() for worker in self._all_workers()]

    def intake(self) -> IntakeView:
        """Return what became of the events of all workers."""
        return self.tally.view()

    def streams(self) -> list[StreamStatus]:
        """Return every stream that a worker has."""
        return [stream for worker in self.workers() for stream in worker.streams]

    # Workers

    def _all_workers(self) -> Sequence[Worker]:
        return (*self._shared.values(), *self._own.values())

    def _make_shared(self) -> Sequence[Worker]:
        return [self._make_worker(f"worker-{n + 1}") for n in range(self._plan.workers)]

    def _make_worker(self, name: str, suspect: ServiceId | None = None) -> Worker:
        return Worker(
            name,
            program=self._plan.program,
            intake=EventIntake(self._events, self._records, self.tally),
            clock=self._clock,
            timing=self._plan.timing,
            on_change=self._changed.set,
            on_end=lambda end: self._take_end(end, alone=suspect is not None),
        )

    def _take_end(self, end: WorkerEnd, *, alone: bool) -> None:
        """Ask who killed the worker, and act on the answer."""
        if not end.own_doing:
            return
        self._deaths.update(end.services & self._services.keys())
        before = self._suspects
        death = Death(self._clock.monotonic(), end.services, alone)
        self._suspects = before.after(death).limited_to(self._services.keys())
        for service_id in self._suspects.isolated - before.isolated:
            logger.warning("algorithm %s may kill its worker: it gets its own", service_id)
        for service_id in self._suspects.held - before.held:
            logger.error("algorithm %s kills its worker (%s): it is held", service_id, end.reason)
        self._spread()

    def _spread(self) -> None:
        """Make every worker's assignment what follows from services, tasks and suspects."""
        suspects = self._suspects.isolated | self._suspects.held
        common = {name: order for name, order in self._services.items() if name not in suspects}
        orders = [self._redirected(order) for order in self._tasks.values()]
        tasks = [order for order in orders if order.service_id in common]
        # Tasks that wait for their algorithm have their seats, too.
        seated = [order for order in orders if order.service_id not in suspects]
        self._seats = place(seated, list(self._shared), self._seats)
        for worker in self._shared.values():
            mine = {t.task_id: t for t in tasks if self._seats[t.stream_id] == worker.name}
            worker.assign(Assignment(common, mine))
        self._spread_suspects(orders)

    def _redirected(self, order: TaskOrder) -> TaskOrder:
        """Return `order` for the algorithm that it runs on."""
        to = self._aliases.get(order.service_id)
        return order if to is None else replace(order, service_id=to)

    def _spread_suspects(self, orders: Sequence[TaskOrder]) -> None:
        """Give each suspect a worker of its own, and let go of those nobody needs."""
        if self._group is None:
            return
        for service_id in self._suspects.isolated - self._own.keys():
            worker = self._make_worker(f"own-{service_id}", service_id)
            self._own[service_id] = worker
            self._group.create_task(worker.run(), name=worker.name)
        for service_id in self._own.keys() - self._suspects.isolated:
            self._group.create_task(self._own.pop(service_id).leave())
        for service_id, worker in self._own.items():
            tasks = {order.task_id: order for order in orders if order.service_id == service_id}
            worker.assign(Assignment({service_id: self._services[service_id]}, tasks))
