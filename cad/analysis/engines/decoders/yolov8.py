"""YOLOv8 and its successors with the same head (v9, v11): boxes in pixels, no objectness.

Expected: one output (N, 4 + C, M), or transposed (N, M, 4 + C), M cells of the strides 8, 16, 32;
centre x, centre y, width, height in pixels of the input, then class scores with the sigmoid
applied.
"""

from collections.abc import Mapping, Sequence

from cad.analysis.engines.decoders.grid import expected_counts, matching_strides
from cad.analysis.engines.decoders.selection import best_class, reported_classes
from cad.analysis.engines.decoders.yolo import (
    corners,
    only_output,
    write_best_class,
    write_corners,
    write_slice,
)
from cad.domain.decoders import (
    Candidates,
    GraphBoxes,
    GraphWriter,
    OutputMismatchError,
    Tensor,
    TensorInfo,
)
from cad.domain.models import ModelSpec

CLASSES = 4
"""Where the class scores begin."""


class YoloV8:
    """Decodes one model of this head."""

    suppressed = False

    def __init__(self, spec: ModelSpec, outputs: Sequence[TensorInfo]) -> None:
        output = only_output(outputs)
        self._row = CLASSES + len(spec.labels)
        if output is None or not _fits(spec, output, self._row):
            raise _mismatch(spec, outputs)
        self._output, self._cells_last = output.name, output.shape[1] == self._row
        self._classes = reported_classes(spec)

    def decode(self, outputs: Mapping[str, Tensor], picture: int, threshold: float) -> Candidates:
        """Return the cells whose best class score reaches `threshold`."""
        table = outputs[self._output][picture]
        rows = table.T if self._cells_last else table
        chosen = best_class(rows[:, CLASSES:], threshold, self._classes)
        return chosen.with_boxes(corners(rows[chosen.cells, :CLASSES]))

    def write(self, graph: GraphWriter) -> GraphBoxes:
        """Decode every cell of the batch."""
        rows = self._output
        if self._cells_last:
            rows = graph.node("Transpose", rows, perm=[0, 2, 1])
        boxes = write_corners(
            graph, write_slice(graph, rows, 0, 2), write_slice(graph, rows, 2, CLASSES)
        )
        scores = write_slice(graph, rows, CLASSES, self._row)
        return GraphBoxes(boxes, write_best_class(graph, scores))


def _fits(spec: ModelSpec, output: TensorInfo, row: int) -> bool:
    cells = output.shape[2] if output.shape[1] == row else output.shape[1]
    if row not in output.shape[1:]:
        return False
    return matching_strides(spec.input.width, spec.input.height, cells) is not None


def _mismatch(spec: ModelSpec, outputs: Sequence[TensorInfo]) -> OutputMismatchError:
    width, height = spec.input.width, spec.input.height
    expected = (
        f"one output (N, {CLASSES + len(spec.labels)}, {expected_counts(width, height)}), or "
        f"transposed, for {len(spec.labels)} labels and an input of {width} × {height}"
    )
    return OutputMismatchError("yolov8", expected, outputs)
