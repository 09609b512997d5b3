"""Values, a clock that tests turn, and honest stand-ins for what the tasks' side is given."""

import asyncio
from datetime import UTC, datetime, timedelta

from cad.base.errors import UnavailableError
from cad.control.tasks.machine import Moment, Sighting
from cad.domain.destinations import HttpDestination
from cad.domain.events import RaisedEvent
from cad.domain.faults import Fault, FaultClass
from cad.domain.ids import EventId, ServiceId, StreamId, TaskId
from cad.domain.models import ModelInput, ModelSpec, PreparedModel
from cad.domain.packages import AlgorithmManifest, PackageType, ServiceOrder, ServiceSettings
from cad.domain.rules import Rule
from cad.domain.streams import StreamSource
from cad.domain.tasks import (
    FrameCounts,
    NewTask,
    RestartPolicy,
    TaskOrder,
    TaskRecord,
    TaskReport,
    TaskState,
    UnreadableTask,
)
from cad.protocols.worker.settings import WorkerSettings

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PERSON = ServiceId("OPEN-PERSON_DETECT-1.0.0")
VEHICLE = ServiceId("OPEN-VEHICLE_DETECT-1.0.0")
TASK = TaskId("t1")
MODEL = ModelSpec(
    task="detect", decoder="nanodet", labels=("person",), input=ModelInput(width=416, height=416)
)

SETTINGS = WorkerSettings(
    accelerator="cpu",
    threads=2,
    file_dirs=("/",),
    rtsp_transport="tcp",
    open_timeout=10.0,
    silence_timeout=10.0,
)


def at(seconds: float) -> Moment:
    return Moment(seconds, NOON + timedelta(seconds=seconds))


def fault(kind: FaultClass = FaultClass.CONNECTION, message: str = "refused") -> Fault:
    return Fault(kind, message, NOON)


class TurnableClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


def new_task(
    *,
    service_id: ServiceId = PERSON,
    url: str = "rtsp://user:secret@camera/1",
    event_types: tuple[str, ...] = ("INTRUSION",),
    policy: RestartPolicy = RestartPolicy.ALWAYS,
    rate: float = 5.0,
    loop: bool = False,
    duration: float = 0.0,
    cabin_name: str = "",
    version: str = "",
    task_info: str = "{}",
) -> NewTask:
    return NewTask(
        service_id=service_id,
        restart_policy=policy,
        source=StreamSource(url=url, loop=loop),
        analysis_rate=rate,
        rules=tuple(Rule(event_type=name, duration=duration) for name in event_types),
        destinations=tuple((HttpDestination("http://receiver/events"),) for _ in event_types),
        cabin_name=cabin_name,
        version=version,
        task_info=task_info,
    )


def order(
    task_id: str = "t1",
    stream_id: str = "s1",
    *,
    service_id: ServiceId = PERSON,
    url: str = "rtsp://camera/1",
    rate: float = 5.0,
) -> TaskOrder:
    return TaskOrder(
        task_id=TaskId(task_id),
        service_id=service_id,
        stream_id=StreamId(stream_id),
        source=StreamSource(url=url),
        analysis_rate=rate,
        rules=(Rule(event_type="INTRUSION"),),
    )


def record(task: TaskOrder | None = None, state: TaskState = TaskState.PENDING) -> TaskRecord:
    return TaskRecord(
        order=task or order(),
        restart_policy=RestartPolicy.ALWAYS,
        destinations=((HttpDestination("http://user:pass@receiver/events"),),),
        task_info='{"labels": {}}',
        created_at=NOON,
        state=state,
    )


def service_order(service_id: ServiceId = PERSON, threshold: float | None = None) -> ServiceOrder:
    prepared = PreparedModel(
        digest="00",
        provider="CPUExecutionProvider",
        compiled_dir="/nowhere",
        cpu_seconds_per_frame=0.01,
        sample_boxes=1,
    )
    settings = ServiceSettings(score_threshold=threshold)
    return ServiceOrder(service_id=service_id, model=MODEL, settings=settings, prepared=prepared)


def manifest(service_id: ServiceId = PERSON) -> AlgorithmManifest:
    return AlgorithmManifest(
        code=service_id,
        name="person detection",
        version="1.0.0",
        kind=PackageType.BIN,
        cabin_name="person-detect",
        event_types=("INTRUSION", "LINE_CROSSING"),
        model_path="model.onnx",
        model=MODEL,
    )


def report(
    task_id: str = "t1",
    *,
    received: int = 0,
    analysed: int = 0,
    age: float | None = None,
    finished: bool = False,
    wrong: Fault | None = None,
) -> TaskReport:
    return TaskReport(
        task_id=TaskId(task_id),
        frames=FrameCounts(received=received, decoded=received, analysed=analysed),
        analysed_age=age,
        finished=finished,
        fault=wrong,
    )


def event(number: int = 0, task_id: str = "t1") -> RaisedEvent:
    return RaisedEvent(
        event_id=EventId(f"e{number}"),
        task_id=TaskId(task_id),
        rule_index=0,
        area_id=None,
        direction=None,
        received_at=NOON,
        received=0.0,
        width=640,
        height=480,
        pts=float(number),
        targets=(),
        full_image=b"full",
        crop_image=b"crop",
    )


class MemoryTaskStore:
    """A `TaskStore` in memory; `broken` makes it refuse like a full disk."""

    def __init__(self, *records: TaskRecord) -> None:
        self.kept = {record.task_id: record for record in records}
        self.unreadable: list[UnreadableTask] = []
        self.broken = False
        self.pause: asyncio.Event | None = None
        """Until it is set nothing is stored."""
        self.dropped: list[TaskId] = []
        """Tasks whose events went with them."""

    async def all(self) -> list[TaskRecord | UnreadableTask]:
        return [*self.kept.values(), *self.unreadable]

    async def save(self, record: TaskRecord) -> None:
        if self.pause is not None:
            await self.pause.wait()
        self._check()
        self.kept[record.task_id] = record

    async def delete(self, task_id: TaskId, *, force: bool) -> None:
        self._check()
        self.kept.pop(task_id, None)
        if force:
            self.dropped.append(task_id)

    def _check(self) -> None:
        if self.broken:
            raise UnavailableError("database: disk is full")


class FixedAlgorithms:
    """`Algorithms` with two that are installed."""

    def __init__(self) -> None:
        self.installed = {PERSON: manifest(PERSON), VEHICLE: manifest(VEHICLE)}

    def find(self, service_id: ServiceId) -> AlgorithmManifest | None:
        return self.installed.get(service_id)


class SightedRunner:
    """A `TaskRunner` that runs nothing: tests set what it sees."""

    def __init__(self) -> None:
        self.running: dict[TaskId, TaskOrder] = {}
        self.sightings: dict[TaskId, Sighting] = {}
        self.released: list[ServiceId] = []
        self.settles: asyncio.Event | None = None
        """Until it is set the events of stopped tasks are under way."""

    def start(self, order: TaskOrder) -> None:
        self.running[order.task_id] = order

    def stop(self, task_id: TaskId) -> None:
        self.running.pop(task_id, None)

    async def settle(self, task_id: TaskId) -> None:
        if self.settles is not None:
            await self.settles.wait()

    def release(self, service_id: ServiceId) -> None:
        self.released.append(service_id)

    def sighting(self, task_id: TaskId) -> Sighting:
        return self.sightings.get(task_id, Sighting())


class NotedBacklog:
    """An `EventBacklog` that notes what it was told."""

    def __init__(self) -> None:
        self.forgotten: list[tuple[TaskId, bool]] = []
        self.stored = {TASK: 7}
        self.broken = False

    def counts(self, task_id: TaskId) -> int:
        return self.stored.get(task_id, 0)

    async def forget_task(self, task_id: TaskId, *, force: bool) -> None:
        if self.broken:
            raise UnavailableError("database: disk is full")
        self.forgotten.append((task_id, force))
