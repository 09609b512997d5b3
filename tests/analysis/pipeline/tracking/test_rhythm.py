"""How long an object is waited for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.analysis.pipeline.tracking import LOST_SECONDS, Rhythm


def rhythm(*times: float) -> Rhythm:
    made = Rhythm()
    for time in times:
        made.note(time)
    return made


@pytest.mark.parametrize("times", [(), (7.0,), (0.0, 0.2, 0.4), (0.0, 0.2, 0.4, 600.0)])
def test_where_pictures_come_often_it_is_three_seconds(times: tuple[float, ...]) -> None:
    assert rhythm(*times).lost_seconds == LOST_SECONDS


def test_where_they_come_seldom_two_may_miss_the_object() -> None:
    assert rhythm(0.0, 5.0, 10.0).lost_seconds == pytest.approx(12.5)


def test_drops_count_as_the_intervals_they_make() -> None:
    assert rhythm(*(0.2 * number for number in (0, 15, 30, 45))).lost_seconds == pytest.approx(7.5)


@given(st.lists(st.floats(-1e6, 1e6)))
def test_whatever_the_times_it_is_never_shorter(times: list[float]) -> None:
    assert rhythm(*times).interval >= 0
    assert rhythm(*times).lost_seconds >= LOST_SECONDS
