"""A real device at a real platform: processes and sockets only, and what tests look at on them."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from cad.ctl.client import LocalApi, RefusedByDaemonError, UnreachableError
from cad.domain.tasks import TaskState
from cad.sim.bench import Bench, device_settings, platform_options, task_id, until
from cad.sim.demo.scene import ALGORITHM, FILE_PACKAGE
from cad.sim.device_process import SOCKET_VARIABLE, DeviceProcess, Sections
from cad.sim.platform.device import DeviceClient
from cad.sim.platform.server import ReferencePlatform
from cad.wire.annex_g_tasks import AlgoTask, AlgoTaskPage
from cad.wire.local import STATUS, TASKS, StatusItem, WorkerItem
from tests.e2e.receiver import RawReceiver

CLIP = Path(__file__).parents[2] / "cad" / "sim" / "media" / "pedestrians.mp4"
PLUGIN = Path(__file__).parents[2] / "plugins" / "person_detect"
CODE = "e2e-device"
DEADLINE = 30.0

LIVE = {TaskState.PENDING, TaskState.RUNNING}


@dataclass(frozen=True)
class Box:
    """A bench, and the ways to look at its device from outside."""

    bench: Bench
    platform: ReferencePlatform
    receiver: RawReceiver
    device: DeviceProcess
    media: Path
    """A folder of files that the device may read."""

    def recording(self, name: str) -> str:
        """Put the clip among the device's files, and return its URL there. Blocks."""
        return Path(shutil.copy(CLIP, self.media / name)).as_uri()

    @property
    def local(self) -> LocalApi:
        """The local API; works whether or not the platform knows the device."""
        return LocalApi(self.device.socket)

    async def status(self) -> StatusItem:
        return StatusItem.read(await self.local.call("GET", STATUS))

    async def answering(self) -> StatusItem:
        """Wait until the device answers on its local socket."""

        async def answer() -> StatusItem | None:
            try:
                return await self.status()
            except (UnreachableError, RefusedByDaemonError):
                return None

        return await until(answer, DEADLINE, "no answer on the local socket")

    async def tasks(self) -> dict[str, AlgoTask]:
        page = AlgoTaskPage.read(await self.local.call("GET", TASKS))
        return {task_id(task): task for task in page.records}

    async def workers(self) -> list[WorkerItem]:
        return (await self.status()).workers

    async def worker_pid(self) -> int:
        """Wait until the first worker runs, and return its process id."""

        async def pid() -> int | None:
            return (await self.workers())[0].pid

        return await until(pid, DEADLINE, "no worker came up")

    async def in_state(self, state: TaskState, *ids: str) -> dict[str, AlgoTask]:
        """Wait until each of the tasks is in `state`."""

        async def all_there() -> dict[str, AlgoTask] | None:
            tasks = await self.tasks()
            return tasks if all(tasks[each].state is state for each in ids) else None

        return await until(all_there, DEADLINE, f"not all of {ids} became {state}")

    async def delivered(self) -> StatusItem:
        """Wait until no event waits to be delivered."""

        async def empty() -> StatusItem | None:
            status = await self.status()
            return status if status.outbox.waiting == 0 else None

        return await until(empty, DEADLINE, "events were left undelivered")

    async def unplug(self) -> None:
        """Kill the device as a power cut would, and wait until nothing of it runs."""
        await self.device.kill()
        await until(self.is_gone, DEADLINE, "processes of a killed device live on")

    async def is_gone(self) -> bool:
        return not await asyncio.to_thread(self.processes)

    def processes(self) -> set[int]:
        """The ids of every process of this device, orphans included. Blocks."""
        mine = str(self.device.socket)
        return {
            process.pid
            for process in psutil.process_iter()
            if process.pid != os.getpid() and _environment(process).get(SOCKET_VARIABLE) == mine
        }


def _environment(process: psutil.Process) -> Mapping[str, str]:
    try:
        return {} if process.status() == psutil.STATUS_ZOMBIE else process.environ()
    except psutil.Error:
        return {}


@asynccontextmanager
async def platform_in(folder: Path, *codes: str) -> AsyncIterator[ReferencePlatform]:
    """Run a platform at which clients called `codes` may register."""
    platform = ReferencePlatform(platform_options(folder, *codes))
    platform.receiver = RawReceiver()
    async with platform:
        yield platform


@asynccontextmanager
async def plain_box(folder: Path, more: Sections | None = None) -> AsyncIterator[Box]:
    """Run a platform and a device; `more` are keys of its configuration, by section."""
    async with platform_in(folder, CODE) as platform, device_at(platform, folder, more) as box:
        yield box


@asynccontextmanager
async def device_at(
    platform: ReferencePlatform, folder: Path, more: Sections | None = None
) -> AsyncIterator[Box]:
    """Run a device at `platform`."""
    media = folder / "media"
    media.mkdir(exist_ok=True)
    settings = device_settings(platform, CODE, media)
    more = more or {}
    merged = {
        name: {**settings.get(name, {}), **more.get(name, {})} for name in {**settings, **more}
    }
    device = DeviceProcess(folder / "device", merged)
    bench = Bench(platform, device, code=CODE, workshop=folder)
    assert isinstance(platform.receiver, RawReceiver)
    async with device:
        yield Box(bench, platform, platform.receiver, device, media)


@asynccontextmanager
async def detecting(box: Box) -> AsyncIterator[DeviceClient]:
    """Log in at the device and install the detector that ships."""
    async with box.bench.calling() as client:
        await box.bench.push(client, FILE_PACKAGE, PLUGIN)
        await box.bench.install(client, ALGORITHM)
        yield client


async def created(client: DeviceClient, order: Mapping[str, object], path: str) -> str:
    """Create a task that does not exist yet, and return its id."""
    [task] = (await client.create_task(order, path)).created_streams
    return task_id(task)
