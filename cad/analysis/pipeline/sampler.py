"""Which pictures of a stream are due for analysis at a given rate."""

import math

EARLY = 0.25
"""Share of the interval by which a picture may come before its moment: pictures never lie exactly
on the grid of the analysis rate, and waiting for the next one would halve the rate of a camera
that sends just as many pictures as are wanted."""

CLOSEST = 0.5
"""Share of the interval that always lies between two pictures: a late one is not followed at once
by the next."""


class Sampler:
    """Takes pictures evenly, at most at `rate` per second of the stream's own time.

    The moments lie on a grid, so that rounding to pictures does not add up. After a gap the grid
    starts anew: what was missed is not made up for.
    """

    def __init__(self, rate: float) -> None:
        """Take `rate` pictures per second; 0 takes every one."""
        self.rate = rate
        self._interval = 1 / rate if rate > 0 else 0.0
        self._due = self._last = -math.inf

    def takes(self, pts: float) -> bool:
        """Whether the picture at `pts` (seconds) is due. To be asked once for each picture.

        A `pts` further back than one interval is a time line that started again, as a looped file
        does.
        """
        if self._last - pts > self._interval:
            self._due = self._last = -math.inf
        earliest = self._due - EARLY * self._interval
        if pts < max(earliest, self._last + CLOSEST * self._interval):
            return False
        in_step = pts - self._due < self._interval
        self._due = (self._due if in_step else pts) + self._interval
        self._last = pts
        return True
