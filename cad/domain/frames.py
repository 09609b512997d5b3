"""Pictures on their way from a stream to a model, and the ports between those who handle them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.uint8]
"""(3, H, W) uint8: a picture as the raw input of a compiled model."""

Boxes = NDArray[np.float32]
"""(n, 6) float32: x1, y1, x2, y2 in pixels of the source picture, score 0..1, class index;
descending score."""


class Resize(StrEnum):
    """How a picture is brought to the model's size."""

    LETTERBOX = "letterbox"
    STRETCH = "stretch"


class Align(StrEnum):
    """Where a letterboxed picture lies in the model's input."""

    TOP_LEFT = "top-left"
    CENTER = "center"


class Color(StrEnum):
    """Order of the three planes."""

    RGB = "rgb"
    BGR = "bgr"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneLayout:
    """How a picture is laid out as the raw input of a compiled model."""

    width: int
    height: int
    resize: Resize
    align: Align
    color: Color
    pad_value: int

    def placement(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return x, y, width, height of a `width` × `height` picture inside the input."""
        if self.resize is Resize.STRETCH:
            return 0, 0, self.width, self.height
        scale = min(self.width / width, self.height / height)
        inner_w = min(self.width, max(1, round(width * scale)))
        inner_h = min(self.height, max(1, round(height * scale)))
        if self.align is Align.TOP_LEFT:
            return 0, 0, inner_w, inner_h
        return (self.width - inner_w) // 2, (self.height - inner_h) // 2, inner_w, inner_h


class Picture(Protocol):
    """A decoded picture. Any thread may call it; the calls do not change it."""

    @property
    def width(self) -> int:
        """Width in pixels."""

    @property
    def height(self) -> int:
        """Height in pixels."""

    def planes(self, layout: PlaneLayout) -> Planes:
        """Return the picture scaled and placed as `layout` says; the caller owns the array."""

    def jpeg(self, crop: tuple[int, int, int, int] | None = None) -> bytes:
        """Return a JPEG of the picture or of `crop` (x1, y1, x2, y2 in pixels, clipped)."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture with its place in time."""

    picture: Picture
    pts: float
    """Seconds on the stream's own time line; for a file its position."""
    received_at: datetime
    """UTC wall clock when the picture's last byte had arrived."""
    received: float
    """The same moment on the monotonic clock."""


class FrameSink(Protocol):
    """Takes the pictures of one stream. All calls come from the stream's own thread."""

    @property
    def target_rate(self) -> float:
        """Highest analysis rate wanted, frames per second; 0 = every frame.

        The reader may leave pictures undecoded as long as this rate is kept.
        """

    def wants(self, pts: float) -> bool:
        """Whether the picture at `pts` is due for analysis. Asked once for each decoded picture."""

    def offer(self, frame: Frame) -> None:
        """Take a picture that was wanted.

        Live: returns at once, a waiting older picture is replaced and counted as dropped.
        Recordings: blocks until the picture has a place (back-pressure).
        """
