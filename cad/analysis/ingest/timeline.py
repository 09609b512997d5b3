"""One time line per stream, whatever its source's timestamps do."""

SMALLEST_STEP = 0.001
"""Seconds between pictures whose timestamps do not grow."""
LARGEST_JUMP = 10.0
"""Seconds; a larger step either way is a new time base, not time that passed."""


class Timeline:
    """Places pictures at strictly growing seconds, the first at 0.

    Timestamps that jump (a camera's clock is set, a recording starts again), stand still or are
    absent are bridged with the time that passed between the arrivals.
    """

    def __init__(self) -> None:
        self._step = 0.04
        self._base: float | None = None
        """Where timestamp 0 lies, None = not known yet."""
        self._last: float | None = None
        self._arrival = 0.0

    def splice(self, step: float) -> None:
        """Let timestamps begin anew: a new connection, or another pass.

        `step` is the usual distance of pictures, the least that is bridged.
        """
        self._step, self._base = step, None

    def place(self, timestamp: float | None, arrival: float) -> float:
        """Return where the picture lies, in seconds.

        Args:
            timestamp: what the source says, None if it says nothing.
            arrival: when the picture came, monotonic clock.
        """
        placed = self._follow(timestamp, arrival)
        self._last, self._arrival = placed, arrival
        return placed

    def _follow(self, timestamp: float | None, arrival: float) -> float:
        if self._last is None:
            bridged = 0.0
        else:
            bridged = self._last + max(self._step, arrival - self._arrival)
        if timestamp is None:
            return bridged
        placed = bridged if self._base is None else self._base + timestamp
        if self._base is None or self._last is None or abs(placed - self._last) > LARGEST_JUMP:
            self._base = bridged - timestamp
            return bridged
        return max(placed, self._last + SMALLEST_STEP)
