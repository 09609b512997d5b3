"""An API served over TLS by a thread of its own, for callers that block."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Self

import requests
from aiohttp import web

from cad.base.clock import SystemClock
from cad.config.settings import ApiSettings
from cad.control.api.server import ApiServer


class ServedApi:
    """Serves what `make` returns, in the thread's own loop, on a port of 127.0.0.1."""

    def __init__(self, make: Callable[[], Awaitable[web.Application]], folder: Path) -> None:
        self._make, self._folder = make, folder
        self._started, self._loop = threading.Event(), asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._serve()])
        self.url = ""
        self.session = requests.Session()
        self.session.trust_env = False  # a bundle named there would win over ours

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(10)
        self.session.verify = str(self._folder / "tls" / "server.crt")
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, object]) -> None:
        """Do `work` in the thread's loop."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _serve(self) -> None:
        settings = ApiSettings(host="127.0.0.1", port=0, socket=self._folder / "cad.sock")
        server = ApiServer(settings, self._folder, ["127.0.0.1"], SystemClock())
        async with server.serving(await self._make(), web.Application()):
            self.url = f"https://127.0.0.1:{server.port}"
            self._started.set()
            await self._stop.wait()
