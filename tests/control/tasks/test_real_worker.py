"""Tasks on the real analysis worker, over everything that befalls it."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.installed import CLIP, compiled_order, manifest_of
from cad.base.clock import SystemClock
from cad.control.store.database import Database
from cad.control.store.secrets import SecretBox
from cad.control.store.tasks import TaskRepository
from cad.control.tasks.book import TaskBook
from cad.control.tasks.fleet import Fleet, FleetPlan
from cad.control.tasks.machine import Limits
from cad.control.tasks.service import TaskPolicy, TaskService
from cad.control.tasks.worker_process import WorkerProgram
from cad.domain.events import RaisedEvent
from cad.domain.faults import FaultClass
from cad.domain.ids import ServiceId, StreamId, TaskId
from cad.domain.packages import AlgorithmManifest, ServiceOrder
from cad.domain.tasks import NewTask, RestartPolicy, TaskRecord, TaskState
from cad.protocols.worker.settings import WorkerSettings
from tests.control.tasks.values import NotedBacklog, new_task
from tests.waiting import until

pytestmark = pytest.mark.peer

MANIFEST = manifest_of("person_detect")
PROGRAM = WorkerProgram(
    command=[sys.executable, "-m", "cad.analysis.worker"],
    settings=WorkerSettings(
        accelerator="cpu",
        threads=1,
        file_dirs=(str(CLIP.parent),),
        rtsp_transport="tcp",
        open_timeout=3.0,
        silence_timeout=3.0,
    ),
)


class Catalogue:
    """The one algorithm of these tests."""

    def find(self, service_id: ServiceId) -> AlgorithmManifest | None:
        return MANIFEST if MANIFEST.code == service_id else None


class Kept:
    """An `EventStore` in memory."""

    def __init__(self) -> None:
        self.events: list[RaisedEvent] = []

    async def store(self, event: RaisedEvent, record: TaskRecord) -> None:
        self.events.append(event)


@dataclass
class Device:
    """The tasks' side of a device with one worker."""

    fleet: Fleet
    tasks: TaskService
    events: list[RaisedEvent]

    @property
    def pid(self) -> int | None:
        return self.fleet.workers()[0].pid

    def is_running(self, task_id: TaskId) -> bool:
        return self.tasks.get(task_id).state is TaskState.RUNNING

    async def replaced(self, pid: int, task_id: TaskId) -> float:
        """Wait until another process than `pid` analyses; return the seconds it took."""
        start = time.monotonic()
        await until(lambda: self.pid not in {None, pid} and self.analyses_again(task_id))
        return time.monotonic() - start

    def analyses_again(self, task_id: TaskId) -> bool:
        report = self.fleet.sighting(task_id).report
        return report is not None and report.frames.analysed > 0


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> ServiceOrder:
    return compiled_order("person_detect", tmp_path_factory.mktemp("person_detect"))


@asynccontextmanager
async def device(folder: Path, detector: ServiceOrder) -> AsyncIterator[Device]:
    kept, clock = Kept(), SystemClock()
    async with await Database.open(folder / "cad.db") as database:
        book = TaskBook(TaskRepository(database, SecretBox(b"k" * 32)))
        plan = FleetPlan(program=PROGRAM, workers=1)
        fleet = Fleet(plan, events=kept, records=book.raised_under, clock=clock)
        tasks = TaskService(
            book=book,
            runner=fleet,
            algorithms=Catalogue(),
            backlog=NotedBacklog(),
            stream_names=lambda source: StreamId(f"s{len(source.url)}"),
            clock=clock,
            policy=TaskPolicy(limits=Limits(silence=8.0, give_up=60.0)),
        )
        async with fleet.running(), tasks.running():
            await fleet.serve(detector)
            yield Device(fleet, tasks, kept.events)


def on_the_clip(detector: ServiceOrder, *, loop: bool = True) -> NewTask:
    return new_task(service_id=detector.service_id, url=CLIP.as_uri(), loop=loop)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_dead_or_stopped_worker_is_replaced_in_five_seconds(
    tmp_path: Path, detector: ServiceOrder, sign: signal.Signals
) -> None:
    async with device(tmp_path, detector) as box:
        view, _ = await box.tasks.create(on_the_clip(detector))
        task_id = view.record.task_id
        await until(lambda: box.is_running(task_id) and box.events)
        pid, seen = box.pid, len(box.events)
        assert pid is not None
        os.kill(pid, sign)
        assert await box.replaced(pid, task_id) < 5.0
        await until(lambda: box.is_running(task_id) and len(box.events) > seen)


async def test_tasks_come_back_with_the_daemon(tmp_path: Path, detector: ServiceOrder) -> None:
    async with device(tmp_path, detector) as box:
        view, _ = await box.tasks.create(on_the_clip(detector))
    async with device(tmp_path, detector) as box:
        await until(lambda: box.is_running(view.record.task_id))


async def test_a_camera_that_connects_and_says_nothing_is_named(
    tmp_path: Path, detector: ServiceOrder
) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, device(tmp_path, detector) as box:
        url = f"rtsp://admin:hunter2@127.0.0.1:{port}/1"
        order = new_task(service_id=detector.service_id, url=url, policy=RestartPolicy.ALWAYS)
        task_id = (await box.tasks.create(order))[0].record.task_id
        await until(lambda: box.tasks.get(task_id).fault)
        view = box.tasks.get(task_id)
    assert view.fault is not None
    assert (view.state, view.fault.kind) == (TaskState.PENDING, FaultClass.TIMEOUT)
    assert "hunter2" not in view.fault.message
