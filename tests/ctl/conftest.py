"""A daemon's local socket as cadctl sees it: a real server with answers to choose."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from typer.testing import CliRunner, Result

from cad.ctl.main import app
from cad.wire.envelope import LOCAL


class Daemon:
    """Answers on a Unix socket; remembers what it was asked."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.answers: dict[str, object] = {}
        self.series: dict[str, list[object]] = {}
        """Answers of which each is given once, before those above."""
        self.refusals: dict[str, tuple[int, str]] = {}
        self.asked: list[tuple[str, str, object]] = []
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve)

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.asked.append((request.method, request.path_qs, json.loads(body) if body else None))
        key = f"{request.method} {request.path}"
        if key in self.refusals:
            code, message = self.refusals[key]
            refusal = LOCAL.write(code=code, message=message, request_id="r")
            return web.json_response(refusal, status=code // 100)
        if key == "GET /local/v1/events/tail":
            lines = [json.dumps(event) for event in self.answers[key]]  # type: ignore[attr-defined] # a list
            return web.Response(text="\n\n".join(lines) + "\n")
        series = self.series.get(key)
        answer = series.pop(0) if series else self.answers.get(key)
        return web.json_response(LOCAL.write(answer, request_id="r"))

    async def application(self) -> web.Application:
        """Return what is served."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self.answer)
        return application

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = web.AppRunner(self._loop.run_until_complete(self.application()))
        self._loop.run_until_complete(runner.setup())
        self._loop.run_until_complete(web.UnixSite(runner, str(self.socket)).start())
        self._started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    served = Daemon(tmp_path / "cad.sock")
    served.start()
    yield served
    served.stop()


class Technician:
    """Types commands."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def types(self, *words: str) -> Result:
        return CliRunner().invoke(app, ["--socket", str(self._socket), *words])


@pytest.fixture
def technician(daemon: Daemon) -> Technician:
    return Technician(daemon.socket)
