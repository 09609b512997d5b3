"""The services behind the API, kept in memory: they do at once what the real ones do in time."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from cad.base.errors import ConflictError, NotFoundError
from cad.domain.audit import AuditEntry
from cad.domain.deliveries import DeadLetter
from cad.domain.faults import Fault
from cad.domain.ids import EventId, FilePackageId, ServiceId, StreamId, TaskId
from cad.domain.models import ModelInput, ModelSpec
from cad.domain.packages import (
    AlgoPackage,
    AlgorithmManifest,
    FilePackage,
    FilePackageState,
    PackageState,
    PackageType,
    PushOrder,
    ServiceSettings,
)
from cad.domain.streams import StreamPhase, StreamStatus
from cad.domain.tasks import FrameCounts, NewTask, TaskOrder, TaskRecord, TaskState
from cad.domain.views import (
    DestinationView,
    HostFigures,
    IntakeView,
    LinkState,
    LinkView,
    OutboxView,
    TaskStep,
    TaskView,
    WorkerState,
    WorkerView,
)

NOON = datetime(2026, 11, 22, 4, 0, 0, 123000, UTC)
"""12:00:00.123 in Shanghai."""
GIB = 2**30


def manifest(code: str, name: str = "人体结构化") -> AlgorithmManifest:
    """Return a manifest entry for an algorithm package."""
    model = ModelSpec(
        task="detect", decoder="yolox", labels=("person",), input=ModelInput(width=416, height=416)
    )
    return AlgorithmManifest(
        code=ServiceId(code),
        name=name,
        version="1.0.0",
        kind=PackageType.BIN,
        cabin_name="person",
        event_types=(),
        model_path="model.onnx",
        model=model,
    )


@dataclass
class FakePackages:
    """Installs whatever is asked for, out of nothing."""

    pushed: dict[FilePackageId, FilePackage] = field(default_factory=dict)
    installed: dict[ServiceId, AlgoPackage] = field(default_factory=dict)
    orders: list[PushOrder] = field(default_factory=list)
    forced: list[ServiceId] = field(default_factory=list)

    async def push(self, order: PushOrder) -> None:
        self.orders.append(order)
        self.pushed[order.file_package_id] = FilePackage(
            file_package_id=order.file_package_id,
            state=FilePackageState.DOWNLOADING,
            received_bytes=7,
            created_at=NOON,
        )

    async def push_file(self, path: Path) -> FilePackageId:
        number = FilePackageId(2**52)
        await self.push(PushOrder(file_package_id=number, url=path.as_uri()))
        return number

    async def delete_file_package(self, file_package_id: FilePackageId) -> None:
        self.file_package(file_package_id)
        if self.installed:
            raise ConflictError("a package of it is installed")
        del self.pushed[file_package_id]

    def file_packages(self) -> Sequence[FilePackage]:
        return list(self.pushed.values())

    def file_package(self, file_package_id: FilePackageId) -> FilePackage:
        if file_package_id not in self.pushed:
            raise NotFoundError("no such file package", field="algoFilePackageId")
        return self.pushed[file_package_id]

    async def install(self, code: ServiceId, args: str, replaces: str = "") -> None:
        self.installed[code] = AlgoPackage(
            code=code,
            file_package_id=FilePackageId(1),
            manifest=manifest(code),
            state=PackageState.RUNNING,
            args=args,
            settings=ServiceSettings(),
            created_at=NOON,
        )

    async def uninstall(self, code: ServiceId, *, force: bool) -> None:
        self.package(code)
        del self.installed[code]
        if force:
            self.forced.append(code)

    async def start(self, code: ServiceId) -> None:
        self.installed[code] = replace(self.package(code), state=PackageState.RUNNING)

    async def stop(self, code: ServiceId) -> None:
        self.installed[code] = replace(self.package(code), state=PackageState.STOPPED)

    def packages(self, state: PackageState | None) -> Sequence[AlgoPackage]:
        return [p for p in self.installed.values() if state in {None, p.state}]

    def package(self, code: ServiceId) -> AlgoPackage:
        if code not in self.installed:
            raise NotFoundError("no such package", field="algoPackageCode", given=code)
        return self.installed[code]


@dataclass
class FakeTasks:
    """Keeps tasks; one that repeats service and stream replaces the one before (AM-106)."""

    views: dict[TaskId, TaskView] = field(default_factory=dict)
    forced: list[TaskId] = field(default_factory=list)
    known_services: set[str] | None = None
    fault: Fault | None = None

    async def create(self, new: NewTask) -> tuple[TaskView, bool]:
        if self.known_services is not None and new.service_id not in self.known_services:
            raise NotFoundError("no such service", field="algoServiceId", given=new.service_id)
        known = (v.record.order for v in self.views.values())
        same = [o for o in known if (o.service_id, o.source) == (new.service_id, new.source)]
        task_id = same[0].task_id if same else TaskId(f"task-{len(self.views) + 1}")
        self.views[task_id] = self._view(task_id, new)
        return self.views[task_id], not same

    def _view(self, task_id: TaskId, new: NewTask) -> TaskView:
        order = TaskOrder(
            task_id=task_id,
            service_id=new.service_id,
            stream_id=StreamId("stream-1"),
            source=new.source,
            analysis_rate=new.analysis_rate,
            rules=new.rules,
        )
        record = TaskRecord(
            order=order,
            restart_policy=new.restart_policy,
            destinations=new.destinations,
            task_info=new.task_info,
            created_at=NOON,
        )
        frames = FrameCounts(received=30, decoded=10, analysed=9, dropped=1)
        return TaskView(
            record=record, state=TaskState.PENDING, fault=self.fault, frames=frames, age=0.25
        )

    async def delete(self, task_id: TaskId, *, force: bool) -> None:
        self.get(task_id)
        del self.views[task_id]
        if force:
            self.forced.append(task_id)

    async def pause(self, task_id: TaskId) -> TaskView:
        return self._put(task_id, TaskState.PAUSED)

    async def resume(self, task_id: TaskId) -> TaskView:
        return self._put(task_id, TaskState.PENDING)

    def _put(self, task_id: TaskId, state: TaskState) -> TaskView:
        self.views[task_id] = replace(self.get(task_id), state=state)
        return self.views[task_id]

    def get(self, task_id: TaskId) -> TaskView:
        if task_id not in self.views:
            raise NotFoundError("no such task", field="id", given=task_id)
        return self.views[task_id]

    def history(self, task_id: TaskId) -> Sequence[TaskStep]:
        state = self.get(task_id).state
        moment = datetime(2026, 11, 22, 4, tzinfo=UTC)
        reason = "rtsp://u:secret@camera refuses"
        return [TaskStep(at=moment, event="failed", before=state, after=state, reason=reason)]

    def search(
        self,
        *,
        task_ids: Collection[TaskId],
        service_ids: Collection[ServiceId],
        event_types: Collection[str],
    ) -> Sequence[TaskView]:
        return [
            view
            for view in self.views.values()
            if (not task_ids or view.record.task_id in task_ids)
            and (not service_ids or view.record.order.service_id in service_ids)
            and (
                not event_types or {r.event_type for r in view.record.order.rules} & {*event_types}
            )
        ]


def event_types_of(view: TaskView) -> set[str]:
    """Return the event types of a task's rules."""
    return {rule.event_type for rule in view.record.order.rules}


@dataclass
class FakeWorkers:
    """One worker with one stream."""

    state: WorkerState = WorkerState.READY
    refusal: str = ""

    def intake(self) -> IntakeView:
        return IntakeView(
            stored=7, unmade=1, refused_now=int(bool(self.refusal)), last_error=self.refusal
        )

    def workers(self) -> Sequence[WorkerView]:
        stream = StreamStatus(
            stream_id=StreamId("stream-1"),
            phase=StreamPhase.OPEN,
            damaged=3,
            skipped=12,
            last_frame_age=0.04,
        )
        return [
            WorkerView(name="worker-0", state=self.state, pid=42, restarts=1, streams=(stream,))
        ]


class FakeHost:
    """Has always the same figures: those of the example of H.5."""

    def figures(self) -> HostFigures:
        return HostFigures(
            cpu_utilization=0.11,
            memory_used_bytes=round(24.395 * GIB),
            memory_free_bytes=round(39.605 * GIB),
            disk_used_bytes=round(128.1 * GIB),
            disk_free_bytes=round(127.9 * GIB),
        )


@dataclass
class FakeLink:
    """Is in the state it is told."""

    state: LinkState = LinkState.ONLINE

    def view(self) -> LinkView:
        return LinkView(state=self.state, url="https://u:p@platform:9443", since=NOON)


@dataclass
class FakeAuditLog:
    """Remembers what it is told."""

    listed: list[AuditEntry] = field(default_factory=list)

    async def record(self, entry: AuditEntry) -> None:
        self.listed.append(entry)

    async def entries(self, since: datetime | None, limit: int) -> Sequence[AuditEntry]:
        return [e for e in self.listed if since is None or e.time >= since][-limit:]


@dataclass
class FakeOutbox:
    """Feeds what is put into its queue."""

    stored: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    readers: int = 0
    letters: list[DeadLetter] = field(default_factory=list)
    resent: list[Sequence[EventId] | None] = field(default_factory=list)

    async def dead(self, limit: int) -> Sequence[DeadLetter]:
        return self.letters[:limit]

    async def resend(self, event_ids: Sequence[EventId] | None) -> int:
        self.resent.append(event_ids)
        return len(self.letters)

    def view(self) -> OutboxView:
        kafka = DestinationView(name="kafka://k1:9092/E", waiting=1, dead=3, last_error="away")
        return OutboxView(
            waiting=1, delivered=2, dead=3, dropped=4, stored_bytes=5, destinations=(kafka,)
        )

    async def tail(self) -> AsyncIterator[bytes]:
        self.readers += 1
        try:
            while True:
                yield await self.stored.get()
        finally:
            self.readers -= 1
