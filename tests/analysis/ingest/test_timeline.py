"""The time line of a stream."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cad.analysis.ingest.timeline import LARGEST_JUMP, Timeline

seconds = st.floats(-1e6, 1e6)
pictures = st.lists(st.tuples(st.none() | seconds, st.floats(0, 100)), min_size=1, max_size=50)


def place(timeline: Timeline, *timestamps: float | None, each: float = 0.1) -> list[float]:
    """Place pictures that arrive every `each` seconds."""
    return [round(timeline.place(t, i * each), 6) for i, t in enumerate(timestamps)]


@given(pictures)
def test_time_always_grows(arrivals: list[tuple[float | None, float]]) -> None:
    timeline, now, places = Timeline(), 0.0, []
    for timestamp, passed in arrivals:
        now += passed
        places.append(timeline.place(timestamp, now))
    assert places[0] == 0
    assert all(later > earlier for earlier, later in pairwise(places))


@given(pictures)
def test_nothing_jumps_further_than_allowed(arrivals: list[tuple[float | None, float]]) -> None:
    timeline, now, last = Timeline(), 0.0, 0.0
    for timestamp, passed in arrivals:
        now += passed
        placed = timeline.place(timestamp, now)
        assert placed - last <= max(LARGEST_JUMP, passed) + 1e-6
        last = placed


@given(seconds, st.lists(st.floats(0.01, 5), max_size=50))
def test_good_timestamps_are_kept(start: float, steps: list[float]) -> None:
    timeline, position = Timeline(), 0.0
    timeline.place(start, 0)
    for step in steps:
        position += step
        assert abs(timeline.place(start + position, 0) - position) < 1e-6


def test_a_jump_back_is_bridged_with_the_time_that_passed() -> None:
    assert place(Timeline(), 500, 500.1, 2, 2.1) == [0, 0.1, 0.2, 0.3]


def test_a_jump_ahead_is_bridged_with_the_time_that_passed() -> None:
    assert place(Timeline(), 5, 5.1, 9000, 9000.1) == [0, 0.1, 0.2, 0.3]


def test_a_first_picture_without_timestamp_does_not_shift_the_others() -> None:
    assert place(Timeline(), None, 7.0, 7.1) == [0, 0.1, 0.2]


def test_without_timestamps_arrival_counts() -> None:
    assert place(Timeline(), None, None, None, each=0.5) == [0, 0.5, 1.0]


def test_another_pass_follows_at_the_usual_distance() -> None:
    timeline = Timeline()
    place(timeline, 0, 0.2, 0.4, each=0)
    timeline.splice(0.2)
    assert place(timeline, 0, 0.2, each=0) == [0.6, 0.8]


def test_after_an_outage_the_outage_is_in_the_time_line() -> None:
    timeline = Timeline()
    timeline.place(100, 0)
    timeline.splice(0.1)
    assert timeline.place(3, 60) == 60
