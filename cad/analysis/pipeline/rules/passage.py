"""One object and one line: passages, each counted once.

A foot point trembles. An object that stands on a line would cross it to and fro, so a passage only
counts when the object has left the line by a margin; if it goes back before that, nothing happened.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cad.domain.geometry import Crossing, crossings, distance
from cad.domain.rules import Direction, Point


@dataclass(slots=True)
class Passage:
    """The way of one object over one polyline."""

    place: Point | None = None
    pending: Direction | None = None
    """A crossing after which the object has not left the line yet."""

    def observe(self, line: Sequence[Point], point: Point, margin: float) -> list[Direction]:
        """Take where the object is now; return the passages that are complete, in order."""
        start, self.place = self.place, point
        if start is None:
            return []
        done: list[Direction] = []
        at = 0.0
        for crossing in crossings(line, start, point):
            done += self._settle(line, _between(start, point, (at + crossing.at) / 2), margin)
            self._cross(crossing)
            at = crossing.at
        return done + self._settle(line, point, margin)

    def interrupt(self) -> None:
        """Forget the way so far: the object is where it is ignored."""
        self.place = self.pending = None

    def _cross(self, crossing: Crossing) -> None:
        """Note a crossing, or that the object went back over the one before."""
        went_back = self.pending not in {None, crossing.direction}
        self.pending = None if went_back else crossing.direction

    def _settle(self, line: Sequence[Point], point: Point, margin: float) -> list[Direction]:
        """Return the pending passage if the object at `point` has left the line."""
        if self.pending is None or distance(line, point) < margin:
            return []
        done, self.pending = [self.pending], None
        return done


def _between(start: Point, end: Point, share: float) -> Point:
    return Point(start.x + share * (end.x - start.x), start.y + share * (end.y - start.y))
