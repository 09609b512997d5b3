"""The builder of archives."""

import hashlib
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from cad.base.errors import RefusedError
from cad.packaging.archive import build_archive
from cad.packaging.skeleton import write_skeleton


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A package that was begun with a model and got a picture."""
    (tmp_path / "人.onnx").write_bytes(b"model")
    write_skeleton(tmp_path / "人.onnx", tmp_path / "package")
    (tmp_path / "package" / "deep").mkdir()
    (tmp_path / "package" / "deep" / "sample.jpg").write_bytes(b"picture")
    return tmp_path / "package"


def change(folder: Path, **members: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **members}))


def packed_manifest(archive: Path) -> dict[str, Any]:
    with tarfile.open(archive) as found:
        file = found.extractfile("manifest.json")
        assert file is not None
        manifest: dict[str, Any] = json.load(file)
    return manifest


@pytest.mark.row("PKG-02")
def test_the_manifest_comes_first_and_lists_every_file(folder: Path, tmp_path: Path) -> None:
    build_archive(folder, tmp_path / "out.tar.gz")
    with tarfile.open(tmp_path / "out.tar.gz") as archive:
        assert archive.getnames() == ["manifest.json", "deep/sample.jpg", "model.onnx"]
    assert packed_manifest(tmp_path / "out.tar.gz")["files"][1] == {
        "path": "model.onnx",
        "size": 5,
        "sha256": hashlib.sha256(b"model").hexdigest(),
    }


def test_the_same_folder_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    first = build_archive(folder, tmp_path / "1.tar.gz")
    os.utime(folder / "model.onnx", (0, 0))
    assert build_archive(folder, tmp_path / "2.tar.gz") == first
    assert hashlib.md5((tmp_path / "1.tar.gz").read_bytes()).hexdigest() == first  # noqa: S324 - the digest that I.2 carries


def test_notes_hidden_files_and_the_archive_itself_stay_behind(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("x")
    for _ in range(2):
        build_archive(folder, folder / "out.tar.gz")
    manifest = packed_manifest(folder / "out.tar.gz")
    assert [file["path"] for file in manifest["files"]] == ["deep/sample.jpg", "model.onnx"]
    assert "//" not in json.dumps(manifest)


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({"version": "one"}, "^version: "),
        ({"id": None}, "^id: missing"),
        ({"algoPackages": []}, "^algoPackages: "),
        ({"bin": {"type": "onnx", "local_uri": "../x"}}, r"^bin\.local_uri: "),
    ],
)
def test_what_the_device_would_refuse_is_not_built(
    folder: Path, tmp_path: Path, members: dict[str, object], complaint: str
) -> None:
    change(folder, **members)
    with pytest.raises(RefusedError, match=complaint):
        build_archive(folder, tmp_path / "out.tar.gz")
    assert not (tmp_path / "out.tar.gz").exists()


def test_a_file_that_is_not_there_is_named(folder: Path, tmp_path: Path) -> None:
    (folder / "model.onnx").unlink()
    with pytest.raises(RefusedError, match=r"bin\.local_uri: expected a file .*model\.onnx"):
        build_archive(folder, tmp_path / "out.tar.gz")


@pytest.mark.parametrize("text", ["", "[]", "{", '"x"'])
def test_a_manifest_that_is_none_is_refused(folder: Path, tmp_path: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(RefusedError):
        build_archive(folder, tmp_path / "out.tar.gz")


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"^manifest\.json: missing"):
        build_archive(tmp_path, tmp_path / "out.tar.gz")
