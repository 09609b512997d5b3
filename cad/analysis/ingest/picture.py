"""Decoded pictures: scaled into a model's input, or compressed for an event."""

import io
import threading
from collections import OrderedDict

import numpy as np
from av import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray
from PIL import Image

from cad.domain.frames import Color, PlaneLayout, Planes

JPEG_QUALITY = 85
SCALING = Interpolation.BILINEAR | Interpolation.ACCURATE_RND
"""A triangle filter over all covered source pixels, rounded as arithmetic demands."""

UNSCALED = Interpolation.BILINEAR
"""For a JPEG: without exact rounding libswscale has code for it that is several times as fast."""

UNSPECIFIED = 2
"""Of colour matrix, transfer and primaries (ITU-T H.273)."""
MATRICES = frozenset({1, 4, 5, 6, 7, 9})
"""Colour matrices that libswscale converts: BT.709, FCC, BT.601 (two), SMPTE 240M, BT.2020."""

_GBRP_ORDER = {Color.RGB: (2, 0, 1), Color.BGR: (1, 0, 2)}
"""For each colour order, where in `gbrp` its planes are."""


class AvPicture:
    """A picture decoded by libav, still in the decoder's own pixel format.

    Untagged video is taken as BT.601 of limited range, as libswscale and OpenCV do.
    """

    def __init__(self, frame: VideoFrame) -> None:
        # libswscale refuses reserved values here, which cameras do send. It also happens that
        # PyAV changes them while it converts; with neutral values several threads may.
        frame.color_trc = frame.color_primaries = UNSPECIFIED
        if frame.colorspace not in MATRICES:
            frame.colorspace = UNSPECIFIED
        self._frame = frame
        self._rgb: VideoFrame | None = None
        """The whole picture in RGB once somebody has asked for a JPEG: crops follow."""
        self.width = frame.width
        self.height = frame.height

    def planes(self, layout: PlaneLayout) -> Planes:
        """Return the picture scaled and placed as `layout` says; the caller owns the array."""
        x, y, width, height = layout.placement(self.width, self.height)
        scaled = _convert(self._frame, width, height, "gbrp").planes
        planes = np.empty((3, layout.height, layout.width), np.uint8)
        _pad_around(planes, (x, y, width, height), layout.pad_value)
        for target, source in zip(planes, _GBRP_ORDER[layout.color], strict=True):
            target[y : y + height, x : x + width] = _pixels(scaled[source], width)
        return planes

    def jpeg(self, crop: tuple[int, int, int, int] | None = None) -> bytes:
        """Return a JPEG of the picture or of `crop` (x1, y1, x2, y2 in pixels, clipped).

        A crop that lies outside gives the pixel nearest to it.
        """
        left, top, right, bottom = _clip(crop, self.width, self.height)
        rgb = self._rgb = self._rgb or _convert(
            self._frame, self.width, self.height, "rgb24", UNSCALED
        )
        pixels = _pixels(rgb.planes[0], 3 * self.width)[top:bottom, 3 * left : 3 * right]
        image = np.ascontiguousarray(pixels).reshape(bottom - top, right - left, 3)
        target = io.BytesIO()
        Image.fromarray(image).save(target, "JPEG", quality=JPEG_QUALITY)
        return target.getvalue()


class _Reformatters(threading.local):
    """The conversions that one thread has made lately; setting one up costs more than using it."""

    LIMIT = 16

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[object, ...], VideoReformatter] = OrderedDict()

    def get(self, *key: object) -> VideoReformatter:
        """Return the reformatter for `key`; the one unused for longest makes room."""
        reformatter = self._known.pop(key, None) or VideoReformatter()
        self._known[key] = reformatter
        if len(self._known) > self.LIMIT:
            self._known.popitem(last=False)
        return reformatter


_reformatters = _Reformatters()


def _convert(
    frame: VideoFrame, width: int, height: int, pixel_format: str, scaling: Interpolation = SCALING
) -> VideoFrame:
    key = (frame.width, frame.height, frame.format.name, width, height, pixel_format)
    return _reformatters.get(*key).reformat(
        frame, width, height, pixel_format, interpolation=scaling, threads=1
    )


def _pixels(plane: VideoPlane, row_bytes: int) -> NDArray[np.uint8]:
    """Return a view, (H, `row_bytes`) uint8, of the plane without its alignment."""
    flat = np.frombuffer(memoryview(plane), np.uint8)
    return flat.reshape(plane.height, plane.line_size)[:, :row_bytes]


def _pad_around(planes: Planes, place: tuple[int, int, int, int], value: int) -> None:
    x, y, width, height = place
    planes[:, :y] = value
    planes[:, y + height :] = value
    planes[:, y : y + height, :x] = value
    planes[:, y : y + height, x + width :] = value


def _clip(
    crop: tuple[int, int, int, int] | None, width: int, height: int
) -> tuple[int, int, int, int]:
    """Return `crop` inside the picture, at least one pixel large."""
    x1, y1, x2, y2 = crop or (0, 0, width, height)
    left, top = min(max(x1, 0), width - 1), min(max(y1, 0), height - 1)
    return left, top, min(max(x2, left + 1), width), min(max(y2, top + 1), height)
