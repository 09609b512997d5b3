"""A receiver of events over a real socket, with faults on demand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Self

from aiohttp import web

from cad.wire.event import EventDocument

Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Receiver:
    """Takes events at every path; `faults` happen first, one for each request."""

    faults: list[Fault] = field(default_factory=list)
    always: dict[str, Fault] = field(default_factory=dict)
    """Faults that stay, by path."""
    attempts: list[str] = field(default_factory=list)
    """Idempotency keys of all requests."""
    taken: list[EventDocument] = field(default_factory=list)
    requests: list[web.Request] = field(default_factory=list)
    url: str = ""
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def ids(self) -> list[str]:
        """Ids of the events that were taken, in order."""
        return [document.event_id for document in self.taken]

    async def until(self, true: Callable[[Self], bool]) -> None:
        """Wait until `true` of this receiver."""
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(lambda: true(self))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.attempts.append(request.headers["Idempotency-Key"])
        self.requests.append(request)
        body = await request.read()
        await self._notify()
        if request.path in self.always:
            return await self.always[request.path](request)
        if self.faults:
            return await self.faults.pop(0)(request)
        self.taken.append(EventDocument.parse(body))
        await self._notify()
        return web.Response(status=204)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def receiving(
    receiver: Receiver | None = None, *, port: int = 0, tls: SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Run a receiver on loopback."""
    receiver = receiver or Receiver()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{tail:.*}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    scheme = "https" if tls else "http"
    receiver.url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        await runner.cleanup()


def answer(status: int, **headers: str) -> Fault:
    """Answer with `status`."""

    async def fault(request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, headers=named)

    return fault


async def reset(request: web.Request) -> web.StreamResponse:
    """Break the connection."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def silence(request: web.Request) -> web.StreamResponse:
    """Never answer."""
    await asyncio.Event().wait()
    return web.Response()
