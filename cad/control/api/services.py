"""The keys under which handlers find the services of their application."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from aiohttp import web

from cad.base.clock import Clock
from cad.control.api.ports import (
    Access,
    AuditLog,
    Host,
    Link,
    Outbox,
    PackageService,
    TaskService,
    Workers,
)
from cad.control.api.strictness import Strictness
from cad.domain.dialects import STANDARD, Dialect
from cad.domain.profiles import DeviceProfile


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
    strict: bool = False
    """Refuse what is otherwise only reported (AM-20)."""
    dialect: Dialect = STANDARD
    """Of the platform (AM-140)."""
    profiles: Sequence[DeviceProfile] = ()
    """Further interfaces of the device (AM-30)."""


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
    access: Access
    audit: AuditLog


DEVICE = web.AppKey("device", Device)
STRICTNESS = web.AppKey("strictness", Strictness)
PACKAGES: web.AppKey[PackageService] = web.AppKey("packages")
TASKS: web.AppKey[TaskService] = web.AppKey("tasks")
WORKERS: web.AppKey[Workers] = web.AppKey("workers")
HOST: web.AppKey[Host] = web.AppKey("host")
LINK: web.AppKey[Link] = web.AppKey("link")
OUTBOX: web.AppKey[Outbox] = web.AppKey("outbox")
ACCESS: web.AppKey[Access] = web.AppKey("access")
AUDIT: web.AppKey[AuditLog] = web.AppKey("audit")


def provide(app: web.Application, services: Services) -> None:
    """Make `services` known to the handlers of `app`."""
    app[DEVICE] = services.device
    app[STRICTNESS] = Strictness(strict=services.device.strict)
    app[PACKAGES] = services.packages
    app[TASKS] = services.tasks
    app[WORKERS] = services.workers
    app[HOST] = services.host
    app[LINK] = services.link
    app[OUTBOX] = services.outbox
    app[ACCESS] = services.access
    app[AUDIT] = services.audit
