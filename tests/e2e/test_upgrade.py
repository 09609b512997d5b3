"""A detector is upgraded under a task on a camera and rolled back; what goes leaves no trace."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from cad.domain.tasks import TaskState
from cad.sim.bench import until
from cad.sim.camera import RtspCamera
from cad.sim.demo.scene import ALGORITHM
from cad.sim.platform.device import DeviceClient
from cad.wire.annex_g_tasks import TASKS
from cad.wire.annex_i_packages import MachineAlgoPackage
from tests.e2e.box import DEADLINE, Box, created, detecting, plain_box
from tests.e2e.packages import variant, version
from tests.e2e.soak import rounds
from tests.e2e.timeline import every_frame, recording

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

WATCH_SECONDS = 8
LONGEST_GAP = 0.5
ROUNDS = rounds(6, 40)
FIRST_ROUNDS = 4
"""After which the allocators of a worker have what they keep."""
MEBIBYTE = 2**20
RESIDENT_GROWTH = 16 * MEBIBYTE
"""Less than two loads of the model that comes and goes."""


@dataclass(frozen=True)
class Street:
    """A device with a task on a camera."""

    box: Box
    client: DeviceClient
    task: str
    folder: Path

    async def pushed(self, number: int, name: str) -> str:
        """Push another version of the detector; return its code."""
        folder = self.folder / f"version-{name}"
        code = await asyncio.to_thread(version, folder, name)
        await self.box.bench.push(self.client, number, folder)
        return code

    async def seen(self, code: str, step: str) -> MachineAlgoPackage:
        """Wait until an installation is at `step`, or over if that is empty."""

        async def there() -> MachineAlgoPackage | None:
            package = await self.client.algorithm_package(code)
            over = package.operation != "working"
            return package if (package.step == step if step else over) else None

        return await until(there, DEADLINE + WATCH_SECONDS, f"{code} did not come to {step}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Street]:
    folder = tmp_path_factory.mktemp("upgrade")
    settings = {"packages": {"watch_seconds": WATCH_SECONDS}, "analysis": {"workers": 1}}
    async with (
        RtspCamera() as camera,
        plain_box(folder, settings) as box,
        detecting(box) as client,
    ):
        task = await created(client, every_frame(camera.url(), box.platform.event_url), TASKS)
        await box.in_state(TaskState.RUNNING, task)
        yield Street(box, client, task, folder)


async def test_an_upgrade_moves_its_tasks_without_a_gap(street: Street) -> None:
    code = await street.pushed(2, "1.1.0")
    async with recording(street.box.local, street.task) as timeline:
        await street.box.bench.install(street.client, code)
    assert timeline.longest_gap < LONGEST_GAP + timeline.longest_stall
    old = await street.client.algorithm_package(ALGORITHM)
    assert (old.status, old.replaced_by) == ("STOPPED", code)
    task = (await street.box.tasks())[street.task]
    assert (task.algo_service_id, task.state) == (ALGORITHM, TaskState.RUNNING)
    assert [worker.restarts for worker in await street.box.workers()] == [0]


async def test_an_upgrade_that_kills_the_worker_is_rolled_back(street: Street) -> None:
    code = await street.pushed(3, "1.2.0")
    await street.client.install(code)
    await street.seen(code, "watch")
    os.kill(await street.box.worker_pid(), signal.SIGSEGV)
    package = await street.seen(code, "")
    assert (package.operation, package.status) == ("failed", "STOPPED")
    assert "rolled back to OPEN-PERSON_DETECT-1.1.0" in (package.status_reason or "")
    await street.box.in_state(TaskState.RUNNING, street.task)


@pytest.mark.row("CAD-21")
async def test_what_is_uninstalled_leaves_nothing(street: Street) -> None:
    name = street.folder / "guest"
    code = await asyncio.to_thread(variant, name, name.name)
    await come_and_go(street, code, name, FIRST_ROUNDS)
    disk, memory = await used(street)
    await come_and_go(street, code, name, ROUNDS)
    disk_after, memory_after = await used(street)
    assert disk_after == disk
    assert memory_after - memory < RESIDENT_GROWTH


async def come_and_go(street: Street, code: str, folder: Path, times: int) -> None:
    for _ in range(times):
        await street.box.bench.push(street.client, 9, folder)
        await street.box.bench.install(street.client, code)
        await street.client.uninstall(code)
        await street.client.delete_file_package(9)


async def used(street: Street) -> tuple[int, int]:
    """Return the bytes of all packages, and the resident ones of the worker at their lowest."""
    looks = []
    for _ in range(6):
        looks.append((await street.box.workers())[0].resident_bytes)
        await asyncio.sleep(0.5)
    return await asyncio.to_thread(stored_bytes, street.box.device.data_dir), min(looks)


def stored_bytes(data: Path) -> int:
    """Return the size of what packages have on the disk. Blocks."""
    folders = [data / name for name in ("incoming", "packages", "licences", "compiled")]
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files)
