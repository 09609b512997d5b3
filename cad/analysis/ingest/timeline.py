"""One time line per stream, whatever its source's timestamps do."""

SMALLEST_STEP = 0.001
"""Seconds between pictures whose timestamps do not grow."""
LARGEST_JUMP = 10.0
"""Seconds; a larger step either way is a new time base, not time that passed."""


class Timeline:
    """Places pictures at strictly growing seconds.

    Timestamps that jump (a camera's clock is set, a recording starts again), stand still or are
    absent are bridged with the time that passed between the arrivals.
    """

    def __init__(self, step: float = 0.04) -> None:
        """Begin a time line; `step` is the least distance bridged where nothing is known."""
        self._step = step
        self._offset = 0.0
        self._last: float | None = None
        self._arrival = 0.0
        self._spliced = False

    def splice(self, step: float) -> None:
        """Let the next picture follow the last, whatever its timestamp: a new time base."""
        self._step, self._spliced = step, True

    def place(self, timestamp: float | None, arrival: float) -> float:
        """Return where the picture lies, in seconds.

        Args:
            timestamp: what the source says, None if it says nothing.
            arrival: when the picture came, monotonic clock.
        """
        placed = self._follow(timestamp, arrival)
        self._last, self._arrival, self._spliced = placed, arrival, False
        return placed

    def _follow(self, timestamp: float | None, arrival: float) -> float:
        if self._last is None:
            return timestamp or 0.0
        bridged = self._last + max(self._step, arrival - self._arrival)
        if timestamp is None:
            return bridged
        placed = timestamp + self._offset
        if self._spliced or abs(placed - self._last) > LARGEST_JUMP:
            self._offset = bridged - timestamp
            return bridged
        return max(placed, self._last + SMALLEST_STEP)
