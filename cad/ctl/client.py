"""The local API as cadctl calls it: JSON over the Unix socket."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from cad.wire.envelope import read_answer
from cad.wire.model import read_json

TIMEOUT = aiohttp.ClientTimeout(total=30)
ENDLESS = aiohttp.ClientTimeout(total=None)


class UnreachableError(Exception):
    """No daemon answers on the socket."""

    def __init__(self, socket: Path, reason: str) -> None:
        super().__init__(f"no daemon answers on {socket}: {reason}")


class RefusedByDaemonError(Exception):
    """The daemon answered with a refusal."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{message} [{code}]")
        self.code = code


class LocalApi:
    """Calls the daemon, one connection for each call."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def call(self, method: str, path: str, body: object = None) -> object:
        """Return the `data` of the answer.

        Raises:
            UnreachableError: nobody listens, or nobody answers in time.
            RefusedByDaemonError: with the daemon's own sentence.
        """
        async with self._request(method, path, body, TIMEOUT) as response:
            answer = read_answer(response.status, await response.read())
        if not answer.succeeded:
            raise RefusedByDaemonError(answer.code, answer.message)
        return answer.data

    async def lines(self, path: str) -> AsyncGenerator[object]:
        """Yield the JSON values of an endless answer, one for each line."""
        async with self._request("GET", path, None, ENDLESS) as response:
            if response.status != 200:
                answer = read_answer(response.status, await response.read())
                raise RefusedByDaemonError(answer.code, answer.message)
            async for line in response.content:
                if line.strip():
                    yield read_json(line)

    @asynccontextmanager
    async def _request(
        self, method: str, path: str, body: object, timeout: aiohttp.ClientTimeout
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        connector = aiohttp.UnixConnector(path=str(self._socket))
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                session.request(method, f"http://cad{path}", json=body) as response,
            ):
                yield response
        except (aiohttp.ClientConnectionError, TimeoutError, asyncio.IncompleteReadError) as error:
            raise UnreachableError(self._socket, _reason(error)) from error


def table_of(data: object) -> list[Mapping[str, object]]:
    """Return `data` as the rows of a table."""
    rows = data if isinstance(data, list) else [data]
    return [row for row in rows if isinstance(row, Mapping)]


def _reason(error: Exception) -> str:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    return getattr(cause, "strerror", None) or str(cause) or "it takes too long"
