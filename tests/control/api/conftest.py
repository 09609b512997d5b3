"""A device's API over a real socket, with fakes behind it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from cad.base.clock import SystemClock
from cad.control.access.service import AccessService
from cad.control.api.app import local_app, local_surface, public_app, public_surface
from cad.control.api.auth import Gate
from cad.control.api.openapi import Surface
from cad.control.api.services import Device, Services
from tests.control.access.world import PASSWORD, USER, World
from tests.control.api.conformance import Promises
from tests.control.api.fakes import (
    FakeAuditLog,
    FakeHost,
    FakeLink,
    FakeOutbox,
    FakePackages,
    FakeTasks,
    FakeWorkers,
)

MAX_BODY = 256 * 1024
PROOF = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> int:
        return int(self.json["code"])

    @property
    def data(self) -> Any:
        return self.json.get("data")


@dataclass
class Caller:
    """Calls the API; paths go out exactly as they are written."""

    session: aiohttp.ClientSession
    base: str
    headers: dict[str, str]
    promises: Promises
    """Every answer is held against them."""

    async def __call__(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        if body is not None:
            options["data"] = body if isinstance(body, bytes) else json.dumps(body)
        headers = {**self.headers, **options.pop("headers", {})}
        url = URL(self.base + path, encoded=True)
        async with self.session.request(method, url, headers=headers, **options) as response:
            answer = Answer(response.status, response.headers, await response.text())
        self.promises.check(method, path, answer.status, answer.json)
        return answer


DEVICE = Device(
    code="machine_code",
    version="1.2.3",
    zone=ZoneInfo("Asia/Shanghai"),
    clock=SystemClock(),
    started=SystemClock().monotonic(),
)


@dataclass
class Fakes:
    """What is behind the API."""

    packages: FakePackages
    tasks: FakeTasks
    workers: FakeWorkers
    link: FakeLink
    outbox: FakeOutbox
    access: AccessService
    audit: FakeAuditLog = field(default_factory=FakeAuditLog)
    device: Device = field(default_factory=lambda: DEVICE)

    def services(self) -> Services:
        return Services(
            device=self.device,
            packages=self.packages,
            tasks=self.tasks,
            workers=self.workers,
            host=FakeHost(),
            link=self.link,
            outbox=self.outbox,
            access=self.access,
            audit=self.audit,
        )


@asynccontextmanager
async def calling(
    app: web.Application, headers: dict[str, str], promises: Promises
) -> AsyncIterator[Caller]:
    """Serve `app` and yield a caller of it."""
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield Caller(session, str(server.make_url("")).rstrip("/"), headers, promises)


def promises_of(surface: Callable[[Device], Surface], device: Device) -> Promises:
    """Return what `surface` promises; the same for every test with a device like this one."""
    key = (surface, device.dialect, tuple(device.profiles))
    if key not in _PROMISES:
        _PROMISES[key] = Promises(surface(device))
    return _PROMISES[key]


_PROMISES: dict[tuple[object, ...], Promises] = {}


@pytest.fixture
async def fakes() -> Fakes:
    return await make_fakes()


async def make_fakes() -> Fakes:
    """Return services in memory; belongs to the running loop."""
    access = await World().open()
    return Fakes(FakePackages(), FakeTasks(), FakeWorkers(), FakeLink(), FakeOutbox(), access)


@pytest.fixture
async def call(fakes: Fakes) -> AsyncIterator[Caller]:
    """Call the public API with the right password."""
    app = public_app(fakes.services(), Gate(fakes.access.door, basic=True), max_body_bytes=MAX_BODY)
    promises = await asyncio.to_thread(promises_of, public_surface, fakes.device)
    async with calling(app, {"Authorization": PROOF}, promises) as caller:
        yield caller


@pytest.fixture
async def call_local(fakes: Fakes) -> AsyncIterator[Caller]:
    """Call what the local socket serves."""
    app = local_app(fakes.services(), max_body_bytes=MAX_BODY)
    promises = await asyncio.to_thread(promises_of, local_surface, fakes.device)
    async with calling(app, {}, promises) as caller:
        yield caller
