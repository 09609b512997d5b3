"""Which detected box belongs to which predicted one."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


def overlaps(boxes: Array, others: Array, margin: Array | float = 0.0) -> Array:
    """Return (n, m) intersection over union of (n, 4) and (m, 4) boxes x1 y1 x2 y2.

    Both boxes of a pair are grown first by `margin`, (n, 2) in x and y, on every side: where a
    prediction is in doubt by more than the object is wide, plain overlap would tell nothing.
    """
    grow = np.broadcast_to(np.asarray(margin), (len(boxes), 2))[:, None]
    low, high = boxes[:, None, :2] - grow, boxes[:, None, 2:4] + grow
    other_low, other_high = others[None, :, :2] - grow, others[None, :, 2:4] + grow
    shared = (np.minimum(high, other_high) - np.maximum(low, other_low)).clip(0).prod(axis=2)
    joint = (high - low).prod(axis=2) + (other_high - other_low).prod(axis=2) - shared
    ratio: Array = shared / np.maximum(joint, np.finfo(np.float64).tiny)
    return ratio


def assign(fit: Array, least: float) -> tuple[Rows, Rows]:
    """Return rows and columns of the best one-to-one pairs of `fit`, (n, m), each at least `least`.

    Pairs below `least` are out before the assignment, so that they cannot displace a good one.
    """
    rows, columns = linear_sum_assignment(np.where(fit >= least, fit, 0.0), maximize=True)
    good = fit[rows, columns] >= least
    return rows[good], columns[good]
