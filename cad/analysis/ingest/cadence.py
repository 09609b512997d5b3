"""How pictures follow each other, and whether some need no decoding."""

from collections import deque
from itertools import pairwise

WINDOW = 100
ENOUGH = 10
"""Pictures to have seen before anything is said."""
ROUNDING = 0.001
"""Seconds by which timestamps are off where they are whole milliseconds."""


class Cadence:
    """Watches the coded pictures of a stream."""

    def __init__(self) -> None:
        self._pictures: deque[tuple[float, bool]] = deque(maxlen=WINDOW)

    def observe(self, pts: float, *, is_reference: bool) -> None:
        """Note a coded picture; `is_reference` = others are predicted from it."""
        if self._pictures and abs(pts - self._pictures[-1][0]) > WINDOW:
            self._pictures.clear()  # a new time base
        self._pictures.append((pts, is_reference))

    @property
    def rate(self) -> float:
        """Coded pictures per second, 0 = not known yet."""
        times = [pts for pts, _ in self._pictures]
        if len(times) < ENOUGH or max(times) <= min(times):
            return 0.0
        return (len(times) - 1) / (max(times) - min(times))

    def references_suffice(self, rate: float) -> bool:
        """Whether reference pictures alone are dense enough for `rate` pictures per second."""
        times = sorted(pts for pts, is_reference in self._pictures if is_reference)
        if rate <= 0 or len(times) < ENOUGH or len(times) == len(self._pictures):
            return False
        newest = max(pts for pts, _ in self._pictures)
        gaps = (later - earlier for earlier, later in pairwise([*times, newest]))
        return max(gaps) <= 1 / rate + ROUNDING
