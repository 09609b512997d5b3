"""Files and folders that survive a power cut, and the room that they need. Everything blocks."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC
from pathlib import Path

from cad.base.errors import CadError, InsufficientError, UnavailableError
from cad.base.threads import checkpoint

MEGABYTE = 1024 * 1024
RESERVE_BYTES = 64 * MEGABYTE
"""Left free for the database and the outbox."""


class DiskFailedError(UnavailableError):
    """The file system refuses: read-only, gone, or an I/O error."""


def require_room(folder: Path, needed: int, what: str) -> None:
    """Raise InsufficientError, with the numbers, unless `needed` bytes fit beside the reserve."""
    free = shutil.disk_usage(folder).free
    if needed > free - RESERVE_BYTES:
        raise InsufficientError(
            f"{what} needs {_megabytes(needed)} MB; {_megabytes(free)} MB are free on the disk, "
            f"of which {_megabytes(RESERVE_BYTES)} MB stay reserved"
        )


@contextmanager
def disk_errors(what: str) -> Iterator[None]:
    """Turn a refusal of the file system into our error."""
    try:
        yield
    except OSError as error:
        raise _translated(error, what) from error


def publish(draft: Path, final: Path) -> None:
    """Put the folder `draft` on disk for good and give it its final name, at once and whole."""
    with disk_errors(f"storing {final.name}"):
        _sync_tree(draft)
        final.parent.mkdir(parents=True, exist_ok=True)
        remove(final)
        draft.rename(final)
        _sync(final.parent)


def remove(path: Path) -> None:
    """Delete a file or a folder with all it holds; absent is fine."""
    with disk_errors(f"removing {path.name}"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def make_empty(folder: Path) -> None:
    """Make `folder` exist and hold nothing."""
    remove(folder)
    with disk_errors(f"making {folder.name}"):
        folder.mkdir(parents=True)


def _sync_tree(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        checkpoint()
        _sync(path)
    checkpoint()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _translated(error: OSError, what: str) -> CadError:
    if error.errno in {ENOSPC, EDQUOT}:
        return InsufficientError(f"{what}: the disk is full")
    return DiskFailedError(f"{what}: {error.strerror or error}")


def _megabytes(size: int) -> int:
    return -(-size // MEGABYTE)
