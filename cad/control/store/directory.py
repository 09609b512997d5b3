"""The data directory: made at the first start, held by one daemon at a time."""

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from cad.base.errors import CadError
from cad.control.store.secrets import SecretBox

LOCK_FILE = "lock"
CREDENTIAL = "cad-secret-key"
"""Name under which the service manager provides the key (`LoadCredential=`)."""


class DataDirectoryError(CadError):
    """The data directory cannot be used; names it and the reason."""


@asynccontextmanager
async def held(data_dir: Path) -> AsyncGenerator[SecretBox]:
    """Hold `data_dir` while the context is open; yield what its secrets are sealed with.

    The lock goes with the process, however it ends.

    Raises:
        DataDirectoryError: it cannot be made or written, or another daemon holds it.
    """
    try:
        lock = await asyncio.to_thread(_lock, data_dir)
    except BlockingIOError as error:
        raise DataDirectoryError(f"machine.data_dir {data_dir}: another cadd holds it") from error
    except OSError as error:
        reason = error.strerror or error
        raise DataDirectoryError(f"machine.data_dir {data_dir}: {reason}") from error
    try:
        yield await asyncio.to_thread(_open_box, data_dir)
    finally:
        os.close(lock)


def _lock(data_dir: Path) -> int:
    """Return the descriptor that holds the lock. Blocks."""
    data_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    lock = os.open(data_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(lock)
        raise
    return lock


def _open_box(data_dir: Path) -> SecretBox:
    """Return the box under the key of the service manager, else that of the directory. Blocks."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    credential = Path(folder) / CREDENTIAL if folder else None
    present = credential if credential is not None and credential.exists() else None
    try:
        return SecretBox.open(data_dir, present)
    except OSError as error:
        reason = error.strerror or error
        raise DataDirectoryError(f"the key of {data_dir}: {reason}") from error
