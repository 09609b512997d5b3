"""The files of the audit log: JSON lines, only ever appended to, rotated by size. Its calls block.

`write` hands a line to the operating system, so that it survives the end of this process; `sync`
has it on disk, so that it survives a power cut.
"""

import os
from datetime import datetime
from pathlib import Path

import msgspec

from cad.domain.audit import AuditEntry

FILE_BYTES = 8 * 2**20
FILES = 8
"""With the default sizes 64 MiB: some 200 000 calls."""
MODE = 0o600


class AuditTrail:
    """An open log. Not to be shared between threads without care."""

    def __init__(self, path: Path, *, file_bytes: int = FILE_BYTES, files: int = FILES) -> None:
        """Open the log at `path`, or make it.

        Raises:
            OSError: it cannot be written.
        """
        self._path, self._file_bytes, self._files = path, file_bytes, files
        self._descriptor = _open(path)
        self._is_torn = _is_torn(path)

    def write(self, entry: AuditEntry) -> None:
        """Append `entry`.

        Raises:
            OSError: the disk refuses; the entry is lost, the log goes on with the next one.
        """
        line = msgspec.json.encode(entry) + b"\n"
        if self._is_torn:
            line = b"\n" + line
        if os.fstat(self._descriptor).st_size + len(line) > self._file_bytes:
            self._rotate()
        self._is_torn = True
        while line:
            line = line[os.write(self._descriptor, line) :]
        self._is_torn = False

    def sync(self) -> None:
        """Have everything on disk."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Have everything on disk and close the file."""
        try:
            self.sync()
        finally:
            os.close(self._descriptor)

    def entries(self, since: datetime | None, limit: int) -> list[AuditEntry]:
        """Return the last `limit` entries from `since` on, oldest first."""
        found: list[AuditEntry] = []
        for path in self._generations():
            fitting = [e for e in _entries(path) if since is None or e.time >= since]
            found = [*fitting, *found]
            # Not by the order of the times: the clock of a device may have jumped back.
            if not fitting or len(found) >= limit:
                break
        return found[-limit:]

    def _generations(self) -> list[Path]:
        """Return the paths of all files there may be, the one that is written first."""
        name = self._path.name
        old = [self._path.with_name(f"{name}.{number}") for number in range(1, self._files)]
        return [self._path, *old]

    def _rotate(self) -> None:
        self.sync()
        paths = self._generations()
        for older, newer in zip(reversed(paths), reversed(paths[:-1]), strict=False):
            if newer.exists():
                newer.replace(older)
        descriptor = _open(self._path)
        os.close(self._descriptor)
        self._descriptor = descriptor


def _open(path: Path) -> int:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, MODE)
    os.fchmod(descriptor, MODE)
    return descriptor


def _is_torn(path: Path) -> bool:
    """Whether a power cut left the last line unfinished."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _entries(path: Path) -> list[AuditEntry]:
    """Return the entries of one file, oldest first; none if it is not there."""
    if not path.exists():
        return []
    read = map(_read, path.read_bytes().splitlines())
    return [entry for entry in read if entry is not None]


def _read(line: bytes) -> AuditEntry | None:
    """Return the entry in `line`; None for what a power cut left of one."""
    try:
        return msgspec.json.decode(line, type=AuditEntry)
    except msgspec.DecodeError:
        return None
