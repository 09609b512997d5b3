"""What comes back by itself: after the death of any process, and without the platform."""

import os
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from cad.domain.tasks import TaskState
from cad.domain.views import LinkState
from cad.sim.bench import until
from cad.sim.camera import RtspCamera
from cad.wire.annex_g_tasks import MACHINE_TASKS, TASKS
from tests.e2e.box import CODE, DEADLINE, Box, created, detecting, plain_box
from tests.e2e.scene import intrusion_order, tripwire_order

pytestmark = pytest.mark.asyncio(loop_scope="module")

REPLACED_WITHIN = 5.0
"""Seconds on a machine that has its processors to itself."""


@dataclass(frozen=True)
class Work:
    """A device with two tasks on a camera."""

    box: Box
    ids: tuple[str, str]

    async def running(self) -> None:
        """Wait until both tasks analyse."""
        await self.box.in_state(TaskState.RUNNING, *self.ids)

    async def analysed(self) -> int:
        """Frames analysed by the worker that runs now, 0 if none does."""
        frames = [task.task_info.frames for task in (await self.box.tasks()).values()]
        return sum(each.analysed for each in frames if each)

    async def reports_more(self) -> None:
        """Wait until the platform gets another event of each task."""
        before = {task: len(self.box.receiver.of(task)) for task in self.ids}

        async def more() -> bool:
            return all(len(self.box.receiver.of(task)) > count for task, count in before.items())

        await until(more, 60.0, "no further events")

    async def replaced(self, pid: int) -> float:
        """Wait until another process than `pid` analyses; return the seconds it took."""
        began, before = time.monotonic(), await self.analysed()

        async def goes_on() -> bool:
            [worker] = await self.box.workers()
            return worker.pid not in {None, pid} and await self.analysed() > before

        await until(goes_on, DEADLINE, "the worker was not replaced")
        return time.monotonic() - began


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def work(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Work]:
    folder = tmp_path_factory.mktemp("recovery")
    async with RtspCamera() as camera, plain_box(folder) as box:
        async with detecting(box) as client:
            events = box.platform.event_url
            intruders = await created(client, intrusion_order(camera.url(), events), TASKS)
            crossings = await created(client, tripwire_order(camera.url(), events), MACHINE_TASKS)
        work = Work(box, (intruders, crossings))
        await work.running()
        yield work


def allowed(seconds: float) -> float:
    """Stretch `seconds` as far as the processors are shared with others now."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
async def test_a_worker_is_replaced_in_five_seconds_and_its_tasks_go_on(
    work: Work, sign: signal.Signals
) -> None:
    await work.running()
    pid = await work.box.worker_pid()
    os.kill(pid, sign)
    assert await work.replaced(pid) < allowed(REPLACED_WITHIN)
    await work.running()
    await work.reports_more()


@pytest.mark.row("CAD-27")
async def test_everything_comes_back_after_the_daemon_was_killed(work: Work) -> None:
    downloads = list(work.box.platform.packages.ranges)
    registrations = work.box.platform.registry.machines[CODE].registrations
    await work.box.unplug()
    await work.box.device.start()
    await work.box.answering()
    await work.running()
    await work.reports_more()
    assert work.box.platform.packages.ranges == downloads
    assert work.box.platform.registry.machines[CODE].registrations == registrations + 1


async def test_a_stopped_worker_does_not_outlive_its_daemon(work: Work) -> None:
    os.kill(await work.box.worker_pid(), signal.SIGSTOP)
    await work.box.unplug()
    await work.box.device.start()
    await work.box.answering()
    await work.running()


async def test_tasks_run_without_the_platform_and_nothing_restarts_when_it_comes(
    work: Work,
) -> None:
    await work.box.device.stop()
    await work.box.platform.go_away()
    await work.box.device.start()
    await work.box.answering()
    await work.running()
    before, analysed = await work.box.workers(), await work.analysed()
    assert (await work.box.status()).link.state is not LinkState.ONLINE

    await work.box.platform.come_back()
    await work.box.bench.registered()
    await work.reports_more()
    after = await work.box.workers()
    assert [(w.pid, w.restarts) for w in after] == [(w.pid, w.restarts) for w in before]
    assert await work.analysed() > analysed


async def test_a_device_that_is_forgotten_registers_again(work: Work) -> None:
    await work.box.bench.registered()
    work.box.platform.forget(CODE)
    machine = await work.box.bench.registered()
    assert machine.registrations == 1


async def test_no_event_was_lost_over_all_this(work: Work) -> None:
    async with work.box.bench.calling() as client:
        for task in work.ids:
            await client.pause_task(task)
    status = await work.box.delivered()
    stored = {each: task.task_info.events for each, task in (await work.box.tasks()).items()}
    for task, numbers in work.box.receiver.sequences().items():
        assert numbers == list(range(1, (stored[task] or 0) + 1))
    assert (status.outbox.dead, status.outbox.dropped) == (0, 0)
