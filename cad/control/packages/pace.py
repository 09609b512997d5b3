"""How fast tasks are analysed: before an upgrade, what that costs, and whether it slows them. Pure.

A pace is asked of a task at most as high as its order has it: a file that is analysed as fast as it
can be read binds nobody.
"""

from collections.abc import Mapping
from typing import NamedTuple

from cad.domain.ids import TaskId
from cad.domain.packages import ServiceHealth, TaskHealth

SHARE_KEPT = 0.5
"""Of the former pace; what keeps less of it has become too slow."""
JUDGED_PACE = 1.0
"""Pictures per second below which a few seconds say nothing about a pace."""


class Pace(NamedTuple):
    """Pictures of a task per second."""

    received: float
    analysed: float


Paces = Mapping[TaskId, Pace]


class Window(NamedTuple):
    """The look that a pace is measured from."""

    at: float
    """Monotonic."""
    seen: TaskHealth

    def is_interrupted(self, seen: TaskHealth) -> bool:
        """Return whether its counters began anew since: there is no pace from here to `seen`."""
        return seen.received < self.seen.received or seen.analysed < self.seen.analysed

    def pace(self, seen: TaskHealth, now: float) -> Pace:
        """Return the pace from here to `seen`, which is later."""
        seconds = now - self.at
        return Pace(
            (seen.received - self.seen.received) / seconds,
            (seen.analysed - self.seen.analysed) / seconds,
        )


def paces(before: ServiceHealth, after: ServiceHealth, seconds: float) -> dict[TaskId, Pace]:
    """Return the paces of the tasks that are running and were there `seconds` before."""
    found = {}
    for task_id, seen in after.tasks.items():
        start = before.tasks.get(task_id)
        if start is None or not seen.analysing or Window(0.0, start).is_interrupted(seen):
            continue
        pace = Window(0.0, start).pace(seen, seconds)
        found[task_id] = pace._replace(analysed=min(pace.analysed, seen.asked))
    return found


def is_slower(pace: Pace, former: Pace) -> bool:
    """Return whether much less is analysed than before, of pictures that arrive as before."""
    if former.analysed < JUDGED_PACE:
        return False
    arriving = min(1.0, pace.received / max(former.received, former.analysed))
    return pace.analysed < SHARE_KEPT * former.analysed * arriving


def total(known: Paces) -> float:
    """Return how many pictures of all tasks are analysed in a second."""
    return sum(pace.analysed for pace in known.values())
