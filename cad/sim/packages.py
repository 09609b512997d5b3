"""Makes the archive of a file package out of a folder (AM-91)."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

MANIFEST_NAME = "manifest.json"


def build_archive(folder: Path, target: Path) -> str:
    """Pack `folder`, a `manifest.json` and the files it speaks of, into `target`, a tar.gz.

    `files` of the manifest is filled with the size and SHA-256 of each other file of the folder.
    The manifest comes first, and the same folder gives the same bytes.

    Returns:
        The archive's MD5 in hex, as I.2 carries it.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    contents = [path for path in files if path != folder / MANIFEST_NAME]
    manifest = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    manifest["files"] = [_listed(folder, path) for path in contents]
    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        text = json.dumps(manifest, ensure_ascii=False, indent=2).encode()
        archive.addfile(_member(MANIFEST_NAME, len(text)), io.BytesIO(text))
        for path in contents:
            with path.open("rb") as file:
                archive.addfile(_member(_name(folder, path), path.stat().st_size), file)
    return _digest(target, "md5")


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
