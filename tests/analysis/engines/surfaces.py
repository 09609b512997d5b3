"""Pixels of decoded frames as arrays."""

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

Plane = NDArray[np.float64]


def nv12(frame: VideoFrame) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return luma (1, H, W) and chroma (1, H/2, W/2, 2) as a hardware decoder leaves them."""
    surface = frame.reformat(format="nv12")
    luma, chroma = (_rows(surface, index)[:, : frame.width] for index in range(2))
    return luma[None], chroma.reshape(1, frame.height // 2, frame.width // 2, 2)


def yuv_planes(frame: VideoFrame) -> list[Plane]:
    """Return Y (H, W), U and V (H/2, W/2) of a yuv420p frame."""
    widths = (frame.width, frame.width // 2, frame.width // 2)
    return [_rows(frame, index)[:, :width].astype(float) for index, width in enumerate(widths)]


def _rows(frame: VideoFrame, index: int) -> NDArray[np.uint8]:
    plane = frame.planes[index]
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
