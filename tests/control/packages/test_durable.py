"""Files, folders and the room they need."""

import errno
from pathlib import Path

import pytest

from cad.base.errors import InsufficientError
from cad.control.packages.durable import (
    DiskFailedError,
    disk_errors,
    make_empty,
    publish,
    remove,
)


def test_publishing_replaces_what_was_there(tmp_path: Path) -> None:
    draft, final = tmp_path / "draft", tmp_path / "deep" / "final"
    for content in ("one", "two"):
        make_empty(draft)
        (draft / "file").write_text(content)
        publish(draft, final)
    assert (final / "file").read_text() == "two"
    assert not draft.exists()


def test_making_empty_drops_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "old").touch()
    make_empty(tmp_path / "x")
    assert list((tmp_path / "x").iterdir()) == []


def test_removing_takes_files_folders_and_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    for name in ("link", "folder", "absent"):
        remove(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, InsufficientError),
        (errno.EDQUOT, InsufficientError),
        (errno.EIO, DiskFailedError),
        (errno.EROFS, DiskFailedError),
    ],
)
def test_a_refusal_of_the_disk_becomes_our_error(number: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=r"^writing x: "), disk_errors("writing x"):
        raise OSError(number, "refused")
