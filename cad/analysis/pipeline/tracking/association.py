"""Which detected box belongs to which predicted one."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


def overlaps(boxes: Array, others: Array, margin: Array | None = None) -> Array:
    """Return (n, m) intersection over union of (n, 4) and (m, 4) boxes x1 y1 x2 y2.

    Both boxes of a pair are grown first by `margin`, (n, 2) in x and y, on every side: where a
    prediction is in doubt by more than the object is wide, plain overlap would tell nothing.
    None = they are not grown.
    """
    width, own_width, other_width = _along(0, boxes, others, margin)
    height, own_height, other_height = _along(1, boxes, others, margin)
    shared = width * height
    joint = own_width * own_height + other_width * other_height - shared
    ratio: Array = shared / np.maximum(joint, np.finfo(np.float64).tiny)
    return ratio


def _along(axis: int, boxes: Array, others: Array, margin: Array | None) -> tuple[Array, ...]:
    """Return what pairs share, and how long both are, along x (0) or y (1)."""
    by = 0.0 if margin is None else margin[:, axis, None]
    low, high = boxes[:, axis, None] - by, boxes[:, axis + 2, None] + by
    other_low, other_high = others[:, axis] - by, others[:, axis + 2] + by
    shared = np.minimum(high, other_high) - np.maximum(low, other_low)
    return np.maximum(shared, 0), high - low, other_high - other_low


def assign(fit: Array, least: float) -> tuple[Rows, Rows]:
    """Return rows and columns of the best one-to-one pairs of `fit`, (n, m), each at least `least`.

    Pairs below `least` are out before the assignment, so that they cannot displace a good one.
    """
    if not (fit >= least).any():
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    rows, columns = linear_sum_assignment(np.where(fit >= least, fit, 0.0), maximize=True)
    good = fit[rows, columns] >= least
    return rows[good], columns[good]
