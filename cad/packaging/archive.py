"""Makes the archive of a file package out of a folder (AM-91)."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

from cad.base.errors import BadValueError, MissingFieldError
from cad.packaging.skeleton import NOTE
from cad.wire.manifest import MANIFEST_NAME, read_manifest
from cad.wire.model import read_json


def build_archive(folder: Path, target: Path) -> str:
    """Pack `folder`, a `manifest.json` and the files it speaks of, into `target`, a tar.gz.

    `files` of the manifest is filled with the size and SHA-256 of each other file of the folder;
    hidden files and notes stay behind. The manifest comes first, and the same folder gives the same
    bytes. Blocks.

    Returns:
        The archive's MD5 in hex, as I.2 carries it.

    Raises:
        RefusedError: the manifest is absent or not as it has to be; names the member at fault.
    """
    contents = _contents(folder, target)
    text = _manifest(folder, contents)
    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        archive.addfile(_member(MANIFEST_NAME, len(text)), io.BytesIO(text))
        for path in contents:
            with path.open("rb") as file:
                archive.addfile(_member(_name(folder, path), path.stat().st_size), file)
    return _digest(target, "md5")


def _contents(folder: Path, target: Path) -> Sequence[Path]:
    left_out = {folder / MANIFEST_NAME, target}
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path not in left_out
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _manifest(folder: Path, contents: Sequence[Path]) -> bytes:
    """Return the text of the manifest with all files listed."""
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise MissingFieldError(MANIFEST_NAME, f"a manifest in {folder}")
    manifest = _without_notes(read_json(path.read_bytes()))
    if not isinstance(manifest, dict):
        raise BadValueError("expected an object", field=MANIFEST_NAME)
    manifest["files"] = [_listed(folder, path) for path in contents]
    text = json.dumps(manifest, ensure_ascii=False, indent=2).encode()
    _check(text, {_name(folder, path) for path in contents})
    return text


def _check(text: bytes, names: set[str]) -> None:
    """Raise RefusedError unless the manifest can be read and names only what is there."""
    for index, algorithm in enumerate(read_manifest(text).algorithms):
        named = {"bin.local_uri": algorithm.model_path, "model.sample": algorithm.model.sample}
        for member, path in named.items():
            if path and path not in names:
                field = f"algoPackages[{index}].{member}"
                raise BadValueError("expected a file of the folder", field=field, given=path)


def _without_notes(value: object) -> object:
    if isinstance(value, dict):
        return {
            name: _without_notes(member)
            for name, member in value.items()
            if not name.startswith(NOTE)
        }
    return [_without_notes(item) for item in value] if isinstance(value, list) else value


def _listed(folder: Path, path: Path) -> dict[str, object]:
    return {
        "path": _name(folder, path),
        "size": path.stat().st_size,
        "sha256": _digest(path, "sha256"),
    }


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
