"""Loads algorithms and lets them go, off the loop and one after the other."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from cad.analysis.pipeline.contain import Contained
from cad.analysis.pipeline.scheduler import Scheduler
from cad.analysis.pipeline.service import Service
from cad.analysis.worker.assignment import Assignment
from cad.analysis.worker.ports import Engines
from cad.base.clock import Clock
from cad.base.memory import return_free_memory
from cad.base.threads import WorkThread
from cad.domain.faults import Fault
from cad.domain.ids import ServiceId
from cad.domain.models import Engine
from cad.domain.packages import ServiceOrder
from cad.protocols.worker.messages import News, ServiceFailed, ServiceLoaded

logger = logging.getLogger(__name__)


class Loader:
    """Does what is ordered about services in the order in which it was ordered.

    Opening an engine and closing it may take seconds; both happen in one thread, while tasks of
    other services go on.
    """

    def __init__(
        self,
        engines: Engines,
        scheduler: Scheduler,
        assignment: Assignment,
        send: Callable[[News], None],
        clock: Clock,
    ) -> None:
        """Begin with nothing loaded; `run` does the work."""
        self._engines, self._scheduler, self._assignment = engines, scheduler, assignment
        self._send, self._clock = send, clock
        self._thread = WorkThread("engines")
        self._jobs: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()

    async def run(self) -> None:
        """Do the jobs for ever."""
        while True:
            job = await self._jobs.get()
            await job()

    async def providers(self) -> tuple[str, ...]:
        """Return the execution providers that really load, best first."""
        return await self._thread.run(self._engines.providers)

    def load(self, order: ServiceOrder) -> None:
        """Serve an algorithm, in place of the one with its id if there is one."""
        self._jobs.put_nowait(partial(self._load, order))

    def unload(self, service_id: ServiceId) -> None:
        """Serve an algorithm no longer."""
        self._jobs.put_nowait(partial(self._withdraw, service_id, None))

    def fail(self, service: Service, fault: Fault) -> None:
        """Serve an algorithm no longer because it failed."""
        if self._assignment.serves(service):
            self._jobs.put_nowait(partial(self._withdraw, service.service_id, fault))

    async def _load(self, order: ServiceOrder) -> None:
        opened = await self._open(order)
        if isinstance(opened, Fault):
            await self._withdraw(order.service_id, opened)
            return
        replaced = self._assignment.serve(Service(order, opened))
        logger.info("service=%s state=loaded provider=%s", order.service_id, opened.provider)
        self._send(ServiceLoaded(order.service_id, opened.provider))
        await self._retire(replaced)

    async def _open(self, order: ServiceOrder) -> Engine | Fault:
        faults: list[Fault] = []
        with Contained(f"service {order.service_id}", faults.append, self._clock):
            return await self._thread.run(self._engines.open, order)
        return faults[0]

    async def _withdraw(self, service_id: ServiceId, fault: Fault | None) -> None:
        service = self._assignment.withdraw(service_id, fault)
        if fault is not None:
            self._send(ServiceFailed(service_id, fault))
        await self._retire(service)

    async def _retire(self, service: Service | None) -> None:
        if service is not None:
            await self._thread.run(self._scheduler.retire, service)
            await self._thread.run(return_free_memory)
            logger.info("service=%s state=unloaded", service.service_id)
