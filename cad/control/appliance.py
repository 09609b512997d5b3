"""The composition root of the control plane: the only place that names its concrete classes.

Services are opened in the order in which they are listed and closed in reverse. Nothing here waits
for the platform, a camera or the network.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Self
from zoneinfo import ZoneInfo

import aiohttp

from cad import __version__
from cad.base.clock import SystemClock
from cad.config.settings import Settings
from cad.control.access.audit import AuditLog
from cad.control.access.service import AccessGround, AccessPolicy, AccessService, ApiUser
from cad.control.access.timekeeper import Timekeeper, this_boot
from cad.control.api.app import local_app, public_app
from cad.control.api.auth import Gate
from cad.control.api.server import ApiServer
from cad.control.api.services import Device as ApiDevice
from cad.control.api.services import Services
from cad.control.host.accelerators import count_accelerators
from cad.control.host.figures import HostSampler
from cad.control.host.ntp import clock_is_synchronised
from cad.control.packages.prepare import PreparingChild
from cad.control.packages.service import Neighbours, PackageConfig, PackageService
from cad.control.platform.client import PlatformClient
from cad.control.platform.credentials import api_credentials
from cad.control.platform.http import PlatformHttp
from cad.control.platform.introduction import Device, Introduction
from cad.control.platform.link import NoPlatform, PlatformLink
from cad.control.platform.tls import renewed_tls
from cad.control.platform.tokens import Anonymous, Authorizer, ClientCredentials
from cad.control.sinks.by_type import SinksByType
from cad.control.sinks.http import HttpSinks, renewed_http_context
from cad.control.sinks.kafka import KafkaSinks
from cad.control.sinks.kafka_access import kafka_access
from cad.control.sinks.objects import ObjectSink, object_access
from cad.control.sinks.outbox import Outbox
from cad.control.store.access import AccessRepository
from cad.control.store.credentials import CredentialRepository
from cad.control.store.database import Database
from cad.control.store.directory import held
from cad.control.store.outbox import OutboxRepository
from cad.control.store.packages import PackageRepository
from cad.control.store.secrets import SecretBox
from cad.control.store.tasks import TaskRepository
from cad.control.tasks.book import TaskBook
from cad.control.tasks.fleet import Fleet, FleetPlan
from cad.control.tasks.hosting import ServiceHosting
from cad.control.tasks.machine import Limits
from cad.control.tasks.placement import plan_workers
from cad.control.tasks.service import TaskPolicy, TaskService
from cad.control.tasks.worker_process import WorkerProgram
from cad.domain.access import Login
from cad.domain.dialects import find_dialect
from cad.domain.ids import ServiceId, StreamId
from cad.domain.packages import AlgorithmManifest
from cad.domain.profiles import find_profile
from cad.domain.streams import StreamSource
from cad.protocols.worker.settings import WorkerSettings
from cad.wire.event import EventOrigin

MEBIBYTE = 2**20
DATABASE = "cad.db"
AUDIT_LOG = "audit.log"
HOUR, DAY = 3600.0, 86400.0
SILENCE_SHARE = 0.8
"""Of the time after which a stream counts as lost, for a task to have stalled: its state must be
right when that time is over, reports and looks at them included."""
STREAM_ID_DIGITS = 12
"""Of the hexadecimal name of a stream: 48 bits, enough for the streams of one device."""


@dataclass(frozen=True, slots=True)
class Commands:
    """How the processes of the data plane are started."""

    worker: Sequence[str]
    prepare: Sequence[str]

    @classmethod
    def of(cls, python: str) -> Self:
        """Return the commands for the interpreter at `python`."""
        return cls(
            worker=(python, "-m", "cad.analysis.worker"),
            prepare=(python, "-m", "cad.analysis.prepare"),
        )


@dataclass(frozen=True, slots=True)
class Ground:
    """What everything else stands on."""

    settings: Settings
    clock: SystemClock
    database: Database
    box: SecretBox
    access: AccessService
    audit: AuditLog
    started: float


class InstalledAlgorithms:
    """Lets tasks find their algorithms.

    Packages know the tasks that use them, and tasks their algorithms: here the ring closes.
    """

    def __init__(self) -> None:
        self._packages: PackageService | None = None

    def attach(self, packages: PackageService) -> None:
        """Take the packages to look in."""
        self._packages = packages

    def find(self, service_id: ServiceId) -> AlgorithmManifest | None:
        """Return the algorithm behind a service, None if there is none."""
        return None if self._packages is None else self._packages.algorithm(service_id)


@asynccontextmanager
async def running_appliance(settings: Settings, commands: Commands) -> AsyncGenerator[int]:
    """Run the device while the context is open; yield the port of its API.

    Raises:
        CadError: a part cannot be opened; names it.
    """
    async with AsyncExitStack() as stack:
        ground = await _ground(stack, settings)
        tls = await stack.enter_async_context(renewed_tls(settings.platform))
        host = await stack.enter_async_context(HostSampler(settings.machine.data_dir).running())
        outbox = await _outbox(stack, ground)
        book = TaskBook(TaskRepository(ground.database, ground.box))
        algorithms = InstalledAlgorithms()
        cards = await asyncio.to_thread(count_accelerators)
        plan = fleet_plan(settings, commands, cores=len(os.sched_getaffinity(0)), cards=cards)
        fleet = Fleet(plan, events=outbox, records=book.raised_under, clock=ground.clock)
        tasks = _tasks(ground, book, fleet, algorithms, outbox)
        await stack.enter_async_context(fleet.running())
        client = await _platform_client(stack, ground)
        hosting = ServiceHosting(fleet, tasks)
        packages = await _packages(stack, ground, tls, commands, hosting, client)
        algorithms.attach(packages)
        await stack.enter_async_context(packages)
        await stack.enter_async_context(tasks.running())
        server = _server(ground)
        link = _link(ground, client, server)
        services = Services(
            device=await asyncio.to_thread(_device, ground),
            packages=packages,
            tasks=tasks,
            workers=fleet,
            host=host,
            link=link,
            outbox=outbox,
            access=ground.access,
            audit=ground.audit,
        )
        await stack.enter_async_context(_serving(ground, server, services))
        await stack.enter_async_context(link)
        yield server.port


async def _ground(stack: AsyncExitStack, settings: Settings) -> Ground:
    """Open what is on disk."""
    clock, data_dir = SystemClock(), settings.machine.data_dir
    box = await stack.enter_async_context(held(data_dir))
    database = await stack.enter_async_context(await Database.open(data_dir / DATABASE))
    access = await _access(settings, database, box, clock)
    await stack.enter_async_context(access.running())
    audit = await stack.enter_async_context(AuditLog.open(data_dir / AUDIT_LOG, clock))
    return Ground(settings, clock, database, box, access, audit, clock.monotonic())


async def _access(
    settings: Settings, database: Database, box: SecretBox, clock: SystemClock
) -> AccessService:
    """Open what decides who may call."""
    api, passwords = settings.api, CredentialRepository(database, box)
    credentials = await api_credentials(api, passwords)
    user = ApiUser(
        login=Login(credentials.username, credentials.password),
        is_generated=not (api.password or api.password_file),
    )
    ground = AccessGround(
        store=AccessRepository(database, box),
        passwords=passwords,
        timekeeper=Timekeeper(clock, await asyncio.to_thread(this_boot)),
    )
    policy = AccessPolicy(
        issuer=settings.machine.code,
        grace=api.secret_grace_hours * HOUR,
        key_life=api.key_rotation_days * DAY,
    )
    return await AccessService.open(user, ground, policy)


async def _outbox(stack: AsyncExitStack, ground: Ground) -> Outbox:
    machine, clock = ground.settings.machine, ground.clock
    limit = ground.settings.events.outbox_limit_mb
    store = OutboxRepository(ground.database, ground.box, limit_mb=limit, clock=clock)
    sinks = await _sinks(stack, ground)
    zone = ZoneInfo(machine.time_zone)

    def origin() -> EventOrigin:
        synchronised = clock_is_synchronised()
        return EventOrigin(device_code=machine.code, zone=zone, clock_synchronised=synchronised)

    return await stack.enter_async_context(Outbox(store, sinks, clock, origin))


async def _sinks(stack: AsyncExitStack, ground: Ground) -> SinksByType:
    settings, clock = ground.settings, ground.clock
    kafka = await asyncio.to_thread(kafka_access, settings.kafka)
    objects = await asyncio.to_thread(object_access, settings.objects)
    http = await stack.enter_async_context(renewed_http_context(settings.platform))
    return SinksByType(
        await stack.enter_async_context(HttpSinks(http, clock)),
        await stack.enter_async_context(KafkaSinks(kafka, clock)),
        await stack.enter_async_context(ObjectSink(objects)),
    )


def fleet_plan(settings: Settings, commands: Commands, *, cores: int, cards: int) -> FleetPlan:
    """Return how many workers a machine with so many cores and cards has, and what each is told."""
    analysis, ingest = settings.analysis, settings.ingest
    accelerators = 0 if analysis.accelerator == "cpu" else cards
    plan = plan_workers(configured=analysis.workers, cores=cores, accelerators=accelerators)
    worker_settings = WorkerSettings(
        accelerator=analysis.accelerator,
        threads=plan.threads,
        file_dirs=ingest.file_dirs,
        rtsp_transport=ingest.rtsp_transport,
        open_timeout=ingest.open_timeout,
        silence_timeout=ingest.silence_timeout,
    )
    program = WorkerProgram(command=commands.worker, settings=worker_settings)
    return FleetPlan(program=program, workers=plan.workers)


def _tasks(
    ground: Ground, book: TaskBook, fleet: Fleet, algorithms: InstalledAlgorithms, outbox: Outbox
) -> TaskService:
    ingest = ground.settings.ingest
    limits = Limits(silence=SILENCE_SHARE * ingest.silence_timeout, give_up=ingest.give_up)

    def stream_name(source: StreamSource) -> StreamId:
        return StreamId(ground.box.mac(repr(source))[:STREAM_ID_DIGITS])

    return TaskService(
        book=book,
        runner=fleet,
        algorithms=algorithms,
        backlog=outbox,
        stream_names=stream_name,
        clock=ground.clock,
        policy=TaskPolicy(
            limits=limits,
            strict=ground.settings.machine.strict,
            stores_images=bool(ground.settings.objects.endpoint),
        ),
    )


async def _platform_client(stack: AsyncExitStack, ground: Ground) -> PlatformClient | None:
    """Return the client of the configured platform, None if there is none."""
    platform = ground.settings.platform
    if not platform.url:
        return None
    http = await stack.enter_async_context(PlatformHttp(platform))
    dialect = await asyncio.to_thread(find_dialect, ground.settings.machine.dialect)
    return PlatformClient(http, _authorizer(ground, http), dialect)


def _authorizer(ground: Ground, http: PlatformHttp) -> Authorizer:
    platform = ground.settings.platform
    if not platform.client_id:
        return Anonymous()
    return ClientCredentials(http, platform.client_id, platform.client_secret, clock=ground.clock)


async def _packages(  # noqa: PLR0913, PLR0917 - its neighbours, each once
    stack: AsyncExitStack,
    ground: Ground,
    tls: ssl.SSLContext,
    commands: Commands,
    hosting: ServiceHosting,
    client: PlatformClient | None,
) -> PackageService:
    settings = ground.settings
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls), cookie_jar=aiohttp.DummyCookieJar()
    )
    neighbours = Neighbours(
        store=PackageRepository(ground.database, ground.box),
        host=hosting,
        authorizer=client.authorizer if client else Anonymous(),
        preparer=PreparingChild(commands.prepare),
        session=await stack.enter_async_context(session),
        clock=ground.clock,
    )
    config = PackageConfig(
        machine=settings.machine,
        platform=settings.platform,
        packages=settings.packages,
        accelerator=settings.analysis.accelerator,
    )
    return PackageService(neighbours, config)


def _server(ground: Ground) -> ApiServer:
    settings = ground.settings
    names = [name for name in (settings.platform.advertise_host, socket.gethostname()) if name]
    return ApiServer(
        settings.api, settings.machine.data_dir, [*names, "localhost", "127.0.0.1"], ground.clock
    )


def _device(ground: Ground) -> ApiDevice:
    """Return what the API knows of the device. Blocks: it looks for plugins on the disk."""
    machine = ground.settings.machine
    return ApiDevice(
        code=machine.code,
        version=__version__,
        zone=ZoneInfo(machine.time_zone),
        clock=ground.clock,
        started=ground.started,
        strict=machine.strict,
        dialect=find_dialect(machine.dialect),
        profiles=[find_profile(name) for name in machine.profiles],
    )


def _link(
    ground: Ground, client: PlatformClient | None, server: ApiServer
) -> PlatformLink | NoPlatform:
    if client is None:
        return NoPlatform(ground.clock)
    settings, store = ground.settings, CredentialRepository(ground.database, ground.box)
    device = Device(settings.machine.code, lambda: ground.access.login, lambda: server.port)
    introduction = Introduction(settings.platform, client, device, store)
    expires = settings.platform.expires
    link = PlatformLink(client, introduction, expires=expires, clock=ground.clock)
    ground.access.on_new_login(link.tell_credentials)
    return link


@asynccontextmanager
async def _serving(ground: Ground, server: ApiServer, services: Services) -> AsyncGenerator[None]:
    """Serve the API on the network and on the local socket."""
    limit = int(ground.settings.api.max_body_mb * MEBIBYTE)
    gate = Gate(ground.access.door, basic=ground.settings.api.basic)
    public = public_app(services, gate, max_body_bytes=limit)
    local = local_app(services, max_body_bytes=limit)
    async with server.serving(public, local):
        yield
