"""Our own calls under /local/v1 on the local socket: what `cadctl` asks the daemon.

Tasks are those of Annex G, packages those of Annex I, under the paths below; answers are in the
envelope of `cad.wire.envelope.LOCAL`. Moments are local times (AM-14).
"""

from datetime import datetime
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import Field

from cad.base.clock import local_text
from cad.base.redact import redact
from cad.domain.streams import StreamPhase, StreamStatus
from cad.domain.tasks import TaskState
from cad.domain.views import (
    DestinationView,
    HostFigures,
    IntakeView,
    LinkState,
    LinkView,
    OutboxView,
    TaskStep,
    WorkerState,
    WorkerView,
)
from cad.wire.annex_g_tasks import StatusReason
from cad.wire.annex_i_packages import MachineAlgoFilePackage, MachineAlgoPackage
from cad.wire.model import Long, Number, Text, WireModel

STATUS = "/local/v1/status"
PACKAGES = "/local/v1/packages"
TASKS = "/local/v1/tasks"
STREAMS = "/local/v1/streams"
WORKERS = "/local/v1/workers"
PLATFORM_CREDENTIALS = "/local/v1/platform/credentials"
OPENAPI = "/local/v1/openapi"


def _moment(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return None if moment is None else local_text(moment, zone)


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else max(0, round(seconds * 1000))


class LinkItem(WireModel):
    """The platform link."""

    state: LinkState
    url: str
    since: str
    last_error: str | None = None
    last_keepalive: str | None = None
    registrations: int

    @classmethod
    def from_view(cls, view: LinkView, zone: ZoneInfo) -> Self:
        """Return `view` as it is answered."""
        return cls(
            state=view.state,
            url=redact(view.url),
            since=local_text(view.since, zone),
            last_error=redact(view.last_error) or None,
            last_keepalive=_moment(view.last_keepalive, zone),
            registrations=view.registrations,
        )


class HostItem(WireModel):
    """What the machine has and uses."""

    cpu_utilization: Number
    """0..1 over all cores."""
    memory_used_bytes: int
    memory_free_bytes: int
    disk_used_bytes: int
    disk_free_bytes: int

    @classmethod
    def from_figures(cls, figures: HostFigures) -> Self:
        """Return `figures` as they are answered."""
        return cls(
            cpu_utilization=round(figures.cpu_utilization, 4),
            memory_used_bytes=figures.memory_used_bytes,
            memory_free_bytes=figures.memory_free_bytes,
            disk_used_bytes=figures.disk_used_bytes,
            disk_free_bytes=figures.disk_free_bytes,
        )


class StreamItem(WireModel):
    """A stream on one worker; its URL is not shown."""

    stream_id: str
    worker: str
    phase: StreamPhase
    fault: StatusReason | None = None
    received: int
    decoded: int
    damaged: int = 0
    """Pictures that could not be decoded."""
    skipped: int = 0
    """Pictures that were not decoded, since the key picture before them is missing."""
    connects: int
    width: int
    height: int
    codec: str
    frame_rate: Number
    last_frame_age_ms: int | None = None

    @classmethod
    def from_status(cls, status: StreamStatus, worker: str, zone: ZoneInfo) -> Self:
        """Return `status` as it is answered."""
        return cls(
            stream_id=status.stream_id,
            worker=worker,
            phase=status.phase,
            fault=StatusReason.from_fault(status.fault, zone) if status.fault else None,
            received=status.received,
            decoded=status.decoded,
            damaged=status.damaged,
            skipped=status.skipped,
            connects=status.connects,
            width=status.width,
            height=status.height,
            codec=status.codec,
            frame_rate=round(status.frame_rate, 3),
            last_frame_age_ms=_milliseconds(status.last_frame_age),
        )


class TaskStepItem(WireModel):
    """A change of a task's state, or of the class of its fault."""

    at: str
    event: str
    before: TaskState
    after: TaskState
    reason: str | None = None

    @classmethod
    def from_step(cls, step: TaskStep, zone: ZoneInfo) -> Self:
        """Return `step` as it is answered."""
        return cls(
            at=local_text(step.at, zone),
            event=step.event,
            before=step.before,
            after=step.after,
            reason=redact(step.reason) or None,
        )


class WorkerItem(WireModel):
    """An analysis worker."""

    name: str
    state: WorkerState
    pid: int | None = None
    restarts: int
    last_end: str | None = None
    providers: list[str]
    threads: int
    cpu_seconds: Number
    resident_bytes: int
    streams: int

    @classmethod
    def from_view(cls, view: WorkerView) -> Self:
        """Return `view` as it is answered."""
        return cls(
            name=view.name,
            state=view.state,
            pid=view.pid,
            restarts=view.restarts,
            last_end=redact(view.last_end) or None,
            providers=list(view.providers),
            threads=view.threads,
            cpu_seconds=round(view.cpu_seconds, 3),
            resident_bytes=view.resident_bytes,
            streams=len(view.streams),
        )


class DestinationItem(WireModel):
    """One receiver of events, over all tasks that deliver to it."""

    name: Text
    """Without credentials."""
    waiting: Long
    dead: Long
    last_error: Text | None = None

    @classmethod
    def from_view(cls, view: DestinationView) -> Self:
        """Return `view` as it is answered."""
        return cls(
            name=redact(view.name),
            waiting=view.waiting,
            dead=view.dead,
            last_error=redact(view.last_error) or None,
        )


class OutboxItem(WireModel):
    """The outbox; deliveries are counted for each destination of an event."""

    waiting: int
    delivered: int
    dead: int
    dropped: int
    stored_bytes: int
    oldest_waiting: str | None = None
    last_error: str | None = None
    internal_errors: Long = 0
    """Attempts since the daemon started that a bug of this device ended; each is repeated."""
    latency_p50_ms: int | None = None
    """From a picture's arrival to its event on disk, of the last events; absent = none yet."""
    latency_p95_ms: int | None = None
    destinations: list[DestinationItem] = Field(default_factory=list)

    @classmethod
    def from_view(cls, view: OutboxView, zone: ZoneInfo) -> Self:
        """Return `view` as it is answered."""
        return cls(
            waiting=view.waiting,
            delivered=view.delivered,
            dead=view.dead,
            dropped=view.dropped,
            stored_bytes=view.stored_bytes,
            oldest_waiting=_moment(view.oldest_waiting, zone),
            last_error=redact(view.last_error) or None,
            internal_errors=view.internal_errors,
            latency_p50_ms=_milliseconds(view.latency_p50),
            latency_p95_ms=_milliseconds(view.latency_p95),
            destinations=[DestinationItem.from_view(each) for each in view.destinations],
        )


class EventsItem(WireModel):
    """What became of the events that the workers raised since the daemon started."""

    stored: Long = 0
    orphaned: Long = 0
    """Of tasks that are no more; not stored."""
    unmade: Long = 0
    """Of which no document could be made; not stored."""
    failures: Long = 0
    """Tries to store that failed; each was or will be repeated."""
    refused_now: Long = 0
    """Events that wait because the disk refuses them now."""
    last_error: Text | None = None
    """Why it does; absent while all is well."""

    @classmethod
    def from_view(cls, view: IntakeView) -> Self:
        """Return `view` as it is answered."""
        return cls(
            stored=view.stored,
            orphaned=view.orphaned,
            unmade=view.unmade,
            failures=view.failures,
            refused_now=view.refused_now,
            last_error=redact(view.last_error) or None,
        )


class MachineItem(WireModel):
    """The device itself."""

    code: str
    version: str
    uptime_seconds: Number


class Counts(WireModel):
    """How many of what there are."""

    packages: int
    tasks: int
    tasks_by_state: dict[str, int] = Field(default_factory=dict)
    streams: int


class StatusItem(WireModel):
    """The device at one moment."""

    machine: MachineItem
    link: LinkItem
    host: HostItem
    workers: list[WorkerItem]
    outbox: OutboxItem
    events: EventsItem = EventsItem()
    counts: Counts


class PackagesItem(WireModel):
    """Everything that is installed, and what it came in."""

    packages: list[MachineAlgoPackage]
    file_packages: list[MachineAlgoFilePackage]


class CredentialsItem(WireModel):
    """What the platform logs in at this device with."""

    username: str
    password: str = Field(repr=False)
