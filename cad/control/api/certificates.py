"""Takes new certificate files into use while the API is served.

The context that listens stays; at each handshake it hands over to the one that was read last, so
connections that are open are not touched. Files that cannot be used, or do not belong together, are
named once in the log, and what was served before goes on.
"""

import logging
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from cad.base.errors import CadError
from cad.base.file_watch import FileWatch
from cad.base.supervise import background
from cad.base.threads import WorkThread
from cad.control.api.tls import TlsFiles, read_context

logger = logging.getLogger(__name__)


class ServedCertificate:
    """The certificate with which the API is served, the newest that is good."""

    def __init__(self, files: TlsFiles, thread: WorkThread) -> None:
        self._files, self._thread = files, thread
        self._watch = FileWatch(files.paths(), thread)
        self._current: ssl.SSLContext | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[ssl.SSLContext]:
        """Yield the context to listen with; watch the files while it is open.

        Raises:
            TlsSettingsError: the files cannot be used.
        """
        await self._watch.begin()
        listening = await self._thread.run(read_context, self._files)
        listening.sni_callback = self._hand_over
        async with background("certificate", self._follow):
            yield listening

    def _hand_over(
        self, connection: ssl.SSLObject, _name: str | None, _listening: ssl.SSLContext
    ) -> None:
        """Give a connection the present certificate; called with its first message, SNI or not."""
        if self._current is not None:
            connection.context = self._current

    async def _follow(self) -> None:
        while True:
            await self._watch.change()
            await self._take()

    async def _take(self) -> None:
        try:
            self._current = await self._thread.run(read_context, self._files)
        except CadError as error:
            logger.error("api: new certificate refused, the old one is served: %s", error)  # noqa: TRY400 - a finding, no bug
        else:
            logger.info("api: new certificate %s", self._files.cert)
