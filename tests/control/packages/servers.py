"""An honest HTTP server of archives with faults on demand, and what a download talks to."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import repeat
from math import inf

import aiohttp
from aiohttp import web

from cad.base.threads import WorkThread
from cad.control.packages.fetch import Fetcher
from cad.control.packages.locate import AllowedHosts

HOST = "127.0.0.1"


class ArchiveServer:
    """Serves `content` at `/content`; each fault is used up by one request."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.etag = '"1"'
        self.ranges = True
        self.chunked = False
        self.statuses: list[int] = []
        """Answered first, one for each request."""
        self.breaks: list[int] = []
        """The next answers end after so many bytes, once those have `arrived`."""
        self.arrived: Callable[[], float] = lambda: inf
        self.locations: list[str] = []
        """The next requests are redirected there."""
        self.requests: list[Mapping[str, str]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(dict(request.headers))
        if self.locations:
            return web.Response(status=302, headers={"Location": self.locations.pop(0)})
        if self.statuses and (status := self.statuses.pop(0)) != 200:
            return web.Response(status=status)
        return await self._body(request)

    async def _body(self, request: web.Request) -> web.StreamResponse:
        start = self._start(request)
        response = web.StreamResponse(status=206 if start else 200)
        if self.etag:
            response.headers["ETag"] = self.etag
        if start:
            size = len(self.content)
            response.headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        if not self.chunked:
            response.content_length = len(self.content) - start
        await response.prepare(request)
        return await self._send(request, response, start)

    async def _send(
        self, request: web.Request, response: web.StreamResponse, start: int
    ) -> web.StreamResponse:
        if self.breaks:
            end = start + self.breaks.pop(0)
            await response.write(self.content[start:end])
            while self.arrived() < end:  # noqa: ASYNC110 - the client counts, not we
                await asyncio.sleep(0.001)
            if request.transport is not None:
                request.transport.close()
        else:
            await response.write(self.content[start:])
            await response.write_eof()
        return response

    def _start(self, request: web.Request) -> int:
        wanted = request.headers.get("Range", "")
        same = request.headers.get("If-Range", self.etag) == self.etag
        return int(wanted[6:-1]) if self.ranges and wanted and same else 0


@asynccontextmanager
async def serving(content: bytes) -> AsyncGenerator[ArchiveServer]:
    """Run an archive server on a free port."""
    server = ArchiveServer(content)
    app = web.Application()
    app.router.add_get("/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, 0)
        await site.start()
        server.url = f"http://{HOST}:{runner.addresses[0][1]}/content"
        yield server
    finally:
        await runner.cleanup()


class TokenAuthorizer:
    """Gives `token-<n>`, n counting the renewals."""

    def __init__(self) -> None:
        self.renewals = 0

    async def headers(self, url: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer token-{self.renewals}"} if HOST in url else {}

    async def renew(self) -> None:
        self.renewals += 1


@asynccontextmanager
async def fetching(limit_bytes: int = 10**7) -> AsyncGenerator[Fetcher]:
    """Give a fetcher that waits next to nothing between tries."""
    disk = WorkThread("disk")
    try:
        async with aiohttp.ClientSession() as session:
            yield Fetcher(
                session=session,
                authorizer=TokenAuthorizer(),
                hosts=AllowedHosts(frozenset({HOST})),
                disk=disk,
                limit_bytes=limit_bytes,
                delays=lambda: repeat(0.001),
            )
    finally:
        await disk.aclose()
