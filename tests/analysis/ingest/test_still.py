"""Still images, welcome and not."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cad.analysis.ingest import still
from cad.analysis.ingest.still import open_picture
from cad.base.errors import BadValueError


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "webp", "gif", "tiff"])
def test_common_formats_open(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"picture.{suffix}"
    Image.new("RGB", (40, 30), (200, 10, 10)).save(path)
    taken = open_picture(path)
    assert (taken.width, taken.height) == (40, 30)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "I;16"])
def test_every_colour_mode_opens(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "picture.tiff"
    Image.new(mode, (40, 30)).save(path)
    assert open_picture(path).width == 40


def test_a_picture_taken_sideways_stands_up(tmp_path: Path) -> None:
    path, exif = tmp_path / "phone.jpg", Image.Exif()
    exif[0x0112] = 6  # orientation: turn by 90 degrees
    Image.new("RGB", (40, 30)).save(path, exif=exif)
    assert open_picture(path).height == 40


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n" * 3])
def test_what_is_no_image_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sample.jpg"
    path.write_bytes(content)
    with pytest.raises(BadValueError, match=r"sample\.jpg"):
        open_picture(path)


def test_a_truncated_image_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sample.jpg"
    noise = np.random.default_rng(1).integers(0, 255, (100, 100, 3), np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(BadValueError, match="truncated"):
        open_picture(path)


def test_an_absent_file_and_a_directory_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.jpg", tmp_path):
        with pytest.raises(BadValueError, match="cannot be read"):
            open_picture(path)


def test_a_few_bytes_that_announce_gigabytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (9000, 9000)).save(path)
    with pytest.raises(BadValueError, match="9000 x 9000"):
        open_picture(path)


def test_a_file_that_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.png"
    Image.new("RGB", (40, 30)).save(path)
    monkeypatch.setattr(still, "MAX_BYTES", 10)
    with pytest.raises(BadValueError, match="at most 10 bytes"):
        open_picture(path)
