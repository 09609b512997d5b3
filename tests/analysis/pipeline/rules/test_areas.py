"""Areas and foot points on the grid of the picture."""

import pytest

from cad.analysis.pipeline.rules.areas import STEPS, foot, is_at_border, is_deep, margin, on_grid
from cad.analysis.pipeline.tracking import Track
from cad.domain.rules import Area, AreaType, Point

HALF = (Point(0.5, 0.5), Point(1.0, 0.0))
SQUARE = (Point(0, 0), Point(100, 0), Point(100, 100), Point(0, 100))


def test_fractions_are_of_the_picture() -> None:
    line = Area(1, AreaType.SINGLE_LINE, HALF)
    assert on_grid(line, 200, 100) == (Point(100 * STEPS, 50 * STEPS), Point(200 * STEPS, 0))


def test_pixels_are_pixels_in_any_picture() -> None:
    line = Area(1, AreaType.SINGLE_LINE, (Point(100, 50), Point(200, 0)), in_pixels=True)
    assert on_grid(line, 640, 480) == (Point(100 * STEPS, 50 * STEPS), Point(200 * STEPS, 0))


def test_an_object_stands_at_the_middle_of_its_lower_edge() -> None:
    track = Track(1, (10.0, 20.0, 30.0, 80.0), 0.9, 0)
    assert foot(track) == Point(20 * STEPS, 80 * STEPS)
    assert margin(track) == pytest.approx(0.05 * 60 * STEPS)


@pytest.mark.parametrize(
    ("x", "at_border", "deep"),
    [(-6, False, False), (-4, True, False), (4, True, False), (6, False, True)],
)
def test_the_border_is_a_margin_wide(x: int, at_border: bool, deep: bool) -> None:
    point = Point(x, 50)
    assert is_at_border(SQUARE, point, 5) is at_border
    assert is_deep(SQUARE, point, 5) is deep
