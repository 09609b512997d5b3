"""What this package needs of others."""

from collections.abc import Sequence
from typing import Protocol

from cad.control.tasks.machine import Sighting
from cad.domain.events import RaisedEvent
from cad.domain.ids import ServiceId, StreamId, TaskId
from cad.domain.packages import AlgorithmManifest
from cad.domain.streams import StreamSource
from cad.domain.tasks import TaskOrder, TaskRecord, UnreadableTask


class TaskStore(Protocol):
    """Keeps tasks over restarts. What has returned is on disk."""

    async def all(self) -> Sequence[TaskRecord | UnreadableTask]:
        """Return every task, oldest first."""

    async def save(self, record: TaskRecord) -> None:
        """Keep `record` in place of the one of the same id, if there is one."""

    async def delete(self, task_id: TaskId, *, force: bool) -> None:
        """Forget the task, with `force` its events too, all or nothing; an unknown is no error."""


class EventStore(Protocol):
    """Takes over events. What has returned is on disk."""

    async def store(self, event: RaisedEvent, record: TaskRecord) -> None:
        """Keep `event` for the destinations of its rule.

        Raises:
            UnavailableError: it cannot be kept now; it is offered again later.
        """


class EventBacklog(Protocol):
    """The events that were stored."""

    def counts(self, task_id: TaskId) -> int:
        """Return how many events of the task were stored since it was made."""

    async def forget_task(self, task_id: TaskId, *, force: bool) -> None:
        """Take note that the task is deleted; deliver its events still, or drop them (`force`).

        Raises:
            UnavailableError: the figures stay as they are; on disk the task's deletion stands.
        """


class Algorithms(Protocol):
    """The algorithms that are installed."""

    def find(self, service_id: ServiceId) -> AlgorithmManifest | None:
        """Return the algorithm behind a service, None if there is none.

        Raises:
            ConflictError: it cannot take tasks: it was never installed, or is being removed.
        """


class StreamNames(Protocol):
    """Gives streams the names they have in logs, metrics and answers."""

    def __call__(self, source: StreamSource) -> StreamId:
        """Return the name of `source`: the same for an equal one, telling nothing of its URL."""


class TaskRunner(Protocol):
    """Where tasks run: the fleet of analysis workers. None of the calls wait for a worker."""

    def start(self, order: TaskOrder) -> None:
        """Run a task from now on, over every failure; a known one gets the new order."""

    def stop(self, task_id: TaskId) -> None:
        """Run it no more; an unknown one is no error."""

    async def settle(self, task_id: TaskId) -> None:
        """Wait, not for long, until the events of a stopped task are stored."""

    def release(self, service_id: ServiceId) -> None:
        """Give an algorithm that was held for killing its workers another chance."""

    def sighting(self, task_id: TaskId) -> Sighting:
        """Return what is seen of the task's analysis now."""
