"""Which worker analyses which stream. Pure.

All tasks on a stream go to one worker, which decodes it once. A stream keeps its worker as long as
that worker exists: moving it costs its tracks.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cad.domain.ids import StreamId
from cad.domain.tasks import TaskOrder

EVERY_FRAME = 25.0
"""Pictures per second that a task with rate 0 is reckoned with."""


class WorkerPlan(NamedTuple):
    """How many workers there are, and how many inference threads each has."""

    workers: int
    threads: int


def plan_workers(*, configured: int, cores: int, accelerators: int = 0) -> WorkerPlan:
    """Return the workers of this machine.

    Args:
        configured: `analysis.workers`; 0 = one for each accelerator, without any one per two cores.
        cores: processors this process may use.
        accelerators: cards that inference runs on; 0 = it runs on the processors.
    """
    workers = configured or accelerators or max(1, cores // 2)
    return WorkerPlan(workers, max(1, cores // workers))


def place(
    orders: Iterable[TaskOrder], workers: Sequence[str], seats: Mapping[StreamId, str]
) -> dict[StreamId, str]:
    """Return the worker of each stream: the one it has, else the least loaded.

    Args:
        orders: every task that is to run.
        workers: at least one, in order of preference among equally loaded ones.
        seats: where the streams were before; workers that are no more are skipped.
    """
    weights = _weights(orders)
    placed = {stream: seats[stream] for stream in weights if seats.get(stream) in workers}
    loads = dict.fromkeys(workers, 0.0)
    for stream, worker in placed.items():
        loads[worker] += weights[stream]
    for stream in sorted(weights.keys() - placed.keys(), key=lambda s: (-weights[s], s)):
        worker = min(workers, key=loads.__getitem__)
        placed[stream] = worker
        loads[worker] += weights[stream]
    return placed


def _weights(orders: Iterable[TaskOrder]) -> dict[StreamId, float]:
    """Return the pictures to analyse per second of each stream, over all its tasks."""
    weights: dict[StreamId, float] = defaultdict(float)
    for order in orders:
        weights[order.stream_id] += order.analysis_rate or EVERY_FRAME
    return weights
