"""The state of a task (Table G.9, AM-109), derived from its results.

`TRANSITIONS` is the whole machine; a pair that is not in it has no meaning and is refused.
`TaskRun` is where one task stands, as a value: it takes what is seen of the task's analysis, and
the time, and gives the next value. A task is RUNNING only while its pictures are analysed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, StrEnum, auto
from types import MappingProxyType
from typing import NamedTuple

from cad.base.errors import ConflictError
from cad.domain.faults import Fault, FaultClass
from cad.domain.ids import TaskId
from cad.domain.tasks import FrameCounts, RestartPolicy, TaskReport, TaskState

NO_FRAMES = FrameCounts()
HISTORY_LENGTH = 50
PICTURES_BEFORE_SILENCE = 2.5
"""A task of a low rate is silent only after so many of its own intervals."""


class TaskEvent(StrEnum):
    """What can happen to a task."""

    ANALYSING = "analysing"
    """A picture was analysed a short time ago."""
    STALLED = "stalled"
    """Nothing is analysed now; it goes on by itself."""
    ENDED = "ended"
    """The recording was analysed to its end."""
    FAILED = "failed"
    """Nothing is analysed, and nobody waits for it any more."""
    PAUSE = "pause"
    RESUME = "resume"
    RESTART = "restart"
    """It was given other content and begins again."""


TRANSITIONS: Mapping[tuple[TaskState, TaskEvent], TaskState] = MappingProxyType(
    {
        (TaskState.PENDING, TaskEvent.ANALYSING): TaskState.RUNNING,
        (TaskState.PENDING, TaskEvent.STALLED): TaskState.PENDING,
        (TaskState.PENDING, TaskEvent.ENDED): TaskState.FINISHED,
        (TaskState.PENDING, TaskEvent.FAILED): TaskState.ERROR,
        (TaskState.PENDING, TaskEvent.PAUSE): TaskState.PAUSED,
        (TaskState.PENDING, TaskEvent.RESUME): TaskState.PENDING,
        (TaskState.PENDING, TaskEvent.RESTART): TaskState.PENDING,
        (TaskState.RUNNING, TaskEvent.ANALYSING): TaskState.RUNNING,
        (TaskState.RUNNING, TaskEvent.STALLED): TaskState.PENDING,
        (TaskState.RUNNING, TaskEvent.ENDED): TaskState.FINISHED,
        (TaskState.RUNNING, TaskEvent.FAILED): TaskState.ERROR,
        (TaskState.RUNNING, TaskEvent.PAUSE): TaskState.PAUSED,
        (TaskState.RUNNING, TaskEvent.RESUME): TaskState.RUNNING,
        (TaskState.RUNNING, TaskEvent.RESTART): TaskState.PENDING,
        (TaskState.PAUSED, TaskEvent.PAUSE): TaskState.PAUSED,
        (TaskState.PAUSED, TaskEvent.RESUME): TaskState.PENDING,
        (TaskState.PAUSED, TaskEvent.RESTART): TaskState.PAUSED,
        (TaskState.FINISHED, TaskEvent.RESUME): TaskState.PENDING,
        (TaskState.FINISHED, TaskEvent.RESTART): TaskState.PENDING,
        (TaskState.ERROR, TaskEvent.RESUME): TaskState.PENDING,
        (TaskState.ERROR, TaskEvent.RESTART): TaskState.PENDING,
    }
)

LIVE = frozenset({TaskState.PENDING, TaskState.RUNNING})
"""States in which the task has, or waits for, a worker."""


class Patience(Enum):
    """How long an obstacle may last before the task ends in ERROR."""

    ENDLESS = auto()
    """It is being dealt with on this device (an algorithm is loading): the task waits."""
    POLICY = auto()
    """As the task's restart policy says."""
    NONE = auto()
    """It ends the task whatever its policy is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What is seen of a task's analysis at one moment."""

    report: TaskReport | None = None
    """The newest of its worker, its age added to `analysed_age`; None = none of this run yet."""
    obstacle: Fault | None = None
    """What lies between the task and its analysis on this device."""
    patience: Patience = Patience.POLICY
    """With the obstacle."""


class Moment(NamedTuple):
    """Now, on both clocks."""

    monotonic: float
    utc: datetime


class Limits(NamedTuple):
    """Seconds."""

    silence: float = 8.0
    """Without an analysed picture before a task has stalled. With the worker's reports and our
    looks at them twice a second each, a task leaves RUNNING within 10 s."""
    give_up: float = 60.0
    """Of failing before a task with policy NEVER ends in ERROR."""

    def at_rate(self, analysis_rate: float) -> "Limits":
        """Return the limits of a task that analyses `analysis_rate` pictures a second."""
        if analysis_rate <= 0:
            return self
        return self._replace(silence=max(self.silence, PICTURES_BEFORE_SILENCE / analysis_rate))


class Transition(NamedTuple):
    """One step of a task's history."""

    at: datetime
    event: TaskEvent
    before: TaskState
    after: TaskState
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRun:
    """Where a task stands."""

    state: TaskState
    policy: RestartPolicy
    fault: Fault | None = None
    """Why it has no results; in ERROR, why it ended."""
    seen: float
    """Monotonic; when the newest analysed picture had arrived, or when its run began."""
    frames: FrameCounts = field(default=NO_FRAMES)
    """As they stood when the newest result was seen."""
    received: int = 0
    """Pictures that had arrived at the newest look."""
    arrived: float | None = None
    """Monotonic; when `received` was last seen to grow."""
    failing_since: float | None = None
    """Monotonic; None = it does not fail, or what fails is waited for without an end."""
    history: tuple[Transition, ...] = ()
    """Changes of state and of the class of the fault, oldest first."""

    def pause(self, now: Moment) -> "TaskRun":
        """Return what follows when somebody pauses the task.

        Raises:
            ConflictError: it has ended; there is nothing to pause.
        """
        if (self.state, TaskEvent.PAUSE) not in TRANSITIONS:
            raise ConflictError("a task that has not ended", field="status", given=self.state)
        return self._on(TaskEvent.PAUSE, now)

    def resume(self, now: Moment) -> "TaskRun":
        """Return what follows when somebody resumes the task; one that has ended begins again."""
        return self if self.state in LIVE else self._begin(TaskEvent.RESUME, now)

    def restart(self, now: Moment) -> "TaskRun":
        """Return what follows when the task was given other content; a paused one stays paused."""
        return self._begin(TaskEvent.RESTART, now)

    def observe(self, sight: Sighting, now: Moment, limits: Limits) -> "TaskRun":
        """Return what follows from what is seen; news of a run that is over changes nothing."""
        if self.state not in LIVE:
            return self
        report = sight.report or TaskReport(task_id=TaskId(""))
        return self._count(report, now)._judge(sight, report, now, limits)

    def _count(self, report: TaskReport, now: Moment) -> "TaskRun":
        received = report.frames.received
        if received == self.received:
            return self
        return replace(self, received=received, arrived=now.monotonic)

    def _judge(self, sight: Sighting, report: TaskReport, now: Moment, limits: Limits) -> "TaskRun":
        if report.finished:
            return self._on(TaskEvent.ENDED, now)
        if sight.obstacle is not None:
            return self._fail(sight.obstacle, sight.patience, now, limits)
        if report.fault is not None:
            return self._fail(report.fault, Patience.POLICY, now, limits)
        return self._look_for_results(report, now, limits)

    def _look_for_results(self, report: TaskReport, now: Moment, limits: Limits) -> "TaskRun":
        if report.analysed_age is not None and report.analysed_age < limits.silence:
            frames = (
                report.frames if report.frames.analysed != self.frames.analysed else self.frames
            )
            seen = now.monotonic - report.analysed_age
            run = replace(self, seen=max(seen, self.seen), frames=frames, failing_since=None)
            return run._on(TaskEvent.ANALYSING, now)
        if now.monotonic - self.seen >= limits.silence:
            return self._fail(self._silence(report, now, limits), Patience.POLICY, now, limits)
        return self

    def _begin(self, event: TaskEvent, now: Moment) -> "TaskRun":
        run = replace(
            self,
            seen=now.monotonic,
            frames=NO_FRAMES,
            received=0,
            arrived=None,
            failing_since=None,
        )
        return run._on(event, now)

    def _fail(self, fault: Fault, patience: Patience, now: Moment, limits: Limits) -> "TaskRun":
        """Wait or give up; a fault that stays the same keeps the moment it began."""
        if self.fault is not None and self.fault.kind is fault.kind:
            fault = replace(fault, since=self.fault.since)
        if patience is Patience.ENDLESS:
            run = replace(self, seen=now.monotonic, failing_since=None)
            return run._on(TaskEvent.STALLED, now, fault)
        since = now.monotonic if self.failing_since is None else self.failing_since
        run = replace(self, failing_since=since)
        hopeless = not fault.kind.waiting_helps or now.monotonic - since >= limits.give_up
        if patience is Patience.NONE or (self.policy is RestartPolicy.NEVER and hopeless):
            return run._on(TaskEvent.FAILED, now, fault)
        return run._on(TaskEvent.STALLED, now, fault)

    def _silence(self, report: TaskReport, now: Moment, limits: Limits) -> Fault:
        """Name what is missing: pictures, or their analysis.

        A stream that falls silent leaves some pictures behind that are not analysed any more; only
        if they go on to come it is the analysis.
        """
        seconds = now.monotonic - self.seen
        arrived = report.frames.received - self.frames.received
        still_come = self.arrived is not None and now.monotonic - self.arrived < limits.silence / 2
        if arrived > 0 and still_come:
            text = f"{arrived} pictures arrived and none was analysed for {seconds:.0f} s"
            return Fault(FaultClass.ENGINE, text, now.utc)
        text = f"the stream has delivered no picture for {seconds:.0f} s"
        return Fault(FaultClass.TIMEOUT, text, now.utc)

    def _on(self, event: TaskEvent, now: Moment, fault: Fault | None = None) -> "TaskRun":
        after = TRANSITIONS[self.state, event]
        unchanged = after is self.state and _kind(fault) is _kind(self.fault)
        step = Transition(now.utc, event, self.state, after, fault.message if fault else "")
        history = self.history if unchanged else (*self.history, step)[-HISTORY_LENGTH:]
        return replace(self, state=after, fault=fault, history=history)


def _kind(fault: Fault | None) -> FaultClass | None:
    return None if fault is None else fault.kind
