"""Figures of the machine: processor, memory, disk (H.5)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from cad.base.errors import UnavailableError
from cad.base.supervise import background
from cad.base.threads import WorkThread
from cad.domain.views import HostFigures

INTERVAL = 5.0
"""Seconds between readings; the processor's figure is the mean over one."""
WARM_UP = 0.1
"""Seconds that the first figure of the processor is taken over."""


class HostUnreadableError(UnavailableError):
    """The operating system does not tell a figure; the last ones stay."""


class HostSampler:
    """Reads the figures in a thread of its own, since a sick disk can block for long."""

    def __init__(self, data_dir: Path, interval: float = INTERVAL) -> None:
        """Take the directory whose file system counts, and the seconds between readings."""
        self._data_dir, self._interval = data_dir, interval
        self._figures = HostFigures(
            cpu_utilization=0.0,
            memory_used_bytes=0,
            memory_free_bytes=0,
            disk_used_bytes=0,
            disk_free_bytes=0,
        )

    def figures(self) -> HostFigures:
        """Return the latest reading."""
        return self._figures

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["HostSampler"]:
        """Keep the figures fresh while the context is open; the first are there on entry."""
        thread = WorkThread("host-figures")
        try:
            self._figures = await thread.run(read_figures, self._data_dir, WARM_UP)
            async with background("host-figures", lambda: self._sample(thread)):
                yield self
        finally:
            await thread.aclose()

    async def _sample(self, thread: WorkThread) -> None:
        while True:
            await asyncio.sleep(self._interval)
            self._figures = await thread.run(read_figures, self._data_dir)


def read_figures(data_dir: Path, cpu_interval: float | None = None) -> HostFigures:
    """Read the figures now. Blocks.

    Args:
        data_dir: its file system is the disk.
        cpu_interval: seconds to watch the processor; None = since the call before.

    Raises:
        HostUnreadableError: names what could not be read.
    """
    try:
        memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(data_dir))
        utilization = psutil.cpu_percent(cpu_interval) / 100
    except OSError as error:
        raise HostUnreadableError(f"host figures: {error}") from error
    return HostFigures(
        cpu_utilization=min(1.0, max(0.0, utilization)),
        memory_used_bytes=memory.total - memory.available,
        memory_free_bytes=memory.available,
        disk_used_bytes=disk.total - disk.free,
        disk_free_bytes=disk.free,
    )
