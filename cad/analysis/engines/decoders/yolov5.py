"""YOLOv5 (and v7) as their exporters write it: boxes in pixels, three anchors per cell.

Expected: one output (N, 3 × M, 5 + C), M cells of the strides 8, 16, 32; centre x, centre y,
width, height in pixels of the input, objectness and class scores with the sigmoid applied.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cad.analysis.engines.decoders.grid import expected_counts, matching_strides
from cad.analysis.engines.decoders.objectness import CLASSES, ObjectnessHead
from cad.analysis.engines.decoders.yolo import corners, only_output, write_corners, write_slice
from cad.domain.decoders import Decoder, Floats, GraphWriter, OutputMismatchError, TensorInfo
from cad.domain.models import ModelSpec

ANCHORS = 3


class Pixels:
    """Boxes as centre and size in pixels."""

    def corners(self, raw: Floats, cells: NDArray[np.intp]) -> Floats:
        """Return (n, 4) x1, y1, x2, y2 in pixels."""
        return corners(raw)

    def write(self, graph: GraphWriter, raw: str) -> str:
        """Add the same as nodes."""
        return write_corners(graph, write_slice(graph, raw, 0, 2), write_slice(graph, raw, 2, 4))


def yolov5(spec: ModelSpec, outputs: Sequence[TensorInfo]) -> Decoder:
    """Return the decoder of a YOLOv5 model, or raise `OutputMismatchError`."""
    width, height = spec.input.width, spec.input.height
    output = only_output(outputs)
    if output is not None and output.shape[2] == CLASSES + len(spec.labels):
        cells, rest = divmod(output.shape[1], ANCHORS)
        if rest == 0 and matching_strides(width, height, cells):
            return ObjectnessHead(spec, output.name, Pixels())
    expected = (
        f"one output (N, {expected_counts(width, height, ANCHORS)}, {CLASSES + len(spec.labels)}) "
        f"for {len(spec.labels)} labels and an input of {width} × {height}"
    )
    raise OutputMismatchError("yolov5", expected, outputs)
