"""Cameras that do not do their duty, and credentials that must not be seen anywhere."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from cad.domain.faults import FaultClass
from cad.domain.tasks import TaskState
from cad.sim.bench import until
from cad.sim.camera import RtspCamera
from cad.sim.platform.device import DeviceClient
from cad.wire.annex_g_tasks import TASKS, AlgoTask, StatusReason
from tests.e2e.box import DEADLINE, Box, created, detecting, plain_box
from tests.e2e.scene import intrusion_order, tripwire_order, with_policy

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEAVES_WITHIN = 10.0

STREAM_SECRET = "pl4nted-str3am"
WRONG_SECRET = "pl4nted-wr0ng"
API_SECRET = "pl4nted-ap1"
TARGET_SECRET = "pl4nted-targ3t"
SECRETS = (STREAM_SECRET, WRONG_SECRET, API_SECRET, TARGET_SECRET)


@dataclass(frozen=True)
class Site:
    """A device and a camera that asks for a password."""

    box: Box
    client: DeviceClient
    camera: RtspCamera

    @property
    def receiver_url(self) -> str:
        """Where events go, with credentials in the URL."""
        return self.box.platform.event_url.replace("https://", f"https://up:{TARGET_SECRET}@")

    async def task(self, task_id: str) -> AlgoTask:
        return (await self.box.tasks())[task_id]

    async def watches(self, camera: RtspCamera) -> str:
        """Make a task on a camera and wait until it analyses."""
        order = intrusion_order(camera.url(), self.receiver_url)
        task_id = await created(self.client, order, TASKS)
        await self.box.in_state(TaskState.RUNNING, task_id)
        return task_id

    async def without_results(self, task_id: str) -> tuple[float, StatusReason]:
        """Wait until the task does not analyse; return after how many seconds, and why."""
        loop = asyncio.get_running_loop()
        began = loop.time()

        async def reason() -> StatusReason | None:
            task = await self.task(task_id)
            return task.task_info.status_reason if task.state is not TaskState.RUNNING else None

        found = await until(reason, DEADLINE, "the task stayed RUNNING")
        return loop.time() - began, found


def locked_camera() -> RtspCamera:
    return RtspCamera(user="viewer", password=STREAM_SECRET)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("cameras")
    async with (
        locked_camera() as camera,
        plain_box(folder, {"api": {"username": "caller", "password": API_SECRET}}) as box,
        detecting(box) as client,
    ):
        yield Site(box, client, camera)


@pytest.mark.row("IO-04")
async def test_a_camera_that_goes_down_is_named_and_taken_back_when_it_returns(site: Site) -> None:
    async with locked_camera() as camera:
        task_id = await site.watches(camera)
    seconds, reason = await site.without_results(task_id)
    async with camera:
        await site.box.in_state(TaskState.RUNNING, task_id)
        await site.client.delete_task(task_id)
    assert (seconds < LEAVES_WITHIN, reason.kind) == (True, FaultClass.CONNECTION)


async def test_a_camera_that_falls_silent_is_named_and_taken_back_when_it_goes_on(
    site: Site,
) -> None:
    async with locked_camera() as camera:
        task_id = await site.watches(camera)
        camera.fall_silent()
        seconds, reason = await site.without_results(task_id)
        camera.go_on()
        await site.box.in_state(TaskState.RUNNING, task_id)
        await site.client.delete_task(task_id)
    assert (seconds < LEAVES_WITHIN, reason.kind) == (True, FaultClass.TIMEOUT)


@pytest.mark.parametrize(
    ("policy", "state"), [("NEVER", TaskState.ERROR), ("ALWAYS", TaskState.PENDING)]
)
async def test_a_refused_password_is_named(site: Site, policy: str, state: TaskState) -> None:
    url = site.camera.url().replace(STREAM_SECRET, WRONG_SECRET)
    order = with_policy(intrusion_order(url, site.receiver_url), policy)
    task_id = await created(site.client, order, TASKS)
    _, reason = await site.without_results(task_id)
    if state is TaskState.ERROR:
        await site.box.in_state(state, task_id)
    ended = (await site.task(task_id)).state
    await site.client.delete_task(task_id)
    assert (reason.kind, ended) == (FaultClass.AUTH, state)


@pytest.mark.row("SEC-10")
async def test_credentials_are_seen_nowhere(site: Site) -> None:
    """In no log line, event, answer or metric, and in no file of the data directory."""
    await site.watches(site.camera)
    nobody = f"http://up:{TARGET_SECRET}@127.0.0.1:9/events?key={TARGET_SECRET}"
    unheard = await created(site.client, tripwire_order(site.camera.url(), nobody), TASKS)
    refused = site.camera.url().replace(STREAM_SECRET, WRONG_SECRET)
    await created(site.client, intrusion_order(refused, nobody), TASKS)

    async def all_has_happened() -> bool:
        waiting = (await site.box.status()).outbox.last_error
        return bool(waiting and site.box.receiver.documents and await said(site, "auth"))

    await until(all_has_happened, 60.0, "events delivered, undeliverable, and a login refused")
    assert (await site.task(unheard)).task_info.events
    seen = {**await answers(site), **await asyncio.to_thread(files, site.box.device.folder)}
    seen["events"] = json.dumps(list(site.box.receiver.documents.values())).encode()
    for secret in SECRETS:
        places = [place for place, text in seen.items() if secret.encode() in text]
        assert not places, secret


async def said(site: Site, word: str) -> bool:
    tasks = (await site.box.tasks()).values()
    return any(t.task_info.status_reason and t.task_info.status_reason.kind == word for t in tasks)


async def answers(site: Site) -> dict[str, bytes]:
    """Every answer that the device gives to reading calls, by its path."""
    paths = [
        *("/local/v1/status", "/local/v1/tasks", "/local/v1/packages", "/local/v1/streams"),
        *("/local/v1/workers", "/metrics", "/openapi.json"),
        *(f"{TASKS}/{task_id}" for task_id in await site.box.tasks()),
    ]
    connector = aiohttp.UnixConnector(path=str(site.box.device.socket))
    found = {"search": json.dumps((await site.client.search_tasks()).to_wire()).encode()}
    found["H.5"] = json.dumps((await site.client.status()).to_wire()).encode()
    async with aiohttp.ClientSession(connector=connector) as session:
        for path in paths:
            async with session.get(f"http://cad{path}") as response:
                found[path] = await response.read()
    return found


def files(folder: Path) -> dict[str, bytes]:
    """The device's log and all of its data."""
    data = [path for path in (folder / "data").rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in (folder / "cadd.log", *data)}
