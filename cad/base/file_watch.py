"""Notices that configured files have changed, by looking at them: it works on any file system."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from cad.base.threads import WorkThread

LOOK_INTERVAL = 2.0
"""Seconds between two looks at the files."""

_Look = tuple[tuple[int, int, int] | None, ...]
"""Inode, size and time of change of each file; None = it is not there."""


class FileWatch:
    """Files that belong together, and how they looked when they were last read."""

    def __init__(self, files: Sequence[Path], thread: WorkThread) -> None:
        self._files, self._thread = tuple(files), thread
        self._read: _Look = ()
        self._last: _Look = ()

    async def begin(self) -> None:
        """Take the files as they are now for known; to be called before they are read."""
        self._read = self._last = await self._thread.run(_look_at, self._files)

    async def change(self) -> None:
        """Return once the files have changed, and stand still: they may just be being copied."""
        while not await self._is_new():  # noqa: ASYNC110 - files tell nobody
            await asyncio.sleep(LOOK_INTERVAL)

    async def _is_new(self) -> bool:
        look = await self._thread.run(_look_at, self._files)
        settled, self._last = look == self._last, look
        if not settled or look == self._read:
            return False
        self._read = look
        return True


def _look_at(files: Sequence[Path]) -> _Look:
    return tuple(_marks_of(path) for path in files)


def _marks_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
