"""The keys under which handlers find the services of their application."""

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from aiohttp import web

from cad.base.clock import Clock
from cad.control.api.ports import Host, Link, Outbox, PackageService, TaskService, Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What handlers know of the device itself."""

    code: str
    version: str
    zone: ZoneInfo
    """Of printed local times (AM-14)."""
    clock: Clock
    started: float
    """On the monotonic clock."""
    username: str
    password: str = field(repr=False)
    """What the platform logs in with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that the API speaks to."""

    device: Device
    packages: PackageService
    tasks: TaskService
    workers: Workers
    host: Host
    link: Link
    outbox: Outbox


DEVICE = web.AppKey("device", Device)
PACKAGES: web.AppKey[PackageService] = web.AppKey("packages")
TASKS: web.AppKey[TaskService] = web.AppKey("tasks")
WORKERS: web.AppKey[Workers] = web.AppKey("workers")
HOST: web.AppKey[Host] = web.AppKey("host")
LINK: web.AppKey[Link] = web.AppKey("link")
OUTBOX: web.AppKey[Outbox] = web.AppKey("outbox")


def provide(app: web.Application, services: Services) -> None:
    """Make `services` known to the handlers of `app`."""
    app[DEVICE] = services.device
    app[PACKAGES] = services.packages
    app[TASKS] = services.tasks
    app[WORKERS] = services.workers
    app[HOST] = services.host
    app[LINK] = services.link
    app[OUTBOX] = services.outbox
