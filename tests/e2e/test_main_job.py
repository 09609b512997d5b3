"""The main job: registered, provisioned, tasked; events delivered; state polled; unregistered."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from cad.domain.tasks import TaskState
from cad.sim.bench import task_id, until
from cad.sim.camera import RtspCamera
from cad.sim.demo.clip import cut
from cad.sim.demo.scene import ALGORITHM, FILE_PACKAGE, INTRUSION, LINE_CROSSING
from cad.sim.platform.device import DeviceClient
from cad.sim.platform.registry import Machine
from cad.sim.platform.server import ReferencePlatform
from cad.wire.annex_g_tasks import MACHINE_TASKS, TASKS
from tests.e2e.box import CLIP, CODE, Box, created, detecting, plain_box
from tests.e2e.documents import disagreements, problems
from tests.e2e.scene import (
    intrusion_members,
    intrusion_order,
    tripwire_members,
    tripwire_order,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECORDING_SECONDS = 15.0
EVENTS_DEADLINE = 60.0


@dataclass(frozen=True)
class Job:
    """The device at work."""

    box: Box
    client: DeviceClient
    camera: RtspCamera
    recording_url: str
    intruders: str
    """Id of the task created under `/CAP/AlgoTasks`."""
    crossings: str
    """Id of the task created under `/CAD/machine/algoTasks`."""
    recording: str
    """Id of the task on a file."""

    @property
    def ids(self) -> list[str]:
        return [self.intruders, self.crossings, self.recording]

    async def events(self, task: str) -> list[dict[str, Any]]:
        """Wait until the task has reported, and return what it did."""

        async def reported() -> list[dict[str, Any]]:
            return self.box.receiver.of(task)

        return await until(reported, EVENTS_DEADLINE, f"task {task} reported nothing")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def job(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Job]:
    """A device that has been given three tasks, by nobody but the platform."""
    folder = tmp_path_factory.mktemp("main-job")
    async with (
        RtspCamera() as camera,
        plain_box(folder) as box,
        detecting(box) as client,
    ):
        file = box.media / "recording.mp4"
        await asyncio.to_thread(cut, CLIP, file, RECORDING_SECONDS)
        events, url = box.platform.event_url, camera.url()
        yield Job(
            box,
            client,
            camera,
            file.as_uri(),
            intruders=await created(client, intrusion_order(url, events), TASKS),
            crossings=await created(client, tripwire_order(url, events), MACHINE_TASKS),
            recording=await created(
                client, intrusion_order(file.as_uri(), events, live=False), TASKS
            ),
        )


def entry(platform: ReferencePlatform) -> Machine:
    return platform.registry.machines[CODE]


@pytest.mark.row("CAD-01", "CAD-03")
async def test_the_device_registers_with_its_api_password_encrypted(job: Job) -> None:
    machine = entry(job.box.platform)
    shown = await job.box.device.ctl("platform", "credentials")
    assert machine.password_encrypted
    assert shown == {"username": machine.login.username, "password": machine.login.password}


@pytest.mark.row("CAD-05")
async def test_the_device_keeps_itself_alive(job: Job) -> None:
    seen = entry(job.box.platform).keepalives

    async def beaten() -> bool:
        return entry(job.box.platform).keepalives >= seen + 2

    await until(beaten, 15.0, "no two keepalives")
    assert entry(job.box.platform).registrations == 1


@pytest.mark.row("CAD-11", "CAD-16")
async def test_the_package_was_fetched_once_and_its_algorithm_runs(job: Job) -> None:
    package = await job.client.file_package(FILE_PACKAGE)
    [listed] = await job.client.algorithm_packages()
    detail = await job.client.algorithm_package(ALGORITHM)
    assert job.box.platform.packages.ranges == [None]
    assert (package.status_text, package.algo_package_codes) == ("available", [ALGORITHM])
    assert (listed.algo_package_code, listed.status, listed.operation) == (
        *(ALGORITHM, "RUNNING"),
        "done",
    )
    assert detail == listed


@pytest.mark.row("CAD-25", "CAP-25")
@pytest.mark.row("CAD-24", part="GB/T 28181 and pictures of GA/T 1400")
@pytest.mark.row("IO-02", part="rtmp, http-flv and iot")
async def test_both_cameras_tasks_analyse_one_decoded_stream(job: Job) -> None:
    tasks = await job.box.in_state(TaskState.RUNNING, job.intruders, job.crossings)
    frames = [tasks[each].task_info.frames for each in (job.intruders, job.crossings)]
    streams = await job.box.device.ctl("stream", "ls")
    assert all(each and each.analysed > 0 and each.age_ms is not None for each in frames)
    assert isinstance(streams, list)
    assert 1 <= len(streams) <= 2  # the camera's, and the recording's while it lasts


@pytest.mark.row("IO-05")
async def test_an_intrusion_is_delivered_as_designed(job: Job) -> None:
    members = intrusion_members(job.intruders, job.camera.url())
    for event in await job.events(job.intruders):
        assert not problems(event, members)
        assert not disagreements(event)


async def test_a_line_crossing_is_delivered_as_designed(job: Job) -> None:
    members = tripwire_members(job.crossings, job.camera.url())
    for event in await job.events(job.crossings):
        assert not problems(event, members)
        assert not disagreements(event)


async def test_a_recording_is_read_to_its_end_and_its_events_have_its_time(job: Job) -> None:
    await job.box.in_state(TaskState.FINISHED, job.recording)
    events = await job.events(job.recording)
    members = intrusion_members(job.recording, job.recording_url)
    assert [problems(event, members) + disagreements(event) for event in events] == [[]] * len(
        events
    )
    assert all(0 < event["frame"]["pts"] <= RECORDING_SECONDS for event in events)


@pytest.mark.row("CAD-08")
async def test_status_has_figures_of_the_machine_as_decimal_strings(job: Job) -> None:
    status = await job.client.status()
    figures = [
        *(status.cpu_utilization, status.mem_usage, status.mem_free),
        *(status.disk_usage, status.disk_free),
    ]
    assert status.is_online
    assert all(figure is not None and float(figure) >= 0 for figure in figures)
    assert float(status.mem_usage or 0) > 0
    assert status.tasks == 3


@pytest.mark.row("CAP-35", "CAP-36")
async def test_tasks_are_found_by_id_service_and_event_type_and_page(job: Job) -> None:
    async def search(**wanted: object) -> list[str]:
        return [task_id(task) for task in (await job.client.search_tasks(wanted)).records]

    assert await search() == job.ids
    assert await search(id=job.crossings) == [job.crossings]
    assert await search(algoServiceId=ALGORITHM, eventType=INTRUSION) == [
        *(job.intruders, job.recording)
    ]
    assert await search(eventType=LINE_CROSSING) == [job.crossings]
    assert await search(algoServiceId="NOBODY-S-1.0.0") == []
    assert await search(pageNumber=2, pageSize=2) == [job.recording]
    assert task_id(await job.client.task(job.intruders)) == job.intruders


@pytest.mark.row("CAP-33")
async def test_a_paused_task_reports_nothing_and_a_resumed_one_goes_on(job: Job) -> None:
    await job.client.pause_task(job.intruders)
    paused = (await job.box.in_state(TaskState.PAUSED, job.intruders))[job.intruders]
    await job.client.resume_task(job.intruders)
    running = (await job.box.in_state(TaskState.RUNNING, job.intruders))[job.intruders]
    assert (paused.task_info.events or 0) <= (running.task_info.events or 0)


@pytest.mark.row("CAP-28")
async def test_every_stored_event_is_delivered_once_and_in_order(job: Job) -> None:
    for task in (job.intruders, job.crossings):
        await job.client.pause_task(task)
    outbox = (await job.box.delivered()).outbox
    stored = {each: task.task_info.events for each, task in (await job.box.tasks()).items()}
    for task, numbers in job.box.receiver.sequences().items():
        assert numbers == list(range(1, (stored[task] or 0) + 1))
    assert (outbox.dead, outbox.dropped) == (0, 0)
    assert outbox.delivered == len(job.box.receiver.documents) == sum(filter(None, stored.values()))


@pytest.mark.row("CAD-04")
async def test_an_orderly_stop_unregisters_and_leaves_no_process(job: Job) -> None:
    await job.box.device.stop()
    assert CODE not in job.box.platform.registry.machines
    assert job.box.device.exit_code == 0
    assert await job.box.is_gone()
