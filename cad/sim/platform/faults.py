"""Misbehaviour on demand: what the platform does instead of its duty."""

import asyncio
from collections import defaultdict, deque
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request."""

    status: int = 0
    """HTTP status of the answer; 0 = the request is served, only late."""
    body: bytes = b""
    delay: float = 0.0
    """Seconds before anything happens."""


class Faults:
    """Faults that wait for requests, by path, each used up by one request."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, deque[Fault]] = defaultdict(deque)

    def fail_next(self, path: str, status: int, *, times: int = 1, body: bytes = b"") -> None:
        """Answer the next `times` requests for `path` with `status` and `body`."""
        self._waiting[path].extend([Fault(status, body)] * times)

    def delay_next(self, path: str, delay: float, *, times: int = 1) -> None:
        """Serve the next `times` requests for `path`, `delay` seconds late."""
        self._waiting[path].extend([Fault(delay=delay)] * times)

    def clear(self) -> None:
        """Behave again."""
        self._waiting.clear()

    def take(self, path: str) -> Fault | None:
        """Return the fault for a request for `path`, if one waits."""
        waiting = self._waiting[path]
        return waiting.popleft() if waiting else None


FAULTS = web.AppKey("faults", Faults)


@web.middleware
async def misbehave(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a waiting fault have the request."""
    fault = request.app[FAULTS].take(request.path)
    if fault is None:
        return await handler(request)
    await asyncio.sleep(fault.delay)
    if not fault.status:
        return await handler(request)
    return web.Response(status=fault.status, body=fault.body)
