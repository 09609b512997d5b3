"""Unpacks the archive of a file package: tar, tar.gz or zip, from anybody, safely.

Nothing is written outside the target folder; only plain files come out, each name once, within
bounds of size and number that hold for what is really read, not for what headers claim. Memory is
bounded, too: a deflated stream needs no more than its window of 32 KiB. Everything blocks.
"""

import gzip
import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, cast

from cad.base.errors import BadValueError, TooLargeError
from cad.base.threads import checkpoint
from cad.control.packages.durable import disk_errors, require_room

BLOCK_BYTES = 1024 * 1024
COUNT_LIMIT = 10_000
HEADER_LIMIT = 4 * 1024 * 1024
"""Bytes of one tar header with its extensions; tarfile reads it as a whole."""
DIRECTORY_LIMIT = 16 * 1024 * 1024
"""Bytes of the central directory of a zip; zipfile reads it as a whole."""
TAIL_LIMIT = 1024 * 1024
"""Bytes of padding after the last entry of a tar."""
NAME_LIMIT, PART_LIMIT = 1024, 255

_ZIP_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ZIP_END = b"PK\x05\x06"
_ZIP_END_SPAN = 22 + 65535


class ArchiveError(BadValueError):
    """The archive is damaged, or holds what must not be unpacked."""


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive."""

    name: str
    size_bytes: int
    """As its header claims."""
    open: Callable[[], IO[bytes]] | None
    """None = a folder."""


Selects = Callable[[PurePosixPath, int], bool]
"""Whether a file comes out, by its path and the size that its header claims; may refuse it."""


def everything(_path: PurePosixPath, _size_bytes: int) -> bool:
    """Select every file."""
    return True


def unpack(archive: Path, target: Path, limit_bytes: int, selects: Selects = everything) -> None:
    """Unpack what `selects` of `archive` into the empty folder `target`.

    Raises:
        ArchiveError: names the entry at fault, or says how the archive is damaged.
        TooLargeError: the content is more than `limit_bytes`, or too many files.
        InsufficientError: the disk has no room for it.
    """
    extraction = Extraction(target, limit_bytes, selects)
    with members_of(archive) as members:
        for member in members:
            extraction.add(member)


@contextmanager
def members_of(archive: Path) -> Generator[Iterator[Member]]:
    """Have the entries of `archive` read one after the other while the context is open.

    Raises:
        ArchiveError: says how the archive is damaged.
    """
    with (
        disk_errors(f"unpacking {archive.name}"),
        _damage(),
        archive.open("rb") as file,
        closing(_members(file)) as members,
    ):
        yield members


class Extraction:
    """What of an archive has been written so far, and what it may still claim."""

    def __init__(self, target: Path, limit_bytes: int, selects: Selects) -> None:
        self._target, self._limit, self._left = target, limit_bytes, limit_bytes
        self._selects = selects
        self._files: set[PurePosixPath] = set()
        self._folders: set[PurePosixPath] = {PurePosixPath()}

    def add(self, member: Member) -> None:
        """Write one member below the target if it is selected."""
        checkpoint()
        path = member_path(member.name)
        if member.open is None:
            self._folder(path)
            return
        self._claim(path)
        if member.size_bytes > self._left:
            raise self._too_large(member.name)
        if not self._selects(path, member.size_bytes):
            self._left -= member.size_bytes  # it is decompressed on the way to the next one
            return
        require_room(self._target, member.size_bytes, f"unpacking {member.name}")
        (self._target / path).parent.mkdir(parents=True, exist_ok=True)
        self._write(self._target / path, member.open(), member.name)

    def _claim(self, path: PurePosixPath) -> None:
        self._folder(path.parent)
        if path in self._files or path in self._folders:
            raise ArchiveError("expected each name once", field="archive", given=str(path))
        self._files.add(path)
        self._count()

    def _folder(self, path: PurePosixPath) -> None:
        for folder in (*reversed(path.parents), path):
            if folder in self._files:
                raise ArchiveError("expected a folder", field="archive", given=str(folder))
            self._folders.add(folder)
        self._count()

    def _count(self) -> None:
        if len(self._files) + len(self._folders) > COUNT_LIMIT:
            raise TooLargeError(f"expected at most {COUNT_LIMIT} files", field="archive")

    def _write(self, path: Path, content: IO[bytes], name: str) -> None:
        with path.open("xb") as file, content:
            while block := content.read(min(BLOCK_BYTES, self._left + 1)):
                checkpoint()
                if len(block) > self._left:
                    raise self._too_large(name)
                self._left -= len(block)
                file.write(block)

    def _too_large(self, name: str) -> TooLargeError:
        return TooLargeError(
            f"expected at most {self._limit} bytes of content in all", field="archive", given=name
        )


def member_path(name: str) -> PurePosixPath:
    """Return `name` as a path below the target folder.

    Raises:
        ArchiveError: it leads elsewhere, or is no name that every tool reads the same way.
    """
    path = PurePosixPath(name)
    leads_out = path.is_absolute() or ".." in path.parts or "\\" in name
    if leads_out or not name.isprintable() or not _fits(path):
        raise ArchiveError(
            "expected the name of a file inside the package", field="archive", given=name
        )
    return path


def _fits(path: PurePosixPath) -> bool:
    sizes = [len(part.encode(errors="replace")) for part in path.parts]
    return sum(sizes) + len(sizes) <= NAME_LIMIT and max(sizes, default=0) <= PART_LIMIT


def _members(file: IO[bytes]) -> Generator[Member]:
    magic = file.read(4)
    file.seek(0)
    if magic.startswith(b"PK"):
        return _zip_members(file)
    if magic.startswith(b"\x1f\x8b"):
        return _tar_members(cast("IO[bytes]", gzip.GzipFile(fileobj=file, mode="rb")))
    return _tar_members(file)


def _tar_members(file: IO[bytes]) -> Generator[Member]:
    guard = cast("IO[bytes]", _BoundedReads(file))
    with closing(file), tarfile.open(fileobj=guard, mode="r:") as archive:
        for entry in archive:
            if entry.isdir():
                yield Member(entry.name, 0, None)
            elif entry.isreg() and not entry.issparse() and entry.size >= 0:
                yield Member(entry.name, entry.size, partial(_tar_content, archive, entry))
            else:
                raise _unwanted(entry.name)
        # The end of a gzip holds its checksum, which is compared when it is read.
        if len(file.read(TAIL_LIMIT)) == TAIL_LIMIT:
            raise tarfile.ReadError("more data after the end")


def _zip_members(file: IO[bytes]) -> Generator[Member]:
    _refuse_large_directory(file)
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if entry.is_dir():
                yield Member(entry.filename, 0, None)
            elif kind not in {0, stat.S_IFREG}:
                raise _unwanted(entry.filename)
            elif entry.compress_type not in _ZIP_METHODS:
                raise ArchiveError(
                    "expected entries that are stored or deflated, not packed by method "
                    f"{entry.compress_type}",
                    field="archive",
                    given=entry.filename,
                )
            else:
                yield Member(entry.filename, entry.file_size, partial(archive.open, entry))


def _tar_content(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    content = archive.extractfile(entry)
    if content is None:
        raise _unwanted(entry.name)
    return content


def _unwanted(name: str) -> ArchiveError:
    return ArchiveError(
        "expected files and folders only: no links, devices, pipes or sparse files",
        field="archive",
        given=name,
    )


class _BoundedReads:
    """A file that refuses to be read in large pieces: tarfile believes the sizes of headers."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes."""
        if not 0 <= size <= HEADER_LIMIT:
            raise tarfile.ReadError(f"a header claims {size} bytes")
        return self._file.read(size)


def _refuse_large_directory(file: IO[bytes]) -> None:
    """Refuse a zip whose central directory would not fit into memory."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _ZIP_END_SPAN))
    tail = file.read()
    end = tail.rfind(_ZIP_END)
    claimed = int.from_bytes(tail[end + 12 : end + 16], "little")
    if end >= 0 and claimed > DIRECTORY_LIMIT:
        raise TooLargeError("expected a zip of fewer files", field="archive")
    file.seek(0)


@contextmanager
def _damage() -> Iterator[None]:
    """Turn what the libraries say of a broken archive into our error."""
    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ArchiveError(f"expected an intact archive: {error}", field="archive") from error
    except (NotImplementedError, RuntimeError, ValueError) as error:
        # zipfile: encrypted, or an unknown method; tarfile: a header that nests or lies
        raise ArchiveError(f"expected a plain archive: {error}", field="archive") from error
