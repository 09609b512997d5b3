"""Unpacking archives from anybody."""

import contextlib
import gzip
import io
import os
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.base.errors import CadError, InsufficientError, TooLargeError
from cad.control.packages import unpack
from cad.control.packages.unpack import ArchiveError, member_path
from tests.control.packages.archives import package_archive, special, tar, tar_of, zip_of

LIMIT = 4 * 1024 * 1024


@pytest.fixture
def target(tmp_path: Path) -> Path:
    target = tmp_path / "target"
    target.mkdir()
    return target


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_package_is_unpacked_whole(tmp_path: Path, target: Path) -> None:
    unpack.unpack(package_archive(tmp_path), target, LIMIT)
    assert names(target) == {"manifest.json", "model.onnx", "sample.jpg"}
    assert (target / "sample.jpg").read_bytes() == b"picture"


def test_plain_tar_and_zip_are_understood_too(tmp_path: Path, target: Path) -> None:
    members = [(tarfile.TarInfo("./a/b"), b"1")]
    unpack.unpack(tar(tmp_path / "x.tar", members, "w"), target, LIMIT)
    unpack.unpack(zip_of(tmp_path / "x.zip", [("c/", b""), ("c/d", b"2")]), target, LIMIT)
    assert names(target) == {"a/b", "c/d"}


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "a/../../x", "a\\..\\x", "x\ny", "..", "d" * 256, "é/" * 600 + "x"]
)
@pytest.mark.row("PKG-05")
def test_a_name_that_leads_out_or_misleads_is_refused(
    tmp_path: Path, target: Path, name: str
) -> None:
    for archive in (
        tar_of(tmp_path / "x.tar.gz", name),
        zip_of(tmp_path / "x.zip", [(name, b"x")]),
    ):
        with pytest.raises(ArchiveError, match="inside the package"):
            unpack.unpack(archive, target, LIMIT)
    assert names(tmp_path) == {"x.tar.gz", "x.zip"}


KINDS = {
    "symlink": tarfile.SYMTYPE,
    "hard link": tarfile.LNKTYPE,
    "character device": tarfile.CHRTYPE,
    "block device": tarfile.BLKTYPE,
    "pipe": tarfile.FIFOTYPE,
    "sparse": tarfile.GNUTYPE_SPARSE,
}


@pytest.mark.parametrize("kind", KINDS)
def test_links_and_nodes_are_refused(tmp_path: Path, target: Path, kind: str) -> None:
    archive = tar(tmp_path / "x.tar.gz", [special("model.onnx", KINDS[kind], "/etc/passwd")])
    with pytest.raises(ArchiveError, match=r"files and folders only.*model.onnx"):
        unpack.unpack(archive, target, LIMIT)
    assert names(target) == set()


def test_a_symlink_in_a_zip_is_refused(tmp_path: Path, target: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with pytest.raises(ArchiveError, match="link"):
        unpack.unpack(zip_of(tmp_path / "x.zip", [(link, b"/etc/passwd")]), target, LIMIT)


@pytest.mark.parametrize("twice", [("a", "a"), ("a", "./a"), ("a", "a/b"), ("a/b", "a")])
def test_a_name_that_comes_twice_is_refused(
    tmp_path: Path, target: Path, twice: tuple[str, str]
) -> None:
    with pytest.raises(ArchiveError):
        unpack.unpack(tar_of(tmp_path / "x.tar.gz", *twice), target, LIMIT)


def ten_gigabytes_of_nothing(path: Path) -> Path:
    """Write the start of a tar.gz of a 10 GB file of zeros, some MB of which are there."""
    info = tarfile.TarInfo("zeros")
    info.size = 10 * 1024**3
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(info.tobuf())
        for _ in range(16):
            file.write(bytes(1024 * 1024))
    return path


@pytest.mark.row("PKG-05")
def test_ten_gigabytes_of_zeros_are_stopped_before_anything_is_written(
    tmp_path: Path, target: Path
) -> None:
    archive = ten_gigabytes_of_nothing(tmp_path / "x.tar.gz")
    with pytest.raises(TooLargeError, match=f"at most {LIMIT} bytes.*zeros"):
        unpack.unpack(archive, target, LIMIT)
    assert sum(path.stat().st_size for path in target.rglob("*")) == 0


def test_a_zip_that_lies_about_its_sizes_stays_within_the_bound(
    tmp_path: Path, target: Path
) -> None:
    archive = zip_of(tmp_path / "x.zip", [(f"z{i}", bytes(LIMIT // 4)) for i in range(8)])
    with pytest.raises(TooLargeError):
        unpack.unpack(archive, target, LIMIT)
    assert sum(path.stat().st_size for path in target.rglob("*")) <= LIMIT


def test_too_many_files_are_refused(tmp_path: Path, target: Path) -> None:
    archive = zip_of(tmp_path / "x.zip", [(f"f{i}/", b"") for i in range(unpack.COUNT_LIMIT + 1)])
    with pytest.raises(TooLargeError, match="10000 files"):
        unpack.unpack(archive, target, LIMIT)


def test_a_header_that_claims_gigabytes_does_not_fill_the_memory(
    tmp_path: Path, target: Path
) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 3 * 1024**3
    (tmp_path / "x.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(ArchiveError, match="header claims"):
        unpack.unpack(tmp_path / "x.tar", target, LIMIT)


def test_a_disk_without_room_is_named_with_the_numbers(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: FullDisk())
    with pytest.raises(InsufficientError, match=r"needs 1 MB; 64 MB are free"):
        unpack.unpack(tar_of(tmp_path / "x.tar.gz", "a"), target, LIMIT)


class FullDisk:
    free = 64 * 1024 * 1024


@pytest.mark.parametrize("kept", [0, 5, 20, 100, -9, -200])
def test_a_truncated_archive_is_refused(tmp_path: Path, target: Path, kept: int) -> None:
    archive = package_archive(tmp_path, model=os.urandom(5000))
    archive.write_bytes(archive.read_bytes()[:kept])
    with pytest.raises(ArchiveError, match="intact"):
        unpack.unpack(archive, target, LIMIT)


def test_an_encrypted_zip_is_refused(tmp_path: Path, target: Path) -> None:
    archive = zip_of(tmp_path / "x.zip", [("a", b"1")])
    content = bytearray(archive.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    with pytest.raises(ArchiveError, match="plain archive"):
        unpack.unpack(archive, target, LIMIT)


@given(st.text(alphabet=st.sampled_from("./\\ab \0\n中\ud800"), max_size=20) | st.text())
def test_a_member_path_never_leaves_the_target(name: str) -> None:
    try:
        path = member_path(name)
    except ArchiveError:
        return
    assert not path.is_absolute()
    assert ".." not in path.parts
    assert os.path.normpath(Path("/t") / path).startswith("/t")


SMALL_TAR = io.BytesIO()
with tarfile.open(fileobj=SMALL_TAR, mode="w") as _archive:
    for _name in ("manifest.json", "a/model.onnx"):
        _archive.addfile(tarfile.TarInfo(_name))


@given(st.integers(0, 1100), st.binary(min_size=1, max_size=40), st.booleans())
def test_damage_anywhere_gives_an_error_of_ours_or_files_inside(
    offset: int, damage: bytes, packed: bool
) -> None:
    content = bytearray(SMALL_TAR.getvalue())
    content[offset : offset + len(damage)] = damage
    with tempfile.TemporaryDirectory() as folder:
        archive, target = Path(folder, "x"), Path(folder, "target")
        archive.write_bytes(gzip.compress(content) if packed else content)
        target.mkdir()
        with contextlib.suppress(CadError):
            unpack.unpack(archive, target, LIMIT)
        assert {path.name for path in Path(folder).iterdir()} == {"x", "target"}
