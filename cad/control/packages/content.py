"""What comes out of the archive of a file package: its manifest, and what that lists.

The manifest is read before anything is written, so that an archive cannot fill the disk with what
nobody asked for. Everything blocks.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from cad.base.errors import BadValueError, TooLargeError
from cad.base.threads import checkpoint
from cad.control.packages.inspect import no_manifest
from cad.control.packages.unpack import (
    COUNT_LIMIT,
    ArchiveError,
    member_path,
    members_of,
    unpack,
)
from cad.domain.packages import ListedFile, PackageManifest
from cad.wire.manifest import MANIFEST_NAME, SIZE_LIMIT, read_manifest

logger = logging.getLogger(__name__)

MIB = 1024 * 1024
SMALL_CONTENT = 64 * MIB
"""Bytes that any archive may hold, however small it is."""
RATIO_LIMIT = 100
"""Unpacked to packed bytes of a larger content; of a model's weights it is little over 1."""
UNLISTED_LIMIT = 256 * MIB
"""Bytes of content of a package whose manifest has no `files`."""
NAMED_EXTRAS = 5

_MANIFEST = PurePosixPath(MANIFEST_NAME)


def unpack_content(archive: Path, target: Path, limit_bytes: int, *, strict: bool) -> None:
    """Unpack the manifest of `archive`, and the files that it lists, into the folder `target`.

    What `files` does not list is left in the archive, with a word in the log; `strict` refuses it.
    Without `files` everything comes out, up to `UNLISTED_LIMIT`.

    Raises:
        RefusedError: the manifest is absent, or not acceptable, or contradicts the archive.
        TooLargeError: the content is larger than allowed for an archive of this size.
        InsufficientError: the disk has no room for it.
    """
    limit = min(limit_bytes, max(SMALL_CONTENT, RATIO_LIMIT * archive.stat().st_size))
    text = _manifest_text(archive, limit)
    manifest = read_manifest(text)
    if not manifest.files:
        unpack(archive, target, min(limit, UNLISTED_LIMIT))
        return
    _refuse_too_much(sum(file.size_bytes for file in manifest.files), limit)
    _refuse_unlisted(manifest)
    listed = _Listed(_sizes(manifest.files, len(text)), strict=strict)
    unpack(archive, target, limit, listed.selects)
    if listed.extras:
        names = ", ".join(listed.extras[:NAMED_EXTRAS])
        count = len(listed.extras)
        logger.warning("%s: %d file(s) left inside, not listed: %s", archive.name, count, names)


def check_folder(
    folder: Path, manifest: PackageManifest, limit_bytes: int, *, strict: bool
) -> None:
    """Refuse a folder, with `manifest` in it, of which no archive could be installed.

    Without `files` all of it counts as listed, for that is what building the archive does; hidden
    files stay behind then.

    Raises:
        RefusedError: the manifest contradicts the folder.
        TooLargeError: the content is larger than allowed.
    """
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    sizes = {
        PurePosixPath(path): (folder / path).stat().st_size
        for path in paths
        if not any(part.startswith(".") for part in path.parts)
    }
    if not manifest.files:
        _refuse_too_much(sum(sizes.values()), limit_bytes)
        return
    _refuse_too_much(sum(file.size_bytes for file in manifest.files), limit_bytes)
    _refuse_unlisted(manifest)
    listed = _Listed(_sizes(manifest.files, sizes[_MANIFEST]), strict=strict)
    for path, size in sizes.items():
        listed.selects(path, size)


def _manifest_text(archive: Path, limit_bytes: int) -> bytes:
    """Return the text of the manifest; what comes before it is passed over."""
    passed, left = list[PurePosixPath](), limit_bytes
    with members_of(archive) as members:
        for member in members:
            checkpoint()
            path = member_path(member.name)
            if path == _MANIFEST and member.open is not None:
                with member.open() as content:
                    return content.read(SIZE_LIMIT + 1)
            passed.append(path)
            left -= member.size_bytes
            if left < 0 or len(passed) > COUNT_LIMIT:
                raise TooLargeError(
                    f"expected {MANIFEST_NAME} within {limit_bytes} bytes of content and "
                    f"{COUNT_LIMIT} entries of the archive's begin",
                    field="archive",
                    given=member.name,
                )
    raise no_manifest(passed)


def _refuse_too_much(total: int, limit_bytes: int) -> None:
    if total > limit_bytes:
        raise TooLargeError(
            f"expected at most {limit_bytes} bytes in all, which is what such a package may "
            "hold here",
            field="files",
            given=total,
        )


def _refuse_unlisted(manifest: PackageManifest) -> None:
    """Refuse a manifest that speaks of files which its `files` leaves out."""
    listed = {file.path for file in manifest.files}
    for index, algorithm in enumerate(manifest.algorithms):
        places = {"bin.local_uri": algorithm.model_path, "model.sample": algorithm.model.sample}
        for place, path in places.items():
            if path and path not in listed:
                raise BadValueError(
                    "expected a file that files lists",
                    field=f"algoPackages[{index}].{place}",
                    given=path,
                )


def _sizes(files: Sequence[ListedFile], manifest_bytes: int) -> Mapping[PurePosixPath, int]:
    sizes = {PurePosixPath(file.path): file.size_bytes for file in files}
    return {**sizes, _MANIFEST: manifest_bytes}


@dataclass(frozen=True, slots=True)
class _Listed:
    """Selects what a manifest lists."""

    sizes: Mapping[PurePosixPath, int]
    strict: bool
    extras: list[str] = field(default_factory=list)
    """What the archive holds besides."""

    def selects(self, path: PurePosixPath, size_bytes: int) -> bool:
        """Return whether the file at `path` is listed, with this size."""
        listed = self.sizes.get(path)
        if listed is None and self.strict:
            raise ArchiveError(
                f"expected only what files of {MANIFEST_NAME} lists",
                field="archive",
                given=str(path),
            )
        if listed is None:
            self.extras.append(str(path))
            return False
        if listed != size_bytes:
            raise BadValueError(
                f"expected {size_bytes}, the size of {path}", field="files.size", given=listed
            )
        return True
