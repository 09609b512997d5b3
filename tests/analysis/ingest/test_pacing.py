"""Recordings at their own speed."""

from cad.analysis.ingest.pacing import Pace


def test_pictures_are_due_at_their_distance_from_the_first() -> None:
    pace = Pace()
    assert pace.delay(0, 100) == 0
    assert round(pace.delay(0.5, 100.1), 6) == 0.4


def test_a_short_stall_is_caught_up() -> None:
    pace = Pace()
    pace.delay(0, 100)
    assert pace.delay(0.1, 100.6) == 0
    assert round(pace.delay(1.0, 100.7), 6) == 0.3


def test_a_long_stall_is_not_caught_up() -> None:
    pace = Pace()
    pace.delay(0, 100)
    assert pace.delay(0.1, 130) == 0
    assert round(pace.delay(0.2, 130), 6) == 0.1
