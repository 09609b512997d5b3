"""A test bench on one machine: the reference platform, a device, and what is waited for there."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from cad.packaging.archive import build_archive
from cad.sim.device_process import DeviceProcess, Sections
from cad.sim.platform.device import DeviceClient, Trust
from cad.sim.platform.registry import Machine
from cad.sim.platform.server import PlatformOptions, ReferencePlatform
from cad.wire.annex_g_tasks import AlgoTask
from cad.wire.annex_i_packages import MachineAlgoPackage

T = TypeVar("T")

SECRET = "bench-secret"  # noqa: S105 - of devices on a bench only
LEASE = 10
"""Seconds, the shortest: keepalives are to be seen."""

REGISTER_DEADLINE = 30.0
INSTALL_DEADLINE = 90.0
POLL = 0.2


class StepFailedError(Exception):
    """Something that was waited for did not come about."""


class Bench:
    """A device at the platform, with what is done to every device first.

    It starts and stops neither of the two.
    """

    def __init__(
        self, platform: ReferencePlatform, device: DeviceProcess, *, code: str, workshop: Path
    ) -> None:
        """Take who takes part.

        Args:
            platform: the platform.
            device: the device.
            code: the device's code.
            workshop: an existing folder, in which archives are built.
        """
        self.platform, self.device, self.code = platform, device, code
        self._workshop = workshop

    async def registered(self) -> Machine:
        """Wait until the device is registered, and return what with."""

        async def entry() -> Machine | None:
            if self.device.exit_code is not None:
                code, log = self.device.exit_code, self.device.log
                raise StepFailedError(f"cadd ended with {code}, see {log}")
            return self.platform.registry.machines.get(self.code)

        return await until(entry, REGISTER_DEADLINE, "the device did not register")

    @asynccontextmanager
    async def calling(self) -> AsyncGenerator[DeviceClient]:
        """Log in at the registered device, as soon as it is ready for work."""
        machine = await self.registered()
        trust = Trust.pinned(await asyncio.to_thread(self.device.certificate))
        async with DeviceClient(machine, trust) as client:

            async def online() -> bool:
                return (await client.status()).is_online

            await until(online, REGISTER_DEADLINE, "the device did not become ready for work")
            yield client

    async def push(self, client: DeviceClient, number: int, folder: Path) -> int:
        """Offer the package in `folder`, have the device fetch it; return the archive's size."""
        archive = self._workshop / f"file-package-{number}.tar.gz"
        md5 = await asyncio.to_thread(build_archive, folder, archive)
        content = await self.platform.packages.offer(number, archive)
        await client.push_file_package({"algoFilePackageId": number, "md5": md5})

        async def arrived() -> bool:
            package = await client.file_package(number)
            if package.status_text == "failed":
                raise StepFailedError(f"file package: {package.reason}")
            return package.status_text == "available"

        await until(arrived, INSTALL_DEADLINE, "the file package did not arrive")
        return content.size

    async def install(self, client: DeviceClient, code: str) -> MachineAlgoPackage:
        """Have the device install an algorithm package, and wait until it runs."""
        await client.install(code)

        async def running() -> MachineAlgoPackage | None:
            package = await client.algorithm_package(code)
            if package.operation == "failed":
                raise StepFailedError(f"{code}: {package.step}: {package.status_reason}")
            is_up = package.status == "RUNNING" and package.operation == "done"
            return package if is_up else None

        return await until(running, INSTALL_DEADLINE, "the algorithm was not installed")


def platform_options(folder: Path, *codes: str) -> PlatformOptions:
    """Return options of a platform at which only the devices called `codes` may register."""
    clients = dict.fromkeys(codes, SECRET)
    return PlatformOptions(folder=folder / "platform", require_token=True, clients=clients)


def device_settings(platform: ReferencePlatform, code: str, media: Path) -> Sections:
    """Return the configuration of a device at `platform` that may read files in `media`."""
    return {
        "machine": {"code": code},
        "api": {"host": "127.0.0.1", "port": 0},
        "platform": {
            "url": platform.url,
            "ca_file": str(platform.ca_file),
            "expires": LEASE,
            "client_id": code,
            "client_secret": SECRET,
        },
        "ingest": {"file_dirs": [str(media)]},
    }


def task_id(task: AlgoTask) -> str:
    """Return the id of a task as the device answers it."""
    return task.task_info.id or ""


async def until(look: Callable[[], Awaitable[T | None]], deadline: float, otherwise: str) -> T:
    """Look again and again until there is something to see.

    Raises:
        StepFailedError: there was not within `deadline` seconds; says `otherwise`.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline
    while not (found := await look()):
        if loop.time() > end:
            raise StepFailedError(f"{otherwise} within {deadline:.0f} s")
        await asyncio.sleep(POLL)
    return found
