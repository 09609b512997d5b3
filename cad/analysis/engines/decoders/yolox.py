"""YOLOX as its exporter writes it by default: boxes still relative to their cells.

Expected: one output (N, M, 5 + C), M cells of the strides 8, 16, 32. Centre = (raw + cell) ×
stride, size = exp(raw) × stride; objectness and class scores with the sigmoid applied. Labels C.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cad.analysis.engines.decoders.grid import Grid, expected_counts, make_grid, matching_strides
from cad.analysis.engines.decoders.objectness import CLASSES, ObjectnessHead
from cad.analysis.engines.decoders.yolo import corners, only_output, write_corners, write_slice
from cad.domain.decoders import Decoder, Floats, GraphWriter, OutputMismatchError, TensorInfo
from cad.domain.models import ModelSpec


class CellRelative:
    """Boxes as an offset from the cell's corner and the logarithm of their size, in strides."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid

    def corners(self, raw: Floats, cells: NDArray[np.intp]) -> Floats:
        """Return (n, 4) x1, y1, x2, y2 in pixels."""
        strides = self._grid.strides[cells]
        middle = (raw[:, :2] + self._grid.corners[cells]) * strides
        return corners(np.concatenate((middle, np.exp(raw[:, 2:]) * strides), axis=1))

    def write(self, graph: GraphWriter, raw: str) -> str:
        """Add the same as nodes."""
        strides = graph.constant(self._grid.strides)
        placed = graph.node(
            "Add", write_slice(graph, raw, 0, 2), graph.constant(self._grid.corners)
        )
        grown = graph.node("Exp", write_slice(graph, raw, 2, 4))
        return write_corners(
            graph, graph.node("Mul", placed, strides), graph.node("Mul", grown, strides)
        )


def yolox(spec: ModelSpec, outputs: Sequence[TensorInfo]) -> Decoder:
    """Return the decoder of a YOLOX model, or raise `OutputMismatchError`."""
    width, height = spec.input.width, spec.input.height
    output = only_output(outputs)
    if output is not None and output.shape[2] == CLASSES + len(spec.labels):
        strides = matching_strides(width, height, output.shape[1])
        if strides is not None:
            return ObjectnessHead(
                spec, output.name, CellRelative(make_grid(width, height, strides))
            )
    expected = (
        f"one output (N, {expected_counts(width, height)}, {CLASSES + len(spec.labels)}) "
        f"for {len(spec.labels)} labels and an input of {width} × {height}"
    )
    raise OutputMismatchError("yolox", expected, outputs)
