"""Whether an upgrade stands its trial. Pure: what is seen and the time in, a verdict out.

The new algorithm is blamed for what only it can have done: a worker does not serve it any more, a
worker ended by its own doing while it was at work, or pictures of a task that was being analysed
keep arriving and none is analysed. A camera that goes silent meanwhile is not its fault.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import NamedTuple

from cad.domain.ids import TaskId
from cad.domain.packages import ServiceHealth, TaskHealth


class Verdict(Enum):
    """What becomes of the upgrade."""

    PENDING = auto()
    KEEP = auto()
    ROLL_BACK = auto()


class Standing(NamedTuple):
    """One task on the new algorithm."""

    seen: TaskHealth
    at: float
    """Monotonic; of the last look."""
    starved: float = 0.0
    """Seconds in which pictures arrived since the last one that was analysed."""

    def after(self, seen: TaskHealth, now: float) -> "Standing":
        """Return what follows from another look."""
        if seen.analysed != self.seen.analysed:
            return Standing(seen, now)
        arrived = seen.received != self.seen.received
        return Standing(seen, now, self.starved + (now - self.at if arrived else 0.0))

    @property
    def has_stalled(self) -> bool:
        """Whether it has lacked results for too long."""
        return self.starved >= self.seen.patience


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """An upgrade between the switch and the verdict, which is final."""

    ends_at: float
    """Monotonic."""
    deaths: int
    """As they were counted at the switch."""
    tasks: Mapping[TaskId, Standing] = field(default_factory=dict)
    """Those that have been analysed, before the switch or since."""
    verdict: Verdict = Verdict.PENDING
    reason: str = ""
    """Why it is rolled back."""

    @classmethod
    def begun(cls, health: ServiceHealth, now: float, watch_seconds: float) -> "Trial":
        """Return a trial of `watch_seconds` that begins with `health`."""
        start = cls(ends_at=now + watch_seconds, deaths=health.deaths)
        return replace(start, tasks=start._standings(health, now))

    def observe(self, health: ServiceHealth, now: float) -> "Trial":
        """Return what follows from a look at `now`."""
        if self.verdict is not Verdict.PENDING:
            return self
        looked = replace(self, tasks=self._standings(health, now))
        if reason := looked._complaint(health):
            return replace(looked, verdict=Verdict.ROLL_BACK, reason=reason)
        return replace(looked, verdict=Verdict.KEEP) if now >= self.ends_at else looked

    def _standings(self, health: ServiceHealth, now: float) -> Mapping[TaskId, Standing]:
        return {
            task_id: self.tasks[task_id].after(seen, now)
            if task_id in self.tasks
            else Standing(seen, now)
            for task_id, seen in health.tasks.items()
            if task_id in self.tasks or seen.analysing
        }

    def _complaint(self, health: ServiceHealth) -> str:
        if health.fault:
            return f"a worker does not serve it: {health.fault}"
        if deaths := health.deaths - self.deaths:
            return f"{deaths} analysis worker(s) ended while it was at work"
        for task_id, standing in self.tasks.items():
            if standing.has_stalled:
                return (
                    f"results stopped: pictures of task {task_id} have arrived for "
                    f"{standing.starved:.0f} s and none was analysed"
                )
        return ""
