"""Every task of this device, in memory as on disk."""

from collections.abc import Iterator

from cad.control.tasks.ports import TaskStore
from cad.domain.ids import ServiceId, TaskId
from cad.domain.tasks import NewTask, TaskRecord

TaskKey = tuple[ServiceId, str, frozenset[str]]
"""What makes two orders mean the same task (AM-106): service, stream URL, set of event types."""


class TaskBook:
    """The tasks by their id and by their key. Memory changes only after the disk has."""

    def __init__(self, store: TaskStore) -> None:
        self._store = store
        self._records: dict[TaskId, TaskRecord] = {}

    async def load(self) -> None:
        """Read what is on disk."""
        self._records = {record.task_id: record for record in await self._store.all()}

    async def put(self, record: TaskRecord) -> None:
        """Add or replace a task."""
        await self._store.save(record)
        self._records[record.task_id] = record

    async def remove(self, task_id: TaskId) -> None:
        """Remove a task; an unknown one is no error."""
        await self._store.delete(task_id)
        self._records.pop(task_id, None)

    def get(self, task_id: TaskId) -> TaskRecord | None:
        """Return a task, None if there is none."""
        return self._records.get(task_id)

    def like(self, new: NewTask) -> TaskRecord | None:
        """Return the task of the same key, None if there is none."""
        key = _key(new)
        return next((record for record in self if record_key(record) == key), None)

    def __iter__(self) -> Iterator[TaskRecord]:
        """Oldest first."""
        return iter(list(self._records.values()))


def record_key(record: TaskRecord) -> TaskKey:
    """Return the key of a task."""
    order = record.order
    return order.service_id, order.source.url, frozenset(rule.event_type for rule in order.rules)


def _key(new: NewTask) -> TaskKey:
    return new.service_id, new.source.url, frozenset(rule.event_type for rule in new.rules)
