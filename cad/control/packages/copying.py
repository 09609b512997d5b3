"""Copies an archive that lies on this device, from a stick as a rule."""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cad.base.errors import BadValueError, TooLargeError
from cad.base.threads import WorkThread
from cad.control.packages.durable import disk_errors, require_room
from cad.control.packages.fetch import Listener

SCHEME = "file"
BLOCK_BYTES = 4 * 1024 * 1024


def is_local(url: str) -> bool:
    """Return whether an archive is a file of this device. Only the local socket orders such."""
    return urlsplit(url).scheme == SCHEME


def check_file(path: Path, limit_bytes: int) -> int:
    """Return the size of the archive at `path`. Blocks.

    Raises:
        BadValueError: it is no file, or the daemon may not read it.
        TooLargeError: it has more than `limit_bytes`.
    """
    if not path.is_file():
        raise BadValueError("expected an archive", field="path", given=str(path))
    if not os.access(path, os.R_OK):
        raise BadValueError(
            "expected a file that the daemon may read", field="path", given=str(path)
        )
    if (size := path.stat().st_size) > limit_bytes:
        raise TooLargeError(f"expected at most {limit_bytes} bytes", field="path", given=size)
    return size


async def copy_file(
    url: str, target: Path, limit_bytes: int, disk: WorkThread, listener: Listener
) -> None:
    """Copy the file at `url` to `target`, from its beginning; others use the disk in between.

    Raises:
        RefusedError: it is gone, or changes meanwhile.
        InsufficientError: the disk has no room for it.
    """
    source = Path(unquote(urlsplit(url).path))
    size = await disk.run(check_file, source, limit_bytes)
    await disk.run(_begin, target, size)
    position = 0
    while position < size:
        position += await disk.run(_copy_block, source, target, position)
        listener.progressed(position, size)


def _begin(target: Path, size: int) -> None:
    with disk_errors("copying the archive"):
        target.parent.mkdir(parents=True, exist_ok=True)
        require_room(target.parent, size, "the copy")
        target.write_bytes(b"")


def _copy_block(source: Path, target: Path, position: int) -> int:
    """Append the block at `position` of `source`; return its size."""
    with disk_errors("copying the archive"):
        with source.open("rb") as read:
            read.seek(position)
            block = read.read(BLOCK_BYTES)
        if not block:
            raise BadValueError("expected a file that stays as it is", field="path")
        with target.open("ab") as write:
            write.write(block)
            write.flush()
            os.fsync(write.fileno())
    return len(block)
