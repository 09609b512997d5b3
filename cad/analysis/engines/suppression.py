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
    boxes = found.boxes
    if scope is NmsScope.CLASS:
        boxes = _apart(boxes, found.classes)
    kept = _greedy(boxes, iou)
    return Candidates(found.boxes[kept], found.scores[kept], found.classes[kept])


def by_score(candidates: Candidates) -> Candidates:
    """Return at most `MAX_CANDIDATES` of them by descending score, ties in their order."""
    order = np.argsort(-candidates.scores, kind="stable")[:MAX_CANDIDATES]
    return Candidates(candidates.boxes[order], candidates.scores[order], candidates.classes[order])


def _apart(boxes: Floats, classes: NDArray[np.intp]) -> Floats:
    """Shift each class to a place of its own, so that boxes of two classes never overlap."""
    if len(boxes) == 0:
        return boxes
    extent = boxes.max() - boxes.min() + 1
    shifts: Floats = (classes * extent).astype(np.float32)[:, None]
    return boxes + shifts


def _greedy(boxes: Floats, iou: float) -> list[int]:
    """Return the rows that stay of (n, 4) boxes in descending order of score."""
    x1, y1, x2, y2 = boxes.T
    areas = (x2 - x1) * (y2 - y1)
    alive = np.arange(len(boxes))
    kept: list[int] = []
    while len(alive):
        best, rest = alive[0], alive[1:]
        kept.append(int(best))
        width = np.minimum(x2[rest], x2[best]) - np.maximum(x1[rest], x1[best])
        height = np.minimum(y2[rest], y2[best]) - np.maximum(y1[rest], y1[best])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        alive = rest[shared <= iou * (areas[rest] + areas[best] - shared)]
    return kept
