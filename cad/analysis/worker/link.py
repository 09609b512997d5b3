"""The socket to the daemon: orders come in, news goes out."""

import asyncio
import socket
from collections.abc import AsyncGenerator

from cad.protocols.worker.messages import Frames, News, Order, decode_order, encode

CHUNK = 256 * 1024


class Link:
    """A connection to the daemon. Used on the loop only."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def over(cls, fd: int) -> "Link":
        """Return a link over the inherited end of a socket pair."""
        return cls(*await asyncio.open_connection(sock=socket.socket(fileno=fd)))

    async def orders(self) -> AsyncGenerator[Order]:
        """Yield orders until the daemon closes the socket.

        Raises:
            ProtocolBrokenError: what came is no order.
        """
        frames = Frames()
        while chunk := await self._read():
            for body in frames.feed(chunk):
                yield decode_order(body)

    def send(self, news: News) -> None:
        """Send `news` after all that was sent before; nothing is sent once the daemon is gone."""
        if not self._writer.is_closing():
            self._writer.write(encode(news))

    async def flushed(self) -> None:
        """Wait until the daemon has taken most of what was sent."""
        await self._writer.drain()

    def close(self) -> None:
        """Close the socket."""
        self._writer.close()

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(CHUNK)
        except ConnectionError:
            return b""
