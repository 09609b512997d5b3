"""A service of packages with everything around it, over a real server and a real database."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

import aiohttp

from cad.base.clock import SystemClock
from cad.base.errors import CadError, UnavailableError
from cad.config.settings import MachineSettings, PackageSettings, PlatformSettings
from cad.control.packages.ports import PackageStore
from cad.control.packages.service import Neighbours, PackageConfig, PackageService
from cad.control.store.database import Database
from cad.control.store.packages import PackageRepository
from cad.control.store.secrets import SecretBox
from cad.domain.ids import ServiceId, TaskId
from cad.domain.models import PreparedModel
from cad.domain.packages import PackageRecord, ServiceHealth, ServiceOrder
from cad.protocols.worker.preparation import PrepareRequest
from tests.control.packages.servers import HOST, TokenAuthorizer

PATIENCE = 10.0


class Workers:
    """Serves algorithms in name only; fails as often as told."""

    def __init__(self) -> None:
        self.served: dict[ServiceId, ServiceOrder] = {}
        self.tasks: dict[ServiceId, list[TaskId]] = {}
        self.failures: list[CadError] = []
        self.withdrawals: list[Exception] = []
        self.aliases: Mapping[ServiceId, ServiceId] = {}
        self.switches: list[Mapping[ServiceId, ServiceId]] = []
        """Every change of `aliases`."""
        self.provider = ""
        """What all run on."""
        self.state = ServiceHealth()
        """How whatever is asked for does."""
        self.states: list[ServiceHealth] = []
        """How it does at the next looks, before that."""

    async def serve(self, order: ServiceOrder) -> None:
        if self.failures:
            raise self.failures.pop(0)
        if not await asyncio.to_thread(Path(order.prepared.compiled_dir, "engine").exists):
            raise CadError(f"{order.prepared.compiled_dir} is no compiled package")
        self.served[order.service_id] = order

    async def withdraw(self, service_id: ServiceId) -> None:
        if self.withdrawals:
            raise self.withdrawals.pop(0)
        self.served.pop(service_id, None)

    def providers(self, service_id: ServiceId) -> Collection[str]:
        return {self.provider} if self.provider and service_id in self.served else ()

    def redirect(self, aliases: Mapping[ServiceId, ServiceId]) -> None:
        if aliases != self.aliases:
            self.aliases = aliases
            self.switches.append(aliases)

    def health(self, service_id: ServiceId, task_services: Collection[ServiceId]) -> ServiceHealth:
        return self.states.pop(0) if self.states else self.state

    def task_ids(self, service_id: ServiceId) -> Sequence[TaskId]:
        return self.tasks.get(service_id, [])

    async def drop_tasks(self, service_id: ServiceId) -> None:
        self.tasks.pop(service_id, None)

    async def hand_over(self, service_id: ServiceId, to: ServiceId) -> None:
        self.tasks.setdefault(to, []).extend(self.tasks.pop(service_id, []))


class Compiler:
    """Prepares by writing one file; fails, or waits, when told."""

    def __init__(self) -> None:
        self.requests: list[PrepareRequest] = []
        self.provider = "CPUExecutionProvider"
        self.seconds_per_frame = 0.01
        self.sample_boxes = 1
        self.failures: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def prepare(
        self, request: PrepareRequest, on_step: Callable[[str], None]
    ) -> PreparedModel:
        self.requests.append(request)
        on_step("compile")
        await asyncio.to_thread(Path(request.output_dir, "engine").write_bytes, b"compiled")
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        return PreparedModel(
            digest="d",
            provider=self.provider,
            compiled_dir=request.output_dir,
            cpu_seconds_per_frame=self.seconds_per_frame,
            sample_boxes=self.sample_boxes,
        )


class PhotographingStore:
    """Copies the whole data directory after each write: what a power cut there would leave."""

    def __init__(self, store: PackageStore, data_dir: Path, pictures: Path) -> None:
        self._store, self._data_dir, self._pictures = store, data_dir, pictures
        self.taken: list[Path] = []
        self.load = store.load

    async def apply(
        self, *, keep: Sequence[PackageRecord] = (), forget: Sequence[PackageRecord] = ()
    ) -> None:
        await self.take()
        await self._store.apply(keep=keep, forget=forget)
        await self.take()

    async def take(self) -> None:
        picture = self._pictures / str(len(self.taken))
        await asyncio.to_thread(shutil.copytree, self._data_dir, picture)
        self.taken.append(picture)


@dataclass
class World:
    """What stays the same over restarts of the service."""

    data_dir: Path
    platform_url: str = ""
    workers: Workers = field(default_factory=Workers)
    compiler: Compiler = field(default_factory=Compiler)
    strict: bool = False
    max_size_mb: int = 8
    accelerator: str = "cpu"
    watch_seconds: float = 0.01
    wrap: Callable[[PackageStore], PackageStore] = field(default=lambda store: store)

    @asynccontextmanager
    async def service(self) -> AsyncGenerator[PackageService]:
        """Run the service until the context is left."""
        self.workers.served.clear()
        self.workers.aliases = {}
        box = SecretBox(b"k" * 32)
        async with (
            aiohttp.ClientSession() as session,
            await Database.open(self.data_dir / "cad.db") as database,
        ):
            neighbours = Neighbours(
                store=self.wrap(PackageRepository(database, box)),
                host=self.workers,
                authorizer=TokenAuthorizer(),
                preparer=self.compiler,
                session=session,
                clock=SystemClock(),
                delays=lambda: repeat(0.01),
            )
            async with PackageService(neighbours, self._config()) as service:
                yield service

    def _config(self) -> PackageConfig:
        return PackageConfig(
            machine=MachineSettings(data_dir=self.data_dir, strict=self.strict),
            platform=PlatformSettings(url=self.platform_url, download_hosts=(HOST,)),
            packages=PackageSettings(
                max_size_mb=self.max_size_mb, watch_seconds=self.watch_seconds
            ),
            accelerator=self.accelerator,
            look_interval=0.02,
            pace_seconds=0.02,
        )


async def until(condition: Callable[[], bool]) -> None:
    """Wait for `condition`, which background work brings about."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is waited for is seen from outside only
            await asyncio.sleep(0.005)


def worker_busy() -> UnavailableError:
    """Return an error that passes."""
    return UnavailableError("the worker is being restarted")
