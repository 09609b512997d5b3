"""Non-maximum suppression: of boxes that overlap, the one with the highest score stays."""

import numpy as np
from numpy.typing import NDArray

from cad.domain.decoders import Candidates, Floats
from cad.domain.models import NmsScope

MAX_CANDIDATES = 1000
"""The best so many are looked at: bounds the time when a threshold near 0 lets everything pass."""


def suppress(candidates: Candidates, iou: float, scope: NmsScope) -> Candidates:
    """Return the survivors by descending score.

    A box goes when its intersection over union with a better one is above `iou`; with
    `NmsScope.CLASS` only boxes of the same class count.
    """
    found = by_score(candidates)
    rivals = found.classes if scope is NmsScope.CLASS else np.zeros_like(found.classes)
    return _rows(found, _greedy(found.boxes, rivals, iou))


def by_score(candidates: Candidates) -> Candidates:
    """Return at most `MAX_CANDIDATES` of them by descending score, ties in their order.

    Boxes with infinite or undefined corners, which a model may give, are left out.
    """
    real = np.flatnonzero(np.isfinite(candidates.boxes).all(axis=1))
    order = np.argsort(-candidates.scores[real], kind="stable")[:MAX_CANDIDATES]
    return _rows(candidates, real[order])


def _rows(candidates: Candidates, rows: NDArray[np.intp] | list[int]) -> Candidates:
    return Candidates(candidates.boxes[rows], candidates.scores[rows], candidates.classes[rows])


def _greedy(boxes: Floats, rivals: NDArray[np.intp], iou: float) -> list[int]:
    """Return the rows that stay of (n, 4) boxes in descending order of score.

    Only boxes with the same number in `rivals`, (n,), suppress each other. All pairs are compared
    at once: with the few dozen boxes of a picture a call of numpy costs more than its work.
    """
    covers = _overlap(boxes, iou) & (rivals[:, None] == rivals)
    gone = np.zeros(len(boxes), dtype=np.bool_)
    kept: list[int] = []
    for row, others in enumerate(covers):
        if not gone[row]:
            kept.append(row)
            gone |= others
    return kept


def _overlap(boxes: Floats, iou: float) -> NDArray[np.bool_]:
    """Return (n, n): whether the intersection over union of two boxes is above `iou`."""
    x1, y1, x2, y2 = boxes.T
    areas = (x2 - x1) * (y2 - y1)
    width = np.minimum(x2[:, None], x2) - np.maximum(x1[:, None], x1)
    height = np.minimum(y2[:, None], y2) - np.maximum(y1[:, None], y1)
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    above: NDArray[np.bool_] = shared > iou * (areas[:, None] + areas - shared)
    return above
