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
    covers = _overlap(boxes, iou)
    if (rivals != rivals[:1]).any():
        covers &= rivals[:, None] == rivals
    gone = np.zeros(len(boxes), dtype=np.bool_)
    kept: list[int] = []
    for row, others in enumerate(covers):
        if not gone[row]:
            kept.append(row)
            gone |= others
    return kept


def _overlap(boxes: Floats, iou: float) -> NDArray[np.bool_]:
    """Return (n, n): whether the intersection over union of two boxes is above `iou`."""
    x1, y1, x2, y2 = np.ascontiguousarray(boxes.T)
    areas = (x2 - x1) * (y2 - y1)
    # In place: what has just been written is still in the cache, fresh memory is not.
    shared = _shared(x1, x2)
    shared *= _shared(y1, y2)
    least = areas[:, None] + areas
    least -= shared
    least *= iou
    above: NDArray[np.bool_] = shared > least
    return above


def _shared(low: Floats, high: Floats) -> Floats:
    """Return (n, n): the length that two of n stretches have in common."""
    shared = np.minimum.outer(high, high)
    shared -= np.maximum.outer(low, low)
    np.maximum(shared, 0, out=shared)
    return shared
