"""Areas on the grid of the picture.

The grid is a fraction of a pixel wide and its coordinates are integers, which makes the geometry
exact.
"""

from cad.analysis.pipeline.tracking import Track
from cad.domain.geometry import contains, distance
from cad.domain.rules import Area, Point

STEPS = 16
"""Steps of the grid in a pixel."""

MARGIN = 0.05
"""How far, in heights of its box, a foot point moves while its object stands still. Nearer than
this to a border or a line it has not left it yet."""


def on_grid(area: Area, width: int, height: int) -> tuple[Point, ...]:
    """Return the points of `area` in a picture of `width` × `height` pixels."""
    across, down = (1, 1) if area.in_pixels else (width, height)
    return tuple(Point(round(x * across * STEPS), round(y * down * STEPS)) for x, y in area.points)


def foot(track: Track) -> Point:
    """Return where the object stands: the middle of the lower edge of its box."""
    x1, _, x2, y2 = track.box
    return Point(round((x1 + x2) / 2 * STEPS), round(y2 * STEPS))


def margin(track: Track) -> float:
    """Return how far from a line the object must be to have left it."""
    _, y1, _, y2 = track.box
    return MARGIN * (y2 - y1) * STEPS


def is_at_border(polygon: tuple[Point, ...], point: Point, margin: float) -> bool:
    """Return whether `point`, inside or outside, is nearer to the border than `margin`."""
    return distance((*polygon, polygon[0]), point) < margin


def is_deep(polygon: tuple[Point, ...], point: Point, margin: float) -> bool:
    """Return whether `point` is in `polygon` and not at its border."""
    return contains(polygon, point) and not is_at_border(polygon, point, margin)
