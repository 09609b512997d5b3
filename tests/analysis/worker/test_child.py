"""The worker as the daemon starts it: a real child with a real model on the real clip."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from benchmarks.installed import CLIP, compiled_order
from cad.analysis.pipeline.alarm import SNAPSHOT_LIMIT, UNACKNOWLEDGED_LIMIT
from cad.domain.ids import ServiceId, StreamId, TaskId
from cad.domain.packages import ServiceOrder
from cad.domain.rules import Area, AreaType, Point, Rule
from cad.domain.streams import StreamSource
from cad.domain.tasks import TaskOrder
from cad.protocols.worker.messages import (
    Hello,
    LoadService,
    Report,
    ServiceLoaded,
    Shutdown,
    StartTask,
)
from cad.protocols.worker.settings import WorkerSettings, settings_argument
from tests.analysis.worker.desk import Desk
from tests.waiting import until

pytestmark = pytest.mark.peer

SETTINGS = WorkerSettings(
    accelerator="cpu",
    threads=2,
    file_dirs=(str(CLIP.parent),),
    rtsp_transport="tcp",
    open_timeout=5.0,
    silence_timeout=5.0,
    pace_files=False,
)
LINE = Area(0, AreaType.SINGLE_LINE_BOTH, (Point(0.5, 0.0), Point(0.5, 1.0)))
RULES = (
    Rule(event_type="INTRUSION"),
    Rule(event_type="LINE_CROSSING", areas=(LINE,)),
)


@dataclass
class Child:
    """A worker process and the daemon's end of its socket."""

    process: asyncio.subprocess.Process
    desk: Desk

    async def ended(self, deadline: float) -> int:
        """Wait for the end of the process; return its exit code."""
        async with asyncio.timeout(deadline):
            return await self.process.wait()


@asynccontextmanager
async def worker_process(settings: WorkerSettings = SETTINGS) -> AsyncIterator[Child]:
    """Run a worker; it is killed at the end of the scope if it still runs."""
    ours, theirs = socket.socketpair()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cad.analysis.worker",
        "--socket-fd",
        str(theirs.fileno()),
        "--settings",
        settings_argument(settings),
        pass_fds=[theirs.fileno()],
    )
    theirs.close()
    desk = await Desk.at(ours)
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(desk.listen())
        try:
            yield Child(process, desk)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            listening.cancel()
            await desk.hang_up()


@pytest.fixture(scope="session")
def person_detector(tmp_path_factory: pytest.TempPathFactory) -> ServiceOrder:
    return compiled_order("person_detect", tmp_path_factory.mktemp("person_detect"))


def clip_task(service: ServiceId, *, loop: bool = False) -> TaskOrder:
    """Return a task on the clip, half of whose 10 pictures per second are analysed."""
    return TaskOrder(
        task_id=TaskId("clip"),
        service_id=service,
        stream_id=StreamId("clip"),
        source=StreamSource(url=CLIP.as_uri(), loop=loop),
        analysis_rate=5.0,
        rules=RULES,
    )


async def at_work(child: Child, service: ServiceOrder, *, loop: bool = True) -> None:
    """Give the worker its service and task; return once pictures are analysed."""
    task = clip_task(service.service_id, loop=loop)
    child.desk.send(LoadService(service), StartTask(task))
    await child.desk.first(ServiceLoaded)
    await until(
        lambda: (report := child.desk.task("clip")) and report.frames.analysed > 0, deadline=20
    )


async def test_a_clip_is_analysed_to_its_end_with_events_of_every_rule(
    person_detector: ServiceOrder,
) -> None:
    async with worker_process() as child:
        await at_work(child, person_detector, loop=False)
        report = await child.desk.finished("clip", deadline=50)
        events = [each.event for each in child.desk.events]
    assert report.frames.decoded >= report.frames.analysed > 350
    assert report.frames.dropped == 0
    assert {event.rule_index for event in events} == {0, 1}
    assert all(event.full_image[:2] == event.crop_image[:2] == b"\xff\xd8" for event in events)
    assert [event.pts for event in events] == sorted(event.pts for event in events)
    assert all(target.label == "person" for event in events for target in event.targets)


async def test_the_worker_says_what_it_uses(person_detector: ServiceOrder) -> None:
    async with worker_process() as child:
        await at_work(child, person_detector)
        hello, report = child.desk.all(Hello)[0], child.desk.all(Report)[-1]
    assert hello.pid == child.process.pid
    assert hello.providers[-1] == "CPUExecutionProvider"
    [service] = report.services
    assert service.frames > 0
    assert report.cpu_seconds > 0


async def test_events_that_nobody_stores_hold_back_the_frames(
    person_detector: ServiceOrder,
) -> None:
    rules = (Rule(event_type="INTRUSION", repeat=0.0),)
    async with worker_process() as child:
        child.desk.stores_events = False
        task = replace(clip_task(person_detector.service_id), rules=rules)
        child.desk.send(LoadService(person_detector), StartTask(task))
        await until(lambda: len(child.desk.events) >= UNACKNOWLEDGED_LIMIT, deadline=20)
        await until(lambda: child.desk.all(Report)[-1].services[0].frames > 0)
        reports = len(child.desk.all(Report))
        await until(lambda: len(child.desk.all(Report)) > reports + 1)
        assert len(child.desk.events) <= UNACKNOWLEDGED_LIMIT + SNAPSHOT_LIMIT + SETTINGS.threads
        child.desk.send(Shutdown())
        child.desk.store_all()
        assert await child.ended(5) == 0
        assert child.desk.all(Report)[-1].tasks[0].frames.dropped == 0


@pytest.mark.parametrize("how", ["order", "signal"])
async def test_an_orderly_stop_ends_with_exit_code_zero(
    person_detector: ServiceOrder, how: str
) -> None:
    async with worker_process() as child:
        await at_work(child, person_detector)
        if how == "order":
            child.desk.send(Shutdown())
        else:
            child.process.send_signal(signal.SIGTERM)
        assert await child.ended(5) == 0


async def test_a_worker_without_its_daemon_ends_within_two_seconds(
    person_detector: ServiceOrder,
) -> None:
    async with worker_process() as child:
        await at_work(child, person_detector)
        await child.desk.hang_up()
        await child.ended(2)


async def test_ctrl_c_is_left_to_the_daemon(person_detector: ServiceOrder) -> None:
    async with worker_process() as child:
        await at_work(child, person_detector)
        child.process.send_signal(signal.SIGINT)
        reports = len(child.desk.all(Report))
        await until(lambda: len(child.desk.all(Report)) > reports + 1)


async def test_a_worker_that_cannot_understand_its_daemon_fails() -> None:
    async with worker_process() as child:
        await child.desk.first(Hello)
        child.desk.send_bytes(b"\x00\x00\x00\x01\xc1")
        assert await child.ended(5) == 1


def test_settings_that_are_incomplete_are_refused_by_name() -> None:
    command = [sys.executable, "-m", "cad.analysis.worker", "--socket-fd", "0", "--settings", "{}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "missing required field `accelerator`" in result.stderr
