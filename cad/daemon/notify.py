"""Talks to systemd (sd_notify(3)); silent when it did not start us."""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from cad.base.supervise import background


class Notifier:
    """Tells the service manager how the daemon is."""

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        self._watchdog_seconds = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6

    def ready(self, status: str) -> None:
        """Start-up is over."""
        self._send(f"READY=1\nSTATUS={status}")

    def stopping(self) -> None:
        """The daemon is on its way out."""
        self._send("STOPPING=1")

    @asynccontextmanager
    async def watchdog(self) -> AsyncGenerator[None]:
        """Feed the watchdog while the event loop turns."""
        if not self._watchdog_seconds:
            yield
            return
        async with background("watchdog", self._feed):
            yield

    async def _feed(self) -> None:
        while True:
            self._send("WATCHDOG=1")
            await asyncio.sleep(self._watchdog_seconds / 3)

    def _send(self, text: str) -> None:
        if not self._address:
            return
        name = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        # A manager too busy to read now gets the next one; the daemon never waits for it.
        with socket.socket(socket.AF_UNIX, kind) as channel, suppress(BlockingIOError):
            channel.sendto(text.encode(), name)
