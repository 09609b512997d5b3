"""The shipped detector as a textbook runs it: the plain model, float pre-processing, loops.

Nothing here is shared with the product, except that libswscale scales: its triangle filter with
chroma at full resolution, to packed BGR where the product takes planes.
"""

from pathlib import Path

import numpy as np
import onnxruntime
from av import VideoFrame
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from benchmarks.detection_scores import intersection_over_union

SIZE = 416
MEAN = np.array([103.53, 116.28, 123.675], dtype=np.float32)
STD = np.array([57.375, 57.12, 58.395], dtype=np.float32)
NMS_IOU = 0.45
SCALING = (
    Interpolation.BILINEAR
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
)


class TextbookNanoDet:
    """NanoDet-g 416 for persons, pictures one by one."""

    def __init__(self, model: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )

    def detect(self, frame: VideoFrame, threshold: float) -> NDArray[np.float64]:
        """Return (n, 5) x1, y1, x2, y2 in pixels of the frame and score, descending."""
        scale = min(SIZE / frame.width, SIZE / frame.height)
        width, height = round(frame.width * scale), round(frame.height * scale)
        bgr = frame.reformat(width, height, "bgr24", interpolation=SCALING).to_ndarray()
        size = (frame.width, frame.height)
        return self.detect_scaled(bgr.astype(np.uint8, copy=False), size, threshold)

    def detect_scaled(
        self, scaled: NDArray[np.uint8], size: tuple[int, int], threshold: float
    ) -> NDArray[np.float64]:
        """Do the same for a picture of `size` that was scaled to (H, W, 3) uint8 BGR."""
        canvas = np.zeros((SIZE, SIZE, 3), dtype=np.float32)
        canvas[: scaled.shape[0], : scaled.shape[1]] = scaled
        image = ((canvas - MEAN) / STD).transpose(2, 0, 1)[None]
        scores, distances = self._session.run(None, {"images": image})
        boxes = _decode(distances[0]) * (size[0] / scaled.shape[1])
        boxes = boxes.clip(0, (*size, *size))
        return _suppress(boxes, scores[0, :, 0], threshold)


def _decode(distances: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return (3549, 4) x1, y1, x2, y2 for (3549, 44) distributions."""
    boxes = []
    cell = 0
    for stride in (8, 16, 32):
        for row in range(SIZE // stride):
            for column in range(SIZE // stride):
                bins = np.exp(distances[cell].reshape(4, 11).astype(np.float64))
                left, top, right, bottom = bins @ np.arange(11) / bins.sum(axis=1) * stride
                x, y = (column + 0.5) * stride, (row + 0.5) * stride
                boxes.append((x - left, y - top, x + right, y + bottom))
                cell += 1
    return np.array(boxes)


def _suppress(
    boxes: NDArray[np.float64], scores: NDArray[np.float32], threshold: float
) -> NDArray[np.float64]:
    kept: list[int] = []
    for index in np.argsort(-scores, kind="stable"):
        if scores[index] < threshold:
            break
        overlaps = (intersection_over_union(boxes[index], boxes[other]) for other in kept)
        if all(overlap <= NMS_IOU for overlap in overlaps):
            kept.append(int(index))
    rows: NDArray[np.float64] = np.column_stack((boxes[kept], scores[kept]))
    return rows
