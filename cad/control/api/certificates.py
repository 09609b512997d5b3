"""Takes new certificate files into use while the API is served.

The context that listens stays; at each handshake it hands over to the one that was read last, so
connections that are open are not touched. Files that cannot be used, or do not belong together, are
named once in the log, and what was served before goes on.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from cad.base.errors import CadError
from cad.base.supervise import background
from cad.base.threads import WorkThread
from cad.control.api.tls import TlsFiles, read_context

logger = logging.getLogger(__name__)

LOOK_INTERVAL = 2.0
"""Seconds between two looks at the files."""

_Look = tuple[tuple[int, int, int] | None, ...]
"""Inode, size and time of change of each file; None = it is not there."""


class ServedCertificate:
    """The certificate with which the API is served, the newest that is good."""

    def __init__(self, files: TlsFiles, thread: WorkThread) -> None:
        self._files, self._thread = files, thread
        self._current: ssl.SSLContext | None = None
        self._read: _Look = ()
        self._last: _Look = ()

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[ssl.SSLContext]:
        """Yield the context to listen with; watch the files while it is open.

        Raises:
            TlsSettingsError: the files cannot be used.
        """
        self._read = self._last = await self._thread.run(_look_at, self._files)
        listening = await self._thread.run(read_context, self._files)
        listening.sni_callback = self._hand_over
        async with background("certificate", self._watch):
            yield listening

    def _hand_over(
        self, connection: ssl.SSLObject, _name: str | None, _listening: ssl.SSLContext
    ) -> None:
        """Give a connection the present certificate; called with its first message, SNI or not."""
        if self._current is not None:
            connection.context = self._current

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_INTERVAL)
            await self._take_changes()

    async def _take_changes(self) -> None:
        """Read the files if they have changed, and stand still: they may just be being copied."""
        look = await self._thread.run(_look_at, self._files)
        settled, self._last = look == self._last, look
        if not settled or look == self._read:
            return
        self._read = look
        try:
            self._current = await self._thread.run(read_context, self._files)
        except CadError as error:
            logger.error("api: new certificate refused, the old one is served: %s", error)  # noqa: TRY400 - a finding, no bug
        else:
            logger.info("api: new certificate %s", self._files.cert)


def _look_at(files: TlsFiles) -> _Look:
    return tuple(_marks_of(path) for path in files.paths())


def _marks_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
