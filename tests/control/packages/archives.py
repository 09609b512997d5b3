"""Archives, good and hostile, for the tests of packages."""

import io
import json
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cad.packaging.archive import build_archive

CODE = "OPEN-PERSON_DETECT-1.0.0"


def manifest(code: str = CODE, version: str = "1.0.0") -> dict[str, Any]:
    return {
        "id": "7a90a32d-8ae8-4ffa-b000-07ef71058bab",
        "name": "person-detect",
        "version": version,
        "author": "open",
        "description": "persons",
        "algoPackages": [
            {
                "algoPackageCode": code,
                "algoPackageName": "person detection",
                "algoPackageVersion": version,
                "algoPackageType": "BIN",
                "bin": {"type": "onnx", "local_uri": "model.onnx"},
                "model": {
                    "task": "detect",
                    "decoder": "nanodet",
                    "labels": ["person", "car"],
                    "input": {"width": 416, "height": 416},
                    "sample": "sample.jpg",
                },
            }
        ],
    }


def package_folder(
    folder: Path,
    code: str = CODE,
    model: bytes = b"\x08\x07model",
    version: str = "1.0.0",
) -> Path:
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(manifest(code, version)))
    (folder / "model.onnx").write_bytes(model)
    (folder / "sample.jpg").write_bytes(b"picture")
    return folder


def package_archive(
    folder: Path,
    name: str = "package",
    code: str = CODE,
    model: bytes = b"\x08\x07model",
    version: str = "1.0.0",
) -> Path:
    target = folder / f"{name}.tar.gz"
    build_archive(package_folder(folder / name, code, model, version), target)
    return target


def tar(target: Path, members: Sequence[tuple[tarfile.TarInfo, bytes]], mode: str = "w:gz") -> Path:
    with tarfile.open(target, mode) as archive:  # type: ignore[call-overload]
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target


def tar_of(target: Path, *names: str) -> Path:
    return tar(target, [(tarfile.TarInfo(name), b"x") for name in names])


def special(name: str, kind: bytes, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info, b""


def zip_of(target: Path, entries: Sequence[tuple[zipfile.ZipInfo | str, bytes]]) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in entries:
            archive.writestr(entry, content)
    return target
