"""NanoDet: anchor-free cells, distances to the sides as distributions (Generalized Focal Loss).

Expected, for a batch of N, C labels and M cells of the strides 8, 16, 32 (in this order):

* `scores` (N, M, C): sigmoid already applied;
* the other output (N, M, 4 × B): B bins (8 or 11, say) for each of left, top, right, bottom. The
  distance is the mean of 0..B-1 weighted with the softmax of the bins, times the stride, from the
  cell's centre.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from cad.analysis.engines.decoders.grid import expected_counts, make_grid, matching_strides
from cad.analysis.engines.decoders.selection import every_class, reported_classes
from cad.domain.decoders import (
    Candidates,
    Floats,
    GraphBoxes,
    GraphWriter,
    OutputMismatchError,
    Tensor,
    TensorInfo,
)
from cad.domain.models import ModelSpec

SIDES = np.array([-1, -1, 1, 1], dtype=np.float32)
"""Direction from a cell's centre to the left, top, right and bottom of its box."""


class NanoDet:
    """Decodes one NanoDet model."""

    suppressed = False

    def __init__(self, spec: ModelSpec, outputs: Sequence[TensorInfo]) -> None:
        width, height = spec.input.width, spec.input.height
        self._scores, distances = _find_outputs(spec, outputs)
        self._distances = distances.name
        strides = matching_strides(width, height, distances.shape[1])
        if strides is None:
            raise _mismatch(spec, outputs)
        grid = make_grid(width, height, strides)
        self._anchors = np.tile(grid.centres, 2)
        self._steps = SIDES * grid.strides
        self._bins = np.arange(distances.shape[2] // 4, dtype=np.float32)
        self._classes = reported_classes(spec)

    def decode(self, outputs: Mapping[str, Tensor], picture: int, threshold: float) -> Candidates:
        """Return each pair of cell and class that reaches `threshold`."""
        chosen = every_class(outputs[self._scores][picture], threshold, self._classes)
        bins = outputs[self._distances][picture, chosen.cells].reshape(-1, 4, len(self._bins))
        distances = _softmax(bins) @ self._bins
        boxes = self._anchors[chosen.cells] + distances * self._steps[chosen.cells]
        return chosen.with_boxes(boxes)

    def write(self, graph: GraphWriter) -> GraphBoxes:
        """Decode every cell of the batch."""
        bins = graph.node(
            "Reshape",
            self._distances,
            graph.constant(np.array([0, 0, 4, len(self._bins)], dtype=np.int64)),
        )
        weights = graph.node("Softmax", bins, axis=-1)
        distances = graph.node("MatMul", weights, graph.constant(self._bins))
        offsets = graph.node("Mul", distances, graph.constant(self._steps))
        boxes = graph.node("Add", offsets, graph.constant(self._anchors))
        return GraphBoxes(boxes, graph.node("Transpose", self._scores, perm=[0, 2, 1]))


def _softmax(values: Floats) -> Floats:
    powers: Floats = np.exp(values - values.max(axis=-1, keepdims=True))
    powers /= powers.sum(axis=-1, keepdims=True)
    return powers


def _find_outputs(spec: ModelSpec, outputs: Sequence[TensorInfo]) -> tuple[str, TensorInfo]:
    """Return the name of the scores, and the distances."""
    scores = [tensor for tensor in outputs if tensor.name == "scores"]
    others = [tensor for tensor in outputs if tensor.name != "scores"]
    if len(scores) != 1 or len(others) != 1:
        raise _mismatch(spec, outputs)
    classes, distances = scores[0].shape, others[0].shape
    fits = (
        len(classes) == len(distances) == 3
        and classes[1] == distances[1]
        and classes[2] == len(spec.labels)
        and distances[2] % 4 == 0
        and distances[2] >= 8
    )
    if not fits:
        raise _mismatch(spec, outputs)
    return scores[0].name, others[0]


def _mismatch(spec: ModelSpec, outputs: Sequence[TensorInfo]) -> OutputMismatchError:
    cells = expected_counts(spec.input.width, spec.input.height)
    expected = (
        f"scores (N, M, {len(spec.labels)}) for the {len(spec.labels)} labels and distances "
        f"(N, M, 4 × bins), M = {cells} cells for an input of "
        f"{spec.input.width} × {spec.input.height}"
    )
    return OutputMismatchError("nanodet", expected, outputs)
