"""Whether an upgrade stands its trial. Pure: what is seen and the time in, a verdict out.

The new algorithm is blamed for what only it can have done: a worker does not serve it any more, a
worker ended by its own doing while it was at work, or pictures of a task that was running keep
arriving, and the task does not run or analyses far fewer of them than before. A camera that goes
silent or slow meanwhile is not its fault.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import NamedTuple

from cad.control.packages.pace import Pace, Paces, Window, is_slower
from cad.domain.ids import TaskId
from cad.domain.packages import ServiceHealth, TaskHealth

NO_PACES: Paces = {}


class Verdict(Enum):
    """What becomes of the upgrade."""

    PENDING = auto()
    KEEP = auto()
    ROLL_BACK = auto()


class Standing(NamedTuple):
    """One task on the new algorithm."""

    seen: TaskHealth
    at: float
    """Monotonic; when a picture arrived last."""
    window: Window
    """What its pace is measured over."""
    former: Pace | None
    """On the former algorithm; None = it was not running there."""
    starved: float = 0.0
    """Seconds in which pictures arrived since it was last seen running with new results."""
    shortfall: str = ""
    """How much slower it has become; empty = not much."""

    def after(self, seen: TaskHealth, now: float) -> "Standing":
        """Return what follows from another look."""
        looked = self._with_pace(seen, now)._replace(seen=seen)
        if seen.analysing and seen.analysed != self.seen.analysed:
            return looked._replace(at=now, starved=0.0)
        if seen.received == self.seen.received:
            return looked
        # A pause of the camera is not time in which pictures arrived.
        lacked = min(now - self.at, seen.patience / 2)
        return looked._replace(at=now, starved=self.starved + lacked)

    def complaint(self) -> str:
        """Return what is wrong with it; empty = nothing."""
        if self.starved < self.seen.patience:
            return self.shortfall
        return (
            f"have arrived for {self.starved:.0f} s and none was analysed, or too few for the "
            "task to be running: results stopped"
        )

    def _with_pace(self, seen: TaskHealth, now: float) -> "Standing":
        window = Window(now, seen)
        if self.window.is_interrupted(seen):
            return self._replace(window=window)
        if now - self.window.at < seen.patience:
            return self
        pace = self.window.pace(seen, now)
        if self.former is None or not is_slower(pace, self.former):
            return self._replace(window=window)
        return self._replace(
            shortfall=f"are analysed at {pace.analysed:.1f}/s, on the former package at "
            f"{self.former.analysed:.1f}/s"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """An upgrade between the switch and the verdict, which is final."""

    ends_at: float
    """Monotonic."""
    deaths: int
    """As they were counted at the switch."""
    former: Paces = field(default_factory=dict)
    """Of the tasks that were running at the switch."""
    tasks: Mapping[TaskId, Standing] = field(default_factory=dict)
    """Those that were running at the switch, or have been since."""
    verdict: Verdict = Verdict.PENDING
    reason: str = ""
    """Why it is rolled back."""

    @classmethod
    def begun(
        cls,
        health: ServiceHealth,
        now: float,
        watch_seconds: float,
        former: Paces = NO_PACES,
    ) -> "Trial":
        """Return a trial of `watch_seconds` that begins with `health`."""
        start = cls(ends_at=now + watch_seconds, deaths=health.deaths, former=former)
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
            else Standing(seen, now, Window(now, seen), self.former.get(task_id))
            for task_id, seen in health.tasks.items()
            if task_id in self.tasks or task_id in self.former or seen.analysing
        }

    def _complaint(self, health: ServiceHealth) -> str:
        if health.fault:
            return f"a worker does not serve it: {health.fault}"
        if deaths := health.deaths - self.deaths:
            return f"{deaths} analysis worker(s) ended while it was at work"
        for task_id, standing in self.tasks.items():
            if complaint := standing.complaint():
                return f"pictures of task {task_id} {complaint}"
        return ""
