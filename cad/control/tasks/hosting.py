"""What installing and removing algorithms needs of the tasks' side, in one object."""

from collections.abc import Collection, Mapping, Sequence

from cad.control.tasks.fleet import Fleet
from cad.control.tasks.service import TaskService
from cad.domain.ids import ServiceId, TaskId
from cad.domain.packages import ServiceHealth, ServiceOrder


class ServiceHosting:
    """Serves algorithms on the fleet, and knows the tasks that use them."""

    def __init__(self, fleet: Fleet, tasks: TaskService) -> None:
        self._fleet, self._tasks = fleet, tasks

    async def serve(self, order: ServiceOrder) -> None:
        """Serve an algorithm from now on; return when a worker does (see `Fleet.serve`)."""
        await self._fleet.serve(order)

    async def withdraw(self, service_id: ServiceId) -> None:
        """Serve an algorithm no longer."""
        await self._fleet.withdraw(service_id)

    def providers(self, service_id: ServiceId) -> frozenset[str]:
        """Return the execution providers with which workers serve an algorithm now."""
        return self._fleet.providers(service_id)

    def redirect(self, aliases: Mapping[ServiceId, ServiceId]) -> None:
        """Run the tasks of each key on its algorithm from now on, and of no others."""
        self._fleet.redirect(aliases)

    def health(self, service_id: ServiceId, task_services: Collection[ServiceId]) -> ServiceHealth:
        """Return how an algorithm does, with the tasks of `task_services`, which run on it."""
        return ServiceHealth(
            fault=self._fleet.fault(service_id),
            deaths=self._fleet.deaths(service_id),
            tasks=self._tasks.health(task_services),
        )

    def task_ids(self, service_id: ServiceId) -> Sequence[TaskId]:
        """Return the tasks of a service that have not ended."""
        return self._tasks.task_ids(service_id)

    async def drop_tasks(self, service_id: ServiceId) -> None:
        """Delete every task of a service; their events are still delivered."""
        await self._tasks.drop_tasks(service_id)

    async def hand_over(self, service_id: ServiceId, to: ServiceId) -> None:
        """Make the tasks of a service those of another for good."""
        await self._tasks.hand_over(service_id, to)
