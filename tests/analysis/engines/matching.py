"""Pairs boxes of two ways to detect, to say how far they are apart."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[Any]
"""(n, ≥ 5): x1, y1, x2, y2, score."""

CERTAIN = 0.5
"""Boxes of at least this score must have a counterpart in the other list."""


def distances(left: Rows, right: Rows) -> Iterable[tuple[float, float]]:
    """Yield pixels and score between each certain box of either side and its nearest opposite.

    Both sides were detected at a threshold below `CERTAIN`, so that none is missing for a score
    that differs in the last digit.
    """
    for some, others in ((left, right), (right, left)):
        for row in some[some[:, 4] >= CERTAIN]:
            pixels = np.abs(others[:, :4] - row[:4]).max(axis=1, initial=0)
            nearest = int(pixels.argmin())
            yield float(pixels[nearest]), abs(float(others[nearest, 4] - row[4]))


def assert_close(left: Rows, right: Rows, *, pixels: float = 2.0, score: float = 0.02) -> None:
    """Fail unless every certain box of either side is on the other side too."""
    assert min(len(left), len(right)) > 0, "nothing to compare"
    worst = np.array(list(distances(left, right))).max(axis=0)
    assert worst[0] <= pixels, f"boxes are {worst[0]:.2f} pixels apart"
    assert worst[1] <= score, f"scores are {worst[1]:.3f} apart"
