"""Plane geometry of areas and tripwires, in picture coordinates: x to the right, y downwards.

Exact, without any tolerance, when the coordinates are integers: fractions of a picture are to be
put on a grid first.

Ties are decided once for all functions on lines: a moving point that lies exactly on a line is
treated as if it lay an infinitely small step to the right of where it is, and a still much smaller
step below. So every point has a side, and a path counts each crossing once, wherever it stops on
the line and whichever corner of it it meets.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from cad.domain.rules import Direction, Point


class Crossing(NamedTuple):
    """One passage of a straight step over a polyline."""

    at: float
    """Where on the step: 0 = its start, 1 = its end."""
    direction: Direction


def crossings(line: Sequence[Point], start: Point, end: Point) -> list[Crossing]:
    """Return the passages of the step from `start` to `end` over `line`, in the order they happen.

    `line` is a polyline, directed from its first to its last point.
    """
    found = (_crossing(a, b, start, end) for a, b in pairwise(line))
    return sorted(crossing for crossing in found if crossing)


def contains(polygon: Sequence[Point], point: Point) -> bool:
    """Return whether `point` is inside `polygon` or on its boundary.

    A polygon that crosses itself holds what an odd number of its edges separates from the outside.
    """
    inside = False
    for a, b in pairwise((*polygon, polygon[0])):
        turn = _cross(a, b, point)
        if turn == 0 and _within(a, b, point):
            return True
        if (a.y > point.y) != (b.y > point.y) and (turn > 0) == (b.y > a.y):
            inside = not inside
    return inside


def distance(line: Sequence[Point], point: Point) -> float:
    """Return how far `point` is from the nearest point of the polyline `line`."""
    return min(_segment_distance(a, b, point) for a, b in pairwise(line))


def _crossing(a: Point, b: Point, start: Point, end: Point) -> Crossing | None:
    """Return the passage over the one segment from `a` to `b`, if there is one."""
    begins_right = _right_of(a, b, start, nudge=1)
    if begins_right == _right_of(a, b, end, nudge=1):
        return None
    # The step is what is nudged, so seen from it the ends of the segment move the other way.
    if _right_of(start, end, a, nudge=-1) == _right_of(start, end, b, nudge=-1):
        return None
    before, after = _cross(a, b, start), _cross(a, b, end)
    way = Direction.RIGHT_TO_LEFT if begins_right else Direction.LEFT_TO_RIGHT
    return Crossing(before / (before - after), way)


def _right_of(a: Point, b: Point, point: Point, *, nudge: int) -> bool:
    """Return whether `point`, nudged by an infinitely small step, is right of the line `a` → `b`.

    `nudge` is 1 for a step to the right and a smaller one down, -1 for the opposite.
    """
    turn = _cross(a, b, point)
    if turn == 0:
        turn = nudge * ((a.y - b.y) or (b.x - a.x))
    return turn > 0


def _cross(a: Point, b: Point, point: Point) -> float:
    """Return twice the area of the triangle; positive if `point` is right of `a` → `b`."""
    return (b.x - a.x) * (point.y - a.y) - (b.y - a.y) * (point.x - a.x)


def _within(a: Point, b: Point, point: Point) -> bool:
    """Return whether `point`, known to be on the line, is between `a` and `b`."""
    return min(a.x, b.x) <= point.x <= max(a.x, b.x) and min(a.y, b.y) <= point.y <= max(a.y, b.y)


def _segment_distance(a: Point, b: Point, point: Point) -> float:
    dx, dy = b.x - a.x, b.y - a.y
    length = dx * dx + dy * dy
    along = ((point.x - a.x) * dx + (point.y - a.y) * dy) / length if length else 0.0
    along = min(max(along, 0.0), 1.0)
    return math.hypot(point.x - a.x - along * dx, point.y - a.y - along * dy)
