"""Every task of this device, in memory as on disk."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator

from cad.control.tasks.ports import TaskStore
from cad.domain.events import RaisedEvent
from cad.domain.ids import ServiceId, TaskId
from cad.domain.tasks import NewTask, TaskRecord, UnreadableTask

TaskKey = tuple[ServiceId, str, frozenset[str]]
"""What makes two orders mean the same task (AM-106): service, stream URL, set of event types."""

FORMER_RECORDS = 16
"""Of a task that are remembered for events still under way: of one or two, unless a platform
changes a task many times within the second that an event takes to the disk."""


class TaskBook:
    """The tasks by their id and by their key. Memory changes only after the disk has.

    It remembers how a task was before it was given other content: workers go on raising events
    under the old rules until the new ones reach them. Workers end with the daemon, so this needs no
    place on disk.
    """

    def __init__(self, store: TaskStore) -> None:
        self._store = store
        self._records: dict[TaskId, TaskRecord] = {}
        self._former = defaultdict[TaskId, deque[TaskRecord]](lambda: deque(maxlen=FORMER_RECORDS))

    async def load(self, sound: Callable[[TaskRecord | UnreadableTask], TaskRecord]) -> None:
        """Read what is on disk; `sound` makes of each what can be lived with."""
        records = map(sound, await self._store.all())
        self._records = {record.task_id: record for record in records}

    async def put(self, record: TaskRecord) -> None:
        """Add or replace a task."""
        await self._store.save(record)
        before = self._records.get(record.task_id)
        if before is not None and before.order.revision != record.order.revision:
            self._former[record.task_id].append(before)
        self._records[record.task_id] = record

    async def remove(self, task_id: TaskId, *, force: bool) -> None:
        """Remove a task, with `force` its events too; an unknown one is no error."""
        await self._store.delete(task_id, force=force)
        self._records.pop(task_id, None)
        self._former.pop(task_id, None)

    def get(self, task_id: TaskId) -> TaskRecord | None:
        """Return a task, None if there is none."""
        return self._records.get(task_id)

    def raised_under(self, event: RaisedEvent) -> TaskRecord | None:
        """Return the task as it was when its rule raised `event`; None if there is no such rule."""
        for record in (*self._former.get(event.task_id, ()), self.get(event.task_id)):
            if record is not None and record.order.revision == event.revision:
                return record if event.rule_index < len(record.order.rules) else None
        return None

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
