"""Pictures as model input and as JPEG."""

import io
import threading
from fractions import Fraction

import numpy as np
import pytest
from av import VideoFrame
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from cad.analysis.ingest.picture import AvPicture
from cad.domain.frames import Align, Color, PlaneLayout, Resize

PAD = 114


def layout(
    width: int = 416,
    height: int = 416,
    *,
    resize: Resize = Resize.LETTERBOX,
    align: Align = Align.TOP_LEFT,
    color: Color = Color.RGB,
) -> PlaneLayout:
    return PlaneLayout(
        width=width, height=height, resize=resize, align=align, color=color, pad_value=PAD
    )


def scene(width: int, height: int) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8 RGB: smooth colours with hard edges, as pictures have."""
    y, x = np.mgrid[:height, :width]
    red = 255 * x / width
    green = 255 * y / height
    blue = np.where((x // 37 + y // 23) % 2, 200, 40)
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)


def triangle(length: int, wanted: int) -> NDArray[np.float64]:
    """Return (wanted, length): the weights of a bilinear filter as wide as one target pixel.

    Beyond its edges the picture goes on as it is there.
    """
    scale, margin = max(length / wanted, 1.0), 2 * length
    centres = (np.arange(wanted) + 0.5) * length / wanted
    positions = np.arange(-margin, length + margin)
    weights = np.clip(1 - np.abs(positions + 0.5 - centres[:, None]) / scale, 0, None)
    inside = np.zeros((wanted, length))
    for position, column in zip(positions.tolist(), weights.T, strict=True):
        inside[:, min(max(position, 0), length - 1)] += column
    return np.asarray(inside / inside.sum(axis=1, keepdims=True))


def resized(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.float64]:
    rows, columns = triangle(image.shape[0], height), triangle(image.shape[1], width)
    planes = image.astype(np.float64).transpose(2, 0, 1)
    return np.asarray(rows @ planes @ columns.T)


def picture(image: NDArray[np.uint8]) -> AvPicture:
    return AvPicture(VideoFrame.from_ndarray(image, format="rgb24"))


@pytest.mark.parametrize("size", [(768, 576), (1920, 1080), (320, 240), (417, 313)])
def test_planes_equal_a_textbook_bilinear_letterbox(size: tuple[int, int]) -> None:
    image, wanted = scene(*size), layout()
    x, y, width, height = wanted.placement(*size)
    planes = picture(image).planes(wanted)
    difference = planes[:, y : y + height, x : x + width] - resized(image, width, height)
    # libswscale leaves out the smallest weights: at a hard edge a shade more than rounding.
    assert np.abs(difference).max() <= 5
    assert np.abs(difference).mean() <= 0.5


def test_bgr_is_rgb_in_the_other_order() -> None:
    taken = picture(scene(640, 480))
    rgb, bgr = taken.planes(layout(color=Color.RGB)), taken.planes(layout(color=Color.BGR))
    assert np.array_equal(rgb, bgr[::-1])


@pytest.mark.parametrize("align", list(Align))
@pytest.mark.parametrize("size", [(768, 576), (576, 768)])
def test_what_the_picture_does_not_cover_has_the_pad_value(
    size: tuple[int, int], align: Align
) -> None:
    wanted = layout(align=align)
    x, y, width, height = wanted.placement(*size)
    planes = picture(np.zeros((size[1], size[0], 3), np.uint8)).planes(wanted)
    assert not planes[:, y : y + height, x : x + width].any()
    planes[:, y : y + height, x : x + width] = PAD
    assert (planes == PAD).all()


def test_stretching_fills_the_whole_input() -> None:
    planes = picture(np.zeros((100, 900, 3), np.uint8)).planes(layout(resize=Resize.STRETCH))
    assert not planes.any()


@given(st.integers(2, 200), st.integers(2, 200), st.integers(2, 200), st.integers(2, 200))
def test_any_size_goes_into_any_input(width: int, height: int, wide: int, high: int) -> None:
    planes = picture(np.full((height, width, 3), 77, np.uint8)).planes(layout(wide, high))
    assert planes.shape == (3, high, wide)
    assert set(np.unique(planes)) <= {77, PAD}


@pytest.mark.parametrize(("matrix", "red"), [(1, 255), (5, 255), (6, 255), (2, 255)])
def test_the_colour_matrix_of_the_stream_is_followed(matrix: int, red: int) -> None:
    coded = coded_red(709 if matrix == 1 else 601)
    coded.colorspace = matrix
    planes = AvPicture(coded).planes(layout(64, 64))
    assert np.abs(planes.astype(int).mean(axis=(1, 2)) - [red, 0, 0]).max() <= 3


@pytest.mark.parametrize("reserved", [0, 3, 8, 14, 200])
def test_reserved_colour_values_are_taken_as_unspecified(reserved: int) -> None:
    coded = coded_red(601)
    coded.colorspace = coded.color_trc = coded.color_primaries = reserved
    planes = AvPicture(coded).planes(layout(64, 64))
    assert planes[0].mean() > 250


def test_full_range_video_keeps_its_black() -> None:
    coded = VideoFrame(64, 64, "yuvj420p")
    for plane, value in zip(coded.planes, (16, 128, 128), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    assert np.abs(AvPicture(coded).planes(layout(64, 64)).astype(int) - 16).max() <= 1


def test_a_jpeg_shows_the_picture() -> None:
    image = scene(320, 240)
    image[..., 2] = image[..., 1]  # JPEG halves the resolution of colour: no hard edges in it
    decoded = np.asarray(Image.open(io.BytesIO(picture(image).jpeg())))
    assert np.abs(decoded.astype(int) - image).mean() < 2


def test_a_crop_shows_what_was_asked_for() -> None:
    image = np.zeros((240, 320, 3), np.uint8)
    image[100:151, 60:121] = (10, 200, 30)
    decoded = Image.open(io.BytesIO(picture(image).jpeg((60, 100, 121, 151))))
    assert decoded.size == (61, 51)
    assert np.abs(np.asarray(decoded).astype(int) - (10, 200, 30)).max() < 8


@given(st.tuples(*[st.integers(-500, 500)] * 4))
def test_any_crop_gives_a_jpeg_inside_the_picture(crop: tuple[int, int, int, int]) -> None:
    decoded = Image.open(io.BytesIO(picture(scene(64, 48)).jpeg(crop)))
    assert 1 <= decoded.width <= 64
    assert 1 <= decoded.height <= 48


def test_threads_may_share_a_picture() -> None:
    taken, results = picture(scene(640, 480)), []
    expected = taken.planes(layout())
    threads = [
        threading.Thread(target=lambda: results.append(taken.planes(layout()))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(planes, expected) for planes in results)
    assert len(results) == 8


def coded_red(matrix: int) -> VideoFrame:
    """Return pure red as limited-range YUV of BT.`matrix`."""
    kr, kb = (Fraction(2126, 10000), Fraction(722, 10000))
    if matrix == 601:
        kr, kb = (Fraction(299, 1000), Fraction(114, 1000))
    luma = 16 + 219 * kr
    values = (luma, 128 + 224 * (-kr) / (2 * (1 - kb)), 128 + 224 * (1 - kr) / (2 * (1 - kr)))
    frame = VideoFrame(64, 64, "yuv420p")
    for plane, value in zip(frame.planes, values, strict=True):
        plane.update(bytes([round(value)]) * plane.buffer_size)
    return frame
