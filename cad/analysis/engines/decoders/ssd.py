"""SSD with suppression in the graph, as TensorFlow's Object Detection API exports it.

Expected (a suffix such as `:0` is allowed), K boxes at most per picture:

* `detection_boxes` (N, K, 4): y1, x1, y2, x2 as fractions of the input;
* `detection_scores` (N, K), descending;
* `detection_classes` (N, K): class numbers that begin with 1, so that number k is label k - 1;
* `num_detections` (N): how many of the K are real.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from cad.domain.decoders import (
    Candidates,
    GraphBoxes,
    GraphWriter,
    OutputMismatchError,
    Tensor,
    TensorInfo,
)
from cad.domain.models import ModelSpec

RANKS = {"detection_boxes": 3, "detection_scores": 2, "detection_classes": 2, "num_detections": 1}
FLOAT = 1
"""ONNX's number of the type float32."""
CORNER_ORDER = np.array([1, 0, 3, 2])
"""x1, y1, x2, y2 out of y1, x1, y2, x2."""


class Ssd:
    """Decodes one SSD model."""

    suppressed = True

    def __init__(self, spec: ModelSpec, outputs: Sequence[TensorInfo]) -> None:
        names = {tensor.name.partition(":")[0]: tensor for tensor in outputs}
        if not _fits(names):
            raise OutputMismatchError("ssd", _EXPECTED, outputs)
        self._boxes = names["detection_boxes"].name
        self._scores = names["detection_scores"].name
        self._classes = names["detection_classes"].name
        self._count = names["num_detections"].name
        self._labels = len(spec.labels)
        width, height = spec.input.width, spec.input.height
        self._scale = np.array([width, height, width, height], dtype=np.float32)

    def decode(self, outputs: Mapping[str, Tensor], picture: int, threshold: float) -> Candidates:
        """Return the boxes that reach `threshold` and have a label."""
        real = int(outputs[self._count][picture])
        scores = outputs[self._scores][picture, :real]
        classes = outputs[self._classes][picture, :real].astype(np.intp) - 1
        known = (classes >= 0) & (classes < self._labels)
        rows = np.flatnonzero((scores >= threshold) & known)
        boxes = outputs[self._boxes][picture, rows][:, CORNER_ORDER] * self._scale
        return Candidates(boxes, scores[rows], classes[rows])

    def write(self, graph: GraphWriter) -> GraphBoxes:
        """Decode every box; those beyond the real ones get the score 0."""
        swapped = graph.node("Gather", self._boxes, graph.constant(CORNER_ORDER), axis=2)
        boxes = graph.node("Mul", swapped, graph.constant(self._scale))
        return GraphBoxes(boxes, self._write_scores(graph))

    def _write_scores(self, graph: GraphWriter) -> str:
        """Add (N, C, K): the score in the row of the box's own class, 0 in the others."""
        numbers = graph.constant(np.arange(1, self._labels + 1, dtype=np.float32)[:, None])
        classes = graph.node("Cast", _as_row(graph, self._classes), to=FLOAT)
        own = graph.node("Equal", classes, numbers)
        offered = graph.node("And", own, self._write_is_real(graph))
        nothing = graph.constant(np.array(0, dtype=np.float32))
        return graph.node("Where", offered, _as_row(graph, self._scores), nothing)

    def _write_is_real(self, graph: GraphWriter) -> str:
        """Add (N, 1, K): whether a box lies before `num_detections`."""
        row = _as_row(graph, self._scores)
        size = graph.node("Shape", row, start=2)
        count = graph.node("Squeeze", size)
        zero, one = (graph.constant(np.array(value, dtype=np.int64)) for value in (0, 1))
        places = graph.node("Range", zero, count, one)
        column = graph.constant(np.array([-1, 1, 1], dtype=np.int64))
        real = graph.node("Reshape", self._count, column)
        return graph.node("Less", graph.node("Cast", places, to=FLOAT), real)


def _as_row(graph: GraphWriter, tensor: str) -> str:
    """Add (N, 1, K) from (N, K)."""
    return graph.node("Unsqueeze", tensor, graph.constant(np.array([1], dtype=np.int64)))


def _fits(names: Mapping[str, TensorInfo]) -> bool:
    if any(name not in names or len(names[name].shape) != rank for name, rank in RANKS.items()):
        return False
    boxes = names["detection_boxes"].shape
    tables = (names["detection_scores"].shape, names["detection_classes"].shape)
    return boxes[2] == 4 and all(table[1] == boxes[1] for table in tables)


_EXPECTED = (
    "detection_boxes (N, K, 4), detection_scores (N, K), detection_classes (N, K), "
    "num_detections (N)"
)
