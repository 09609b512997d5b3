"""What one analysis worker is to do, and the orders that lead from one such value to the next.

Pure. A new worker process has the empty assignment: its orders are the replay of everything.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from cad.domain.ids import ServiceId, TaskId
from cad.domain.packages import ServiceOrder
from cad.domain.tasks import TaskOrder
from cad.protocols.worker.messages import LoadService, Order, StartTask, StopTask, UnloadService

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Assignment:
    """Algorithms and tasks of one worker. Every task's algorithm is among the services."""

    services: Mapping[ServiceId, ServiceOrder] = field(default_factory=dict)
    tasks: Mapping[TaskId, TaskOrder] = field(default_factory=dict)


NOTHING = Assignment()


def orders_between(old: Assignment, new: Assignment) -> list[Order]:
    """Return the orders after which a worker that has `old` has `new`.

    Tasks are stopped before their algorithm is unloaded, and started after it is loaded.
    """
    return [
        *(StopTask(task_id) for task_id in _to_stop(old, new)),
        *(
            UnloadService(service_id)
            for service_id in old.services
            if service_id not in new.services
        ),
        *(LoadService(order) for order in _changed(old.services, new.services)),
        *(StartTask(order) for order in _changed(old.tasks, new.tasks)),
    ]


def _to_stop(old: Assignment, new: Assignment) -> Iterable[TaskId]:
    """A repeated start keeps the stream: with another one, the task is stopped before."""
    for task_id, before in old.tasks.items():
        after = new.tasks.get(task_id)
        if after is None or needs_restart(before, after):
            yield task_id


def needs_restart(before: TaskOrder, after: TaskOrder) -> bool:
    """Whether another stream or algorithm is wanted, not only other rules or another rate."""
    return (before.service_id, before.stream_id, before.source) != (
        after.service_id,
        after.stream_id,
        after.source,
    )


def _changed(old: Mapping[K, V], new: Mapping[K, V]) -> Iterable[V]:
    return (value for key, value in new.items() if key not in old or old[key] != value)
