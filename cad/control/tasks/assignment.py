"""What one analysis worker is to do, and the orders that lead from one such value to the next.

Pure. A new worker process has the empty assignment: its orders are the replay of everything.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from cad.domain.ids import ServiceId, TaskId
from cad.domain.packages import ServiceOrder
from cad.domain.tasks import TaskOrder
from cad.protocols.worker.messages import (
    LoadService,
    MoveTasks,
    Order,
    StartTask,
    StopTask,
    UnloadService,
)

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

    Tasks are stopped or moved before their algorithm is unloaded, and started or moved after the
    next one is loaded.
    """
    moves = _moves(old, new)
    tasks = {
        task_id: replace(task, service_id=moves.get(task.service_id, task.service_id))
        for task_id, task in old.tasks.items()
    }
    return [
        *(StopTask(task_id) for task_id in _to_stop(tasks, new.tasks)),
        *(LoadService(order) for order in _changed(old.services, new.services)),
        *(MoveTasks(service_id, to) for service_id, to in moves.items()),
        *(
            UnloadService(service_id)
            for service_id in old.services
            if service_id not in new.services
        ),
        *(StartTask(order) for order in _changed(tasks, new.tasks)),
    ]


def _moves(old: Assignment, new: Assignment) -> Mapping[ServiceId, ServiceId]:
    """Return the algorithms all of whose remaining tasks go on with the same other one."""
    goals: dict[ServiceId, set[ServiceId]] = defaultdict(set)
    for task_id, before in old.tasks.items():
        if (after := new.tasks.get(task_id)) is not None:
            goals[before.service_id].add(after.service_id)
    moves = {
        service_id: to
        for service_id, found in goals.items()
        if len(found) == 1 and (to := min(found)) != service_id
    }
    # One that takes over tasks while it gives up its own would give those away with them.
    return {service_id: to for service_id, to in moves.items() if to not in moves}


def _to_stop(old: Mapping[TaskId, TaskOrder], new: Mapping[TaskId, TaskOrder]) -> Iterable[TaskId]:
    """A repeated start keeps the stream: with another one, the task is stopped before."""
    for task_id, before in old.items():
        after = new.get(task_id)
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
