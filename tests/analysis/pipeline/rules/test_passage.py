"""Passages over a line, each counted once."""

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cad.analysis.pipeline.rules.passage import Passage
from cad.domain.rules import Direction, Point

UPWARD = [Point(100, 200), Point(100, 0)]
CORNER = [Point(0, 200), Point(100, 0), Point(200, 200)]
WAYS = {Direction.LEFT_TO_RIGHT: ">", Direction.RIGHT_TO_LEFT: "<"}


def passages(line: list[Point], walk: list[tuple[int, int]], margin: float = 5) -> str:
    passage = Passage()
    found = [way for x, y in walk for way in passage.observe(line, Point(x, y), margin)]
    return "".join(WAYS[way] for way in found)


@pytest.mark.parametrize(
    ("xs", "ways"),
    [
        ((50, 150), ">"),
        ((150, 50), "<"),
        ((50, 100, 150), ">"),
        ((50, 98, 102, 98, 102, 150), ">"),
        ((50, 98, 102, 98, 50), ""),
        ((50, 102), ""),
        ((50, 102, 104), ""),
        ((50, 102, 105), ">"),
        ((50, 150, 50, 150), "><>"),
        ((100, 100, 150), ""),
        ((99, 150), ">"),
        ((50,), ""),
    ],
)
def test_a_walk_over_a_line_counts(xs: tuple[int, ...], ways: str) -> None:
    assert passages(UPWARD, [(x, 100) for x in xs]) == ways


def test_a_step_over_both_arms_of_a_corner_counts_twice() -> None:
    assert passages(CORNER, [(-50, 150), (250, 150)]) == "><"


def test_touching_the_tip_of_a_corner_counts_for_nothing() -> None:
    assert passages(CORNER, [(80, 2), (120, 2)]) == ""


def test_walking_round_the_end_counts_for_nothing() -> None:
    assert passages(UPWARD, [(90, 190), (90, 210), (110, 210), (110, 190)]) == ""


def test_an_interrupted_way_counts_for_nothing() -> None:
    passage = Passage()
    passage.observe(UPWARD, Point(50, 100), 5)
    passage.interrupt()
    assert passage.observe(UPWARD, Point(150, 100), 5) == []


walks = st.lists(st.integers(0, 200), min_size=2, max_size=30)


@given(walks, st.integers(0, 40))
def test_ways_alternate_and_lead_to_where_the_object_is(xs: list[int], margin: int) -> None:
    assume(abs(xs[0] - 100) >= max(margin, 1) <= abs(xs[-1] - 100))
    ways = passages(UPWARD, [(x, 100) for x in xs], margin)
    assert all(one != other for one, other in pairwise(ways))
    assert len(ways) % 2 == ((xs[0] < 100) != (xs[-1] < 100))


@given(st.lists(st.integers(96, 104), max_size=30))
def test_trembling_on_the_line_adds_nothing(trembling: list[int]) -> None:
    assert passages(UPWARD, [(x, 100) for x in (50, *trembling, 150)]) == ">"


@given(walks, st.integers(0, 40))
def test_a_wider_margin_never_counts_more(xs: list[int], margin: int) -> None:
    walk = [(x, 100) for x in xs]
    assert len(passages(UPWARD, walk, margin)) <= len(passages(UPWARD, walk, 0))
