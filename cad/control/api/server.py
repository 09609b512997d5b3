"""Serves the two applications: one on the network, one on the Unix socket."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from cad.base.clock import Clock
from cad.base.errors import CadError
from cad.base.threads import WorkThread
from cad.config.settings import ApiSettings
from cad.control.api.certificates import ServedCertificate
from cad.control.api.connection import Connection
from cad.control.api.http_log import LINE_LIMIT, http_logger
from cad.control.api.tls import TlsFiles, tls_files

logger = logging.getLogger(__name__)

SHUTDOWN_TIME = 2.0
"""Seconds that running requests get to finish."""
SOCKET_MODE = 0o660
_OPTIONS: Mapping[str, Any] = {
    "logger": http_logger,
    "access_log": None,
    "max_line_size": LINE_LIMIT,
    "max_field_size": LINE_LIMIT,
}
"""Of a connection."""


class CannotListenError(CadError):
    """The address or the socket of the API cannot be had; names it and the reason."""


class ApiServer:
    """The API while it is being served."""

    def __init__(
        self, settings: ApiSettings, data_dir: Path, names: Sequence[str], clock: Clock
    ) -> None:
        """Take what serving needs.

        Args:
            settings: where to listen.
            data_dir: home of a self-signed certificate.
            names: host names and addresses that it is for; at least one.
            clock: for its validity.
        """
        self._settings, self._data_dir, self._names = settings, data_dir, tuple(names)
        self._clock = clock
        self.port = 0
        """The port that is listened on, once `serving`."""

    @asynccontextmanager
    async def serving(
        self, public: web.Application, local: web.Application
    ) -> AsyncGenerator["ApiServer"]:
        """Serve `public` on the network and `local` on the socket while the context is open.

        Raises:
            TlsSettingsError, CannotListenError: nothing is served.
        """
        settings, thread = self._settings, WorkThread("api-setup")
        try:
            files = await thread.run(tls_files, settings, self._data_dir, self._names, self._clock)
            with (
                closing(await thread.run(_bind_tcp, settings.host, settings.port)) as tcp,
                closing(await thread.run(_bind_unix, settings.socket)) as unix,
            ):
                self.port = tcp.getsockname()[1]
                async with (
                    _protected(files, thread) as context,
                    _served(local, unix),
                    _served(public, tcp, context),
                ):
                    scheme = "https" if context else "http"
                    logger.info("api: %s://%s:%d", scheme, settings.host, self.port)
                    yield self
        finally:
            await thread.aclose()


@asynccontextmanager
async def _protected(
    files: TlsFiles | None, thread: WorkThread
) -> AsyncGenerator[ssl.SSLContext | None]:
    """Yield the TLS context that serves `files`, whatever becomes of them; None for plain HTTP."""
    if files is None:
        yield None
        return
    async with ServedCertificate(files, thread).serving() as context:
        yield context


@asynccontextmanager
async def _served(
    app: web.Application, listener: socket.socket, context: ssl.SSLContext | None = None
) -> AsyncGenerator[None]:
    """Serve `app` on a bound socket."""
    loop, runner = asyncio.get_running_loop(), web.AppRunner(app, shutdown_timeout=SHUTDOWN_TIME)
    try:
        await runner.setup()
        connection = partial(Connection, cast("web.Server", runner.server), loop=loop, **_OPTIONS)
        with closing(await loop.create_server(connection, sock=listener, ssl=context)):
            yield
    finally:
        await runner.cleanup()


def _bind_tcp(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise CannotListenError(f"api.host {host}, api.port {port}: {error.strerror}") from error


def _bind_unix(path: Path) -> socket.socket:
    """Bind the socket of the local API. A left-over of a dead daemon is replaced. Blocks.

    The mode is set before anybody can connect: connections are refused until `listen`.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(path)
        listener.bind(str(path))
        path.chmod(SOCKET_MODE)
    except OSError as error:
        listener.close()
        raise CannotListenError(f"api.socket {path}: {error.strerror or error}") from error
    return listener


def _clear(path: Path) -> None:
    """Remove the socket of a dead daemon; raise `OSError` for anything else at `path`."""
    if path.exists() and not path.is_socket():
        raise OSError("is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        if probe.connect_ex(str(path)) == 0:
            raise OSError("another daemon serves it")
    path.unlink(missing_ok=True)
