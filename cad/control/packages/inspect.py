"""Checks what came out of an archive against its manifest. Everything blocks."""

import hashlib
from collections.abc import Iterable
from pathlib import Path, PurePath

from cad.base.errors import BadValueError, CadError, MissingFieldError
from cad.base.threads import checkpoint
from cad.control.packages.durable import disk_errors
from cad.domain.packages import AlgorithmManifest, ListedFile, PackageManifest
from cad.wire.manifest import MANIFEST_NAME, SIZE_LIMIT, read_manifest

BLOCK_BYTES = 1024 * 1024

_FOREIGN = {
    b"\x7fELF": "a program for Linux",
    b"MZ": "a program for Windows",
    b"#!": "a script",
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
}
"""What `bin` of other devices holds, by its first bytes."""


def inspect(folder: Path) -> PackageManifest:
    """Return the manifest of the unpacked package in `folder` after checking all that it names.

    Raises:
        RefusedError: names the member of the manifest at fault.
    """
    with disk_errors(f"reading {MANIFEST_NAME}"):
        manifest = read_manifest(_manifest_text(folder))
        for index, file in enumerate(manifest.files):
            _check_file(folder, file, f"files[{index}]")
        for index, algorithm in enumerate(manifest.algorithms):
            _check_model(folder, algorithm, f"algoPackages[{index}]")
    return manifest


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Return the digest of the file in lower case hex."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with disk_errors(f"reading {path.name}"), path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            checkpoint()
            digest.update(block)
    return digest.hexdigest()


def _manifest_text(folder: Path) -> bytes:
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise no_manifest(path.relative_to(folder) for path in folder.rglob("manifest.*"))
    with path.open("rb") as file:
        return file.read(SIZE_LIMIT + 1)


def no_manifest(found: Iterable[PurePath]) -> CadError:
    """Return what is wrong with a package whose files, none of them its manifest, are `found`."""
    expected = f"a file {MANIFEST_NAME} at the root of the archive"
    deeper = None
    for path in found:
        if str(path) in {"manifest.yaml", "manifest.yml"}:
            text = f"expected {expected}; this version reads no YAML"
            return BadValueError(text, field=path.name)
        if path.name == MANIFEST_NAME and deeper is None:
            deeper = path.as_posix()
    if deeper is None:
        return MissingFieldError(MANIFEST_NAME, expected)
    return BadValueError(f"expected {expected}", field=MANIFEST_NAME, given=deeper)


def _check_file(folder: Path, file: ListedFile, field: str) -> None:
    path = folder / file.path
    if not path.is_file():
        raise BadValueError(
            "expected a file of the archive", field=f"{field}.path", given=file.path
        )
    if (size := path.stat().st_size) != file.size_bytes:
        raise BadValueError(
            f"expected {size}, the size of {file.path}",
            field=f"{field}.size",
            given=file.size_bytes,
        )
    if (digest := file_digest(path)) != file.sha256:
        raise BadValueError(
            f"expected {digest}, the digest of {file.path}",
            field=f"{field}.sha256",
            given=file.sha256,
        )


def _check_model(folder: Path, algorithm: AlgorithmManifest, field: str) -> None:
    _check_there(folder, algorithm.model_path, f"{field}.bin.local_uri")
    if algorithm.model.sample:
        _check_there(folder, algorithm.model.sample, f"{field}.model.sample")
    with (folder / algorithm.model_path).open("rb") as file:
        start = file.read(4)
    for magic, kind in _FOREIGN.items():
        if start.startswith(magic):
            raise BadValueError(
                f"expected an ONNX model, not {kind}: this version runs no foreign binaries",
                field=f"{field}.bin.local_uri",
                given=algorithm.model_path,
            )


def _check_there(folder: Path, path: str, field: str) -> None:
    if not (folder / path).is_file():
        raise BadValueError("expected a file of the archive", field=field, given=path)
