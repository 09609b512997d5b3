"""Analysis tasks (解析任务): what was ordered, and how it goes."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from cad.domain.destinations import Destination
from cad.domain.faults import Fault
from cad.domain.ids import ServiceId, StreamId, TaskId
from cad.domain.rules import Rule
from cad.domain.streams import StreamSource


class TaskState(StrEnum):
    """The states of Table G.9."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    FINISHED = "FINISHED"
    ERROR = "ERROR"


class RestartPolicy(StrEnum):
    """What follows a failure (AM-109)."""

    NEVER = "NEVER"
    ALWAYS = "ALWAYS"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOrder:
    """What an analysis worker needs to run a task."""

    task_id: TaskId
    service_id: ServiceId
    stream_id: StreamId
    source: StreamSource
    analysis_rate: float = 5.0
    """Frames per second to analyse; 0 = every frame."""
    rules: tuple[Rule, ...] = ()
    revision: int = 0
    """Which content of the task this is; it grows whenever the task is given other content."""

    def revised(self) -> Self:
        """Return the order under the next revision; to be used with any change of content."""
        return replace(self, revision=self.revision + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """A task as it is kept over restarts."""

    order: TaskOrder
    restart_policy: RestartPolicy
    destinations: tuple[tuple[Destination, ...], ...]
    """For each rule, in the order of `order.rules`: where its events go."""
    task_info: str
    """`taskInfo` as it was given, JSON, for the echo in answers."""
    created_at: datetime
    state: TaskState = TaskState.PENDING
    """Over a restart PAUSED, FINISHED and ERROR stay; the others begin again."""
    fault: Fault | None = None
    """Why it is in ERROR."""

    @property
    def task_id(self) -> TaskId:
        """The task's id."""
        return self.order.task_id


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableTask:
    """What is left of a task whose record cannot be read any more."""

    task_id: TaskId
    service_id: ServiceId
    stream_id: StreamId
    reason: str
    """A sentence; holds no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameCounts:
    """What became of the pictures of a task since its run began."""

    received: int = 0
    decoded: int = 0
    analysed: int = 0
    dropped: int = 0
    """Wanted pictures that a newer one replaced before they were analysed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    """A task as its worker sees it, sent at least once a second."""

    task_id: TaskId
    frames: FrameCounts = field(default_factory=FrameCounts)
    analysed_age: float | None = None
    """Seconds since the last analysed picture had arrived; None = none yet."""
    finished: bool = False
    """The recording was analysed to its end; every event of it was raised before."""
    fault: Fault | None = None
    """What keeps it from results now: its stream's fault or its service's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """A task as a caller orders it (G.2), checked for its own sake."""

    service_id: ServiceId
    restart_policy: RestartPolicy
    source: StreamSource
    analysis_rate: float
    rules: tuple[Rule, ...]
    destinations: tuple[tuple[Destination, ...], ...]
    """For each rule, in order."""
    cabin_name: str = ""
    version: str = ""
    """Labels that must fit the algorithm of the service if given (AM-112)."""
    task_info: str
    """`taskInfo` as it was given, JSON, credentials of the stream URL included."""
