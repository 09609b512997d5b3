"""Plays a recording no faster than it was recorded."""

LARGEST_LAG = 1.0
"""Seconds; whoever is later than this does not hurry to catch up, it goes on from here."""


class Pace:
    """Tells when the picture at a position is due."""

    def __init__(self) -> None:
        self._origin: float | None = None

    def delay(self, pts: float, now: float) -> float:
        """Return the seconds to wait before the picture at `pts`; 0 = it is due or late."""
        if self._origin is None or now - (self._origin + pts) > LARGEST_LAG:
            self._origin = now - pts
        return max(0.0, self._origin + pts - now)
