"""Picking out of a table of scores the few that reach the threshold."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cad.analysis.engines.labels import kept_classes
from cad.domain.decoders import Candidates, Floats
from cad.domain.models import ModelSpec, NmsScope


class Selection(NamedTuple):
    """Cells that reach the threshold; entries belong together."""

    cells: NDArray[np.intp]
    """(n,) indices along the cell axis."""
    classes: NDArray[np.intp]
    """(n,) indices into the labels."""
    scores: Floats
    """(n,) scores."""

    def with_boxes(self, boxes: Floats) -> Candidates:
        """Return candidates whose (n, 4) boxes are `boxes`."""
        return Candidates(boxes, self.scores, self.classes)


def reported_classes(spec: ModelSpec) -> NDArray[np.intp] | None:
    """Return the only classes worth looking at, None for all.

    With suppression across all classes, a class that is not reported still displaces others, so
    that none can be left out early.
    """
    return None if spec.nms is NmsScope.GLOBAL else kept_classes(spec)


def every_class(scores: Floats, threshold: float, classes: NDArray[np.intp] | None) -> Selection:
    """Select from (M, C) `scores` each pair of cell and class; a cell may count several times.

    Only columns of `classes` are read, all if None.
    """
    table = scores if classes is None else scores.take(classes, axis=1)
    places = np.flatnonzero(table >= threshold)
    cells, columns = np.divmod(places, table.shape[1])
    found = columns if classes is None else classes[columns]
    return Selection(cells, found, table.ravel()[places])


def best_class(scores: Floats, threshold: float, classes: NDArray[np.intp] | None) -> Selection:
    """Select from (M, C) `scores` each cell for its best class only.

    A cell whose best class is not among `classes` is left out.
    """
    table = scores if classes is None else scores[:, classes]
    cells = np.flatnonzero((table >= threshold).any(axis=1))
    rows = scores[cells]
    best = rows.argmax(axis=1)
    wanted = slice(None) if classes is None else np.isin(best, classes)
    top = rows[np.arange(len(rows)), best]
    return Selection(cells[wanted], best[wanted], top[wanted])
