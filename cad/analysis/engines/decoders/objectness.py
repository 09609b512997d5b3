"""Heads with a score of its own for "there is an object": rows of box, objectness, classes.

YOLOX and YOLOv5 differ only in how the four box numbers become pixels.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cad.analysis.engines.decoders.selection import Selection, best_class, reported_classes
from cad.analysis.engines.decoders.yolo import write_best_class, write_slice
from cad.domain.decoders import Candidates, Floats, GraphBoxes, GraphWriter, Tensor
from cad.domain.models import ModelSpec

BOX, OBJECT, CLASSES = 0, 4, 5
"""Where the parts of a row begin."""


class BoxForm(Protocol):
    """How one family writes a box."""

    def corners(self, raw: Floats, cells: NDArray[np.intp]) -> Floats:
        """Return (n, 4) x1, y1, x2, y2 in pixels for the raw (n, 4) of `cells`."""

    def write(self, graph: GraphWriter, raw: str) -> str:
        """Do the same to (N, M, 4) in a graph, for all cells."""


class ObjectnessHead:
    """Decodes (N, M, 5 + C): four box numbers, objectness, class scores; all sigmoids applied."""

    suppressed = False

    def __init__(self, spec: ModelSpec, output: str, form: BoxForm) -> None:
        self._output, self._form = output, form
        self._row = CLASSES + len(spec.labels)
        self._classes = reported_classes(spec)

    def decode(self, outputs: Mapping[str, Tensor], picture: int, threshold: float) -> Candidates:
        """Return the cells whose objectness × best class score reaches `threshold`."""
        rows = outputs[self._output][picture]
        # No class score is above 1, so that the objectness alone rules out nearly every cell.
        likely = np.flatnonzero(rows[:, OBJECT] >= threshold)
        scores = rows[likely, CLASSES:] * rows[likely, OBJECT, None]
        chosen = best_class(scores, threshold, self._classes)
        cells = likely[chosen.cells]
        boxes = self._form.corners(rows[cells, BOX:OBJECT], cells)
        return Selection(cells, chosen.classes, chosen.scores).with_boxes(boxes)

    def write(self, graph: GraphWriter) -> GraphBoxes:
        """Decode every cell of the batch."""
        raw = write_slice(graph, self._output, BOX, OBJECT)
        certainty = write_slice(graph, self._output, OBJECT, CLASSES)
        classes = write_slice(graph, self._output, CLASSES, self._row)
        scores = write_best_class(graph, graph.node("Mul", classes, certainty))
        return GraphBoxes(self._form.write(graph, raw), scores)
