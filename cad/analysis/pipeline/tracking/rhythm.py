"""How often pictures are analysed, and what follows for those who are out of sight."""

from collections import deque
from statistics import median_low

LOST_SECONDS = 3.0
"""How long an object may stay out of sight and keep its id, where pictures come often."""

LOST_INTERVALS = 2.5
"""The same in intervals of analysis, where they come seldom: two pictures may miss it."""

WINDOW = 5
"""Intervals that are looked at; a single longer one, a stream that was lost, counts for nothing."""


class Rhythm:
    """The distance of the pictures that are really analysed, whatever was asked for."""

    def __init__(self) -> None:
        self._intervals: deque[float] = deque(maxlen=WINDOW)
        self._last: float | None = None

    def note(self, time: float) -> None:
        """Take the time of the next picture, seconds; a step back counts for nothing."""
        if self._last is not None and time > self._last:
            self._intervals.append(time - self._last)
        self._last = time

    @property
    def interval(self) -> float:
        """Seconds between pictures, 0 = not known yet."""
        return median_low(self._intervals) if self._intervals else 0.0

    @property
    def lost_seconds(self) -> float:
        """How long an object may stay out of sight and keep its id."""
        return max(LOST_SECONDS, LOST_INTERVALS * self.interval)
