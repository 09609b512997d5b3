"""Geometry: exact on integers, every tie decided once."""

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cad.domain.geometry import contains, crossings, distance
from cad.domain.rules import Direction, Point

L_TO_R, R_TO_L = Direction.LEFT_TO_RIGHT, Direction.RIGHT_TO_LEFT

coordinates = st.integers(-8, 8)  # small, so that ties and corners are met all the time
points = st.builds(Point, coordinates, coordinates)
polylines = st.lists(points, min_size=2, max_size=5)
walks = st.lists(points, min_size=2, max_size=12)


def passages(line: list[Point], walk: list[Point]) -> list[Direction]:
    return [found.direction for a, b in pairwise(walk) for found in crossings(line, a, b)]


def net(line: list[Point], walk: list[Point]) -> int:
    found = passages(line, walk)
    return found.count(L_TO_R) - found.count(R_TO_L)


ORIGIN = Point(0, 0)


def moved(shape: list[Point], *, scale: int = 1, by: Point = ORIGIN) -> list[Point]:
    return [Point(scale * x + by.x, scale * y + by.y) for x, y in shape]


def test_to_the_right_seen_along_an_upward_line_is_left_to_right() -> None:
    upward = [Point(5, 10), Point(5, 0)]
    assert passages(upward, [Point(2, 5), Point(8, 5)]) == [L_TO_R]
    assert passages(upward, [Point(8, 5), Point(2, 5)]) == [R_TO_L]


def test_a_step_past_the_end_of_a_line_does_not_cross_it() -> None:
    assert passages([Point(5, 10), Point(5, 0)], [Point(2, 11), Point(8, 11)]) == []


def test_stopping_on_the_line_counts_one_crossing() -> None:
    upward = [Point(5, 10), Point(5, 0)]
    assert passages(upward, [Point(2, 5), Point(5, 5), Point(5, 6), Point(8, 6)]) == [L_TO_R]


def test_a_walk_through_a_corner_crosses_once() -> None:
    corner = [Point(0, 10), Point(5, 5), Point(10, 10)]
    assert passages(corner, [Point(5, 0), Point(5, 5), Point(5, 10)]) == [L_TO_R]


def test_a_step_over_two_arms_crosses_twice_in_order() -> None:
    corner = [Point(0, 10), Point(5, 0), Point(10, 10)]
    found = crossings(corner, Point(0, 5), Point(10, 5))
    assert [crossing.direction for crossing in found] == [L_TO_R, R_TO_L]
    assert [crossing.at for crossing in found] == [0.25, 0.75]


@given(st.lists(points, min_size=3, max_size=6), walks)
def test_round_a_closed_line_a_closed_walk_comes_out_as_often_as_it_went_in(
    ring: list[Point], walk: list[Point]
) -> None:
    assert net([*ring, ring[0]], [*walk, walk[0]]) == 0


@given(st.integers(-8, 8), walks)
def test_an_endless_line_is_crossed_an_odd_number_of_times_to_the_other_side(
    x: int, walk: list[Point]
) -> None:
    line = [Point(x, 100), Point(x, -100)]
    assume(walk[0].x != x != walk[-1].x)
    found = passages(line, walk)
    assert len(found) % 2 == ((walk[0].x < x) != (walk[-1].x < x))
    assert all(one is not other for one, other in pairwise(found))


@given(polylines, points, points, st.lists(points, max_size=6))
def test_a_detour_of_no_width_changes_nothing(
    line: list[Point], start: Point, end: Point, detour: list[Point]
) -> None:
    there_and_back = [start, *detour, *detour[::-1], start, end]
    assert net(line, there_and_back) == net(line, [start, end])


@given(polylines, points, points, st.integers(1, 3), st.integers(1, 3))
def test_stops_on_the_way_change_nothing(
    line: list[Point], start: Point, end: Point, first: int, second: int
) -> None:
    line = moved(line, scale=first + second)
    step = Point(end.x - start.x, end.y - start.y)
    (start,) = moved([start], scale=first + second)
    walk = [start, *moved([step], scale=first, by=start)]
    walk += moved([step], scale=first + second, by=start)
    assert sorted(passages(line, walk)) == sorted(passages(line, [start, walk[-1]]))


@given(polylines, walks)
def test_a_reversed_line_gives_the_other_direction(line: list[Point], walk: list[Point]) -> None:
    assert net(line[::-1], walk) == -net(line, walk)


@given(polylines, walks)
def test_a_reversed_walk_gives_the_other_direction(line: list[Point], walk: list[Point]) -> None:
    assert net(line, walk[::-1]) == -net(line, walk)


@given(polylines, walks, st.integers(1, 1000), points)
def test_crossings_do_not_depend_on_place_and_scale(
    line: list[Point], walk: list[Point], scale: int, by: Point
) -> None:
    there = moved(line, scale=scale, by=by)
    assert passages(there, moved(walk, scale=scale, by=by)) == passages(line, walk)


@given(polylines, walks, st.data())
def test_a_polyline_is_crossed_where_its_parts_are(
    line: list[Point], walk: list[Point], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, len(line) - 1))
    assume(cut < len(line) - 1)
    assert net(line, walk) == net(line[: cut + 1], walk) + net(line[cut:], walk)


SQUARE = [Point(0, 0), Point(10, 0), Point(10, 10), Point(0, 10)]
BOW_TIE = [Point(0, 0), Point(10, 10), Point(10, 0), Point(0, 10)]


@pytest.mark.parametrize(
    ("polygon", "point", "inside"),
    [
        (SQUARE, Point(5, 5), True),
        (SQUARE, Point(0, 0), True),
        (SQUARE, Point(10, 5), True),
        (SQUARE, Point(11, 5), False),
        (SQUARE, Point(-1, 0), False),
        (SQUARE, Point(12, 10), False),
        (BOW_TIE, Point(1, 5), True),
        (BOW_TIE, Point(5, 1), False),
    ],
)
def test_points_are_inside_or_not(polygon: list[Point], point: Point, inside: bool) -> None:
    assert contains(polygon, point) is inside


polygons = st.lists(points, min_size=3, max_size=6)


@given(polygons, points, st.integers(1, 1000), points)
def test_being_inside_does_not_depend_on_place_and_scale(
    polygon: list[Point], point: Point, scale: int, by: Point
) -> None:
    (there,) = moved([point], scale=scale, by=by)
    assert contains(moved(polygon, scale=scale, by=by), there) == contains(polygon, point)


@given(polygons, points, st.integers(0, 5))
def test_being_inside_does_not_depend_on_where_a_polygon_begins(
    polygon: list[Point], point: Point, turn: int
) -> None:
    turned = polygon[turn % len(polygon) :] + polygon[: turn % len(polygon)]
    assert contains(turned, point) == contains(polygon, point) == contains(polygon[::-1], point)


@given(polygons, points, points)
def test_who_goes_in_crosses_the_border(polygon: list[Point], start: Point, end: Point) -> None:
    ring = [*polygon, polygon[0]]
    assume(distance(ring, start) > 0)
    assume(distance(ring, end) > 0)
    changes = len(crossings(ring, start, end)) % 2 == 1
    assert changes == (contains(polygon, start) != contains(polygon, end))


def test_the_distance_is_to_the_nearest_part() -> None:
    line = [Point(0, 0), Point(10, 0), Point(10, 10)]
    assert distance(line, Point(5, -3)) == 3
    assert distance(line, Point(13, 14)) == 5
    assert distance([Point(1, 1), Point(1, 1)], Point(4, 5)) == 5
