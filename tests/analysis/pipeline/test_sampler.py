"""Sampling: even, without drift, without bursts."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.analysis.pipeline.sampler import Sampler

rates = st.floats(0.1, 60)
steps = st.lists(st.floats(0.001, 5), min_size=1, max_size=200)


def taken(sampler: Sampler, times: list[float]) -> list[float]:
    return [time for time in times if sampler.takes(time)]


def running_sum(parts: list[float]) -> list[float]:
    return [sum(parts[: index + 1]) for index in range(len(parts))]


@given(rates, steps)
def test_pictures_are_never_closer_than_half_an_interval(rate: float, gaps: list[float]) -> None:
    times = taken(Sampler(rate), running_sum(gaps))
    spacings = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert all(spacing >= 0.5 / rate - 1e-9 for spacing in spacings)


@given(rates, steps)
def test_no_window_holds_more_than_the_rate_allows(rate: float, gaps: list[float]) -> None:
    times = taken(Sampler(rate), running_sum(gaps))
    for index, start in enumerate(times):
        for count, end in enumerate(times[index:], start=1):
            assert count <= (end - start) * rate + 1 + 1 + 1e-6


@given(st.floats(1, 30), st.floats(0, 1))
def test_a_regular_stream_gives_the_rate_without_drift(rate: float, excess: float) -> None:
    fps = rate * (1 + 3 * excess)
    seconds = 100
    count = len(taken(Sampler(rate), [index / fps for index in range(int(seconds * fps))]))
    assert abs(count - seconds * rate) <= 2


@given(st.lists(st.floats(-0.02, 0.02), min_size=100, max_size=100))
def test_jitter_of_a_camera_at_just_the_rate_loses_no_picture(jitter: list[float]) -> None:
    times = [index / 5 + shift for index, shift in enumerate(jitter)]
    assert taken(Sampler(5), times) == times


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_rate_zero_takes_every_picture_whatever_its_time(times: list[float]) -> None:
    assert taken(Sampler(0), times) == times


def test_a_gap_is_not_made_up_for() -> None:
    times = [0.0, 10.0, 10.1, 10.2, 10.3]
    assert taken(Sampler(5), times) == [0.0, 10.0, 10.2]


def test_a_time_line_that_starts_again_is_followed_at_once() -> None:
    sampler = Sampler(5)
    assert taken(sampler, [100.0, 100.2]) == [100.0, 100.2]
    assert taken(sampler, [0.0, 0.1, 0.2]) == [0.0, 0.2]


@pytest.mark.parametrize(("fps", "rate", "expected"), [(10, 5, 50), (25, 5, 50), (4, 5, 40)])
def test_ten_seconds_of_common_cameras(fps: int, rate: float, expected: int) -> None:
    count = len(taken(Sampler(rate), [index / fps for index in range(10 * fps)]))
    assert abs(count - expected) <= 1
