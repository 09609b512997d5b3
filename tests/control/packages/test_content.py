"""What comes out of an archive is what its manifest lists, and no archive fills the disk."""

import gzip
import hashlib
import json
import logging
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from cad.base.errors import BadValueError, MissingFieldError, RefusedError, TooLargeError
from cad.control.packages import content
from cad.control.packages.content import unpack_content
from tests.control.packages.archives import manifest, package_archive, tar, zip_of

LIMIT = 10 * 1024**3
FILES = {"model.onnx": b"\x08\x07model", "sample.jpg": b"picture"}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    target = tmp_path / "target"
    target.mkdir()
    return target


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def listing(**changes: Any) -> bytes:
    """Return a manifest that lists `FILES`."""
    files = [
        {"path": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in FILES.items()
    ]
    return json.dumps({**manifest(), "files": files, **changes}).encode()


def members(*extra: tuple[str, bytes], text: bytes | None = None) -> list[tuple[str, bytes]]:
    return [*FILES.items(), *extra, ("manifest.json", text or listing())]


def packed(path: Path, entries: list[tuple[str, bytes]]) -> Path:
    if path.suffix == ".zip":
        return zip_of(path, list(entries))
    return tar(path, [(tarfile.TarInfo(name), data) for name, data in entries])


FORMS = pytest.mark.parametrize("form", ["x.tar.gz", "x.zip"])


@FORMS
def test_the_manifest_may_stand_anywhere(tmp_path: Path, target: Path, form: str) -> None:
    unpack_content(packed(tmp_path / form, members()), target, LIMIT, strict=True)
    assert names(target) == {"manifest.json", *FILES}


def test_a_built_archive_comes_out_whole(tmp_path: Path, target: Path) -> None:
    unpack_content(package_archive(tmp_path), target, LIMIT, strict=True)
    assert names(target) == {"manifest.json", *FILES}


@FORMS
def test_what_is_not_listed_stays_inside_with_a_word(
    tmp_path: Path, target: Path, form: str, caplog: pytest.LogCaptureFixture
) -> None:
    archive = packed(tmp_path / form, members(("docs/readme.txt", b"x")))
    with caplog.at_level(logging.WARNING):
        unpack_content(archive, target, LIMIT, strict=False)
    assert names(target) == {"manifest.json", *FILES}
    assert "docs/readme.txt" in caplog.text


@FORMS
def test_strict_mode_refuses_what_is_not_listed(tmp_path: Path, target: Path, form: str) -> None:
    archive = packed(tmp_path / form, members(("docs/readme.txt", b"x")))
    with pytest.raises(BadValueError, match=r"files of manifest.json.*docs/readme.txt"):
        unpack_content(archive, target, LIMIT, strict=True)


@FORMS
def test_another_size_than_listed_is_refused_before_it_is_written(
    tmp_path: Path, target: Path, form: str
) -> None:
    entries = [("manifest.json", listing()), ("model.onnx", bytes(1000))]
    with pytest.raises(BadValueError, match=r"expected 1000, the size of model.onnx"):
        unpack_content(packed(tmp_path / form, entries), target, LIMIT, strict=False)
    assert names(target) == {"manifest.json"}


def test_a_manifest_that_uses_what_it_does_not_list_is_refused(
    tmp_path: Path, target: Path
) -> None:
    files = json.loads(listing())["files"][1:]
    archive = packed(tmp_path / "x.tar.gz", members(text=listing(files=files)))
    with pytest.raises(BadValueError, match=r"algoPackages\[0\]\.bin\.local_uri.*files lists"):
        unpack_content(archive, target, LIMIT, strict=False)
    assert names(target) == set()


def test_a_manifest_without_a_list_still_serves_small_packages(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = packed(tmp_path / "x.tar.gz", members(("more", bytes(500)), text=listing(files=[])))
    unpack_content(archive, target, LIMIT, strict=True)
    assert names(target) == {"manifest.json", "more", *FILES}
    monkeypatch.setattr(content, "UNLISTED_LIMIT", 400)
    with pytest.raises(TooLargeError, match="at most 400 bytes"):
        unpack_content(archive, tmp_path, LIMIT, strict=False)


def zeros(path: Path, size: int) -> Path:
    """Write a tar.gz of one file of `size` zeros."""
    info = tarfile.TarInfo("zeros")
    info.size = size
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(info.tobuf())
        for _ in range(size // 2**20):
            file.write(bytes(2**20))
    return path


def test_a_small_archive_of_many_zeros_is_refused_before_anything_is_written(
    tmp_path: Path, target: Path
) -> None:
    archive = zeros(tmp_path / "x.tar.gz", content.SMALL_CONTENT + 2**20)
    with pytest.raises(TooLargeError, match=r"manifest.json within"):
        unpack_content(archive, target, LIMIT, strict=False)
    assert names(target) == set()


def test_a_list_of_more_than_such_an_archive_may_hold_is_refused(
    tmp_path: Path, target: Path
) -> None:
    files = json.loads(listing())["files"]
    files[0]["size"] = content.SMALL_CONTENT
    archive = packed(tmp_path / "x.tar.gz", members(text=listing(files=files)))
    with pytest.raises(TooLargeError, match="files: expected at most"):
        unpack_content(archive, target, LIMIT, strict=False)


@pytest.mark.parametrize(
    ("name", "error"),
    [("manifest.yaml", "no YAML"), ("deep/manifest.json", "deep/manifest"), ("x", "missing")],
)
def test_an_archive_without_a_manifest_says_what_it_has_instead(
    tmp_path: Path, target: Path, name: str, error: str
) -> None:
    archive = packed(tmp_path / "x.tar.gz", [(name, b"{}")])
    with pytest.raises(RefusedError, match=error) as refusal:
        unpack_content(archive, target, LIMIT, strict=False)
    assert isinstance(refusal.value, BadValueError | MissingFieldError)


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_zip_by_another_method_is_refused_by_its_number(
    tmp_path: Path, target: Path, method: int
) -> None:
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w", method) as file:
        file.writestr("manifest.json", listing())
    with pytest.raises(BadValueError, match=f"method {method}"):
        unpack_content(archive, target, LIMIT, strict=False)
