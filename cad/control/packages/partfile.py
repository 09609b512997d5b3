"""The part of an archive that is on disk already, with its digests. Everything blocks."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cad.base.threads import checkpoint
from cad.control.packages.durable import disk_errors, remove

BLOCK_BYTES = 4 * 1024 * 1024


class Origin(msgspec.Struct, frozen=True):
    """What the bytes on disk are a part of; kept beside them over restarts."""

    url_digest: str
    """SHA-256 of the URL, which may itself hold credentials."""
    validator: str = ""
    """Strong ETag, or Last-Modified; empty = the server gives none."""
    total_bytes: int = 0
    """0 = the server does not say."""


@dataclass(frozen=True, slots=True)
class Digests:
    """Of a whole archive, in hex."""

    md5: str
    sha256: str


class PartFile:
    """A file that grows by downloading. One caller at a time, in any thread."""

    def __init__(self, path: Path) -> None:
        self.origin: Origin | None = None
        """None = nothing is there, or it is not known what."""
        self.size = 0
        self._path, self._note = path, note_path(path)
        self._reset_digests()

    @property
    def folder(self) -> Path:
        """Where the file lies."""
        return self._path.parent

    def load(self) -> None:
        """Take up what an earlier run left, reading it for its digests."""
        with disk_errors(f"reading {self._path.name}"):
            if not self._path.exists() or not self._note.exists():
                return
            self.origin = _read_note(self._note)
            with self._path.open("rb") as file:
                while block := file.read(BLOCK_BYTES):
                    checkpoint()
                    self._count(block)

    def restart(self, origin: Origin) -> None:
        """Drop what is there and begin a download of `origin`."""
        self._reset_digests()
        with disk_errors(f"writing {self._path.name}"):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            remove(self._note)  # first: a note must never speak of bytes of another origin
            self._path.write_bytes(b"")
            draft = self._note.with_suffix(".new")
            draft.write_bytes(msgspec.json.encode(origin))
            draft.rename(self._note)
        self.origin = origin

    def append(self, block: bytes) -> None:
        """Add bytes at the end."""
        with disk_errors(f"writing {self._path.name}"), self._path.open("ab") as file:
            file.write(block)
        self._count(block)

    def finish(self) -> Digests:
        """Put the whole file on disk for good and return its digests."""
        with disk_errors(f"writing {self._path.name}"), self._path.open("rb") as file:
            os.fsync(file.fileno())
        return Digests(self._md5.hexdigest(), self._sha256.hexdigest())

    def _count(self, block: bytes) -> None:
        self.size += len(block)
        self._md5.update(block)
        self._sha256.update(block)

    def _reset_digests(self) -> None:
        self.size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()


def remove_part(path: Path) -> None:
    """Delete a part file and what is known of it."""
    remove(path)
    remove(note_path(path))


def note_path(path: Path) -> Path:
    """Return where the origin of the part file `path` is kept."""
    return path.with_name(path.name + ".json")


def _read_note(path: Path) -> Origin | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Origin)
    except msgspec.MsgspecError:
        return None
