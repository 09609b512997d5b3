"""Takes new certificate files into use towards servers, while connections come and go.

Each connection begins with the context that was read last; those that are open are not touched.
Files that cannot be used are named once in the log, and what was read before goes on.
"""

import logging
import ssl
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from typing_extensions import override

from cad.base.errors import CadError
from cad.base.file_watch import FileWatch
from cad.base.supervise import background
from cad.base.threads import WorkThread

logger = logging.getLogger(__name__)


class RenewedContext(ssl.SSLContext):
    """Stands for the newest context wherever one is kept for long. By itself it trusts nobody."""

    current: ssl.SSLContext

    @classmethod
    def of(cls, context: ssl.SSLContext) -> "RenewedContext":
        """Return one that stands for `context` first."""
        made = cls(ssl.PROTOCOL_TLS_CLIENT)
        made.current = context
        return made

    @override
    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Begin a connection, as asyncio does."""
        return self.current.wrap_bio(incoming, outgoing, server_side, server_hostname, session)


@asynccontextmanager
async def renewed_context(
    name: str, files: Sequence[Path], read: Callable[[], ssl.SSLContext]
) -> AsyncGenerator[ssl.SSLContext]:
    """Yield what `read` returns, read again whenever `files` change while the context is open.

    Args:
        name: for messages: towards whom.
        files: what `read` reads; none = it is read once.
        read: returns a context for a client. Blocks.

    Raises what `read` does.
    """
    thread = WorkThread(f"tls-{name}")
    try:
        watch = FileWatch(files, thread)
        await watch.begin()
        context = RenewedContext.of(await thread.run(read))

        async def follow() -> None:
            while True:
                await watch.change()
                await _take(name, context, thread, read)

        if not files:
            yield context.current
            return
        async with background(f"certificates towards {name}", follow):
            yield context
    finally:
        await thread.aclose()


async def _take(
    name: str, context: RenewedContext, thread: WorkThread, read: Callable[[], ssl.SSLContext]
) -> None:
    try:
        context.current = await thread.run(read)
    except CadError as error:
        logger.error("new certificates refused, the old ones are used: %s", error)  # noqa: TRY400 - a finding, no bug
    else:
        logger.info("new certificates towards %s", name)
