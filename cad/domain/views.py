"""What one part of the control plane shows of itself to the others and to people."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cad.domain.faults import Fault
from cad.domain.streams import StreamStatus
from cad.domain.tasks import FrameCounts, TaskRecord, TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """A task at one moment."""

    record: TaskRecord
    state: TaskState
    fault: Fault | None = None
    """Why it has no results now; None while all is well."""
    frames: FrameCounts
    age: float | None = None
    """Seconds since the last analysed picture had arrived."""
    events: int = 0
    """Events stored since the task was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStep:
    """A change of a task's state, or of the class of its fault."""

    at: datetime
    event: str
    """What happened, one word."""
    before: TaskState
    after: TaskState
    reason: str


class WorkerState(StrEnum):
    """Where an analysis worker stands."""

    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    """It died or hung; the next one is being started, at once or after a delay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerView:
    """An analysis worker at one moment."""

    name: str
    state: WorkerState
    pid: int | None
    restarts: int
    last_end: str = ""
    """How the one before ended."""
    providers: tuple[str, ...] = ()
    threads: int = 0
    cpu_seconds: float = 0.0
    resident_bytes: int = 0
    streams: tuple[StreamStatus, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFigures:
    """What the machine has and uses (H.5)."""

    cpu_utilization: float
    """0..1 over all cores since the last reading."""
    memory_used_bytes: int
    memory_free_bytes: int
    disk_used_bytes: int
    """Of the file system that holds the data directory."""
    disk_free_bytes: int


class LinkState(StrEnum):
    """Where the device stands with its platform."""

    DISABLED = "disabled"
    """No platform is configured."""
    OFFLINE = "offline"
    REGISTERING = "registering"
    ONLINE = "online"
    LEAVING = "leaving"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """The platform link at one moment."""

    state: LinkState
    url: str
    since: datetime
    last_error: str = ""
    last_keepalive: datetime | None = None
    registrations: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeView:
    """What became of the events of all workers since the daemon started."""

    stored: int = 0
    orphaned: int = 0
    """Of tasks that are no more; not stored."""
    unmade: int = 0
    """Of which no document could be made; not stored."""
    failures: int = 0
    """Tries to store that failed; each was or will be repeated."""
    refused_now: int = 0
    """Events that wait because the disk refuses them now."""
    last_error: str = ""
    """Why it does; empty while all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationView:
    """One receiver of events at one moment; several tasks may deliver to it."""

    name: str
    """Without credentials."""
    waiting: int
    dead: int
    last_error: str = ""
    """Why it has not taken the last event; empty while all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxView:
    """The outbox at one moment; deliveries are counted for each destination of an event."""

    waiting: int
    delivered: int
    """Since the device was installed."""
    dead: int
    """Given up after refusals; kept for `cadctl event resend`."""
    dropped: int
    """Lost to the size limit, oldest first."""
    stored_bytes: int
    oldest_waiting: datetime | None = None
    last_error: str = ""
    internal_errors: int = 0
    """Attempts since the daemon started that a bug of this device ended; each is repeated."""
    latency_p50: float | None = None
    """Seconds from a picture's arrival to its event on disk, of the last events; None: none."""
    latency_p95: float | None = None
    destinations: tuple[DestinationView, ...] = ()
    """In the order of their names."""
