"""The builder of archives."""

import hashlib
import json
import os
import tarfile
from pathlib import Path

import pytest

from cad.sim.packages import build_archive


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    (folder / "deep").mkdir(parents=True)
    (folder / "manifest.json").write_text('{"name": "人", "files": []}', encoding="utf-8")
    (folder / "a.onnx").write_bytes(b"model")
    (folder / "deep" / "sample.jpg").write_bytes(b"picture")
    return folder


def test_the_manifest_comes_first_and_lists_every_file(folder: Path, tmp_path: Path) -> None:
    build_archive(folder, tmp_path / "out.tar.gz")
    with tarfile.open(tmp_path / "out.tar.gz") as archive:
        assert archive.getnames() == ["manifest.json", "a.onnx", "deep/sample.jpg"]
        file = archive.extractfile("manifest.json")
        assert file is not None
        manifest = json.load(file)
    assert manifest["name"] == "人"
    assert manifest["files"][0] == {
        "path": "a.onnx",
        "size": 5,
        "sha256": hashlib.sha256(b"model").hexdigest(),
    }


def test_the_same_folder_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    first = build_archive(folder, tmp_path / "1.tar.gz")
    os.utime(folder / "a.onnx", (0, 0))
    assert build_archive(folder, tmp_path / "2.tar.gz") == first
    assert hashlib.md5((tmp_path / "1.tar.gz").read_bytes()).hexdigest() == first  # noqa: S324 - the digest that I.2 carries
