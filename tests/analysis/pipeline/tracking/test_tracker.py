"""The life of a track."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.analysis.pipeline.tracking import Track, Tracker
from cad.domain.frames import Boxes

STRONG, WEAK = 0.8, 0.2


def boxes(*rows: tuple[float, float, float, int]) -> Boxes:
    """Return 40 × 100 boxes from rows of left edge, top edge, score, class."""
    full = [(x, y, x + 40, y + 100, score, label) for x, y, score, label in rows]
    return np.array(full, np.float32).reshape(-1, 6)


def ids(tracker: Tracker, found: Boxes, time: float) -> list[int]:
    return [track.track_id for track in tracker.update(found, time)]


def standing(tracker: Tracker, until: float = 1.0) -> float:
    """Show one person standing still from 0 to `until`; return the next moment."""
    for tenth in range(round(until * 10) + 1):
        tracker.update(boxes((100, 100, STRONG, 0)), tenth / 10)
    return until + 0.1


def test_the_second_sight_confirms_a_track() -> None:
    tracker = Tracker(high=0.5)
    assert ids(tracker, boxes((100, 100, STRONG, 0)), 0.0) == []
    (track,) = tracker.update(boxes((102, 100, STRONG, 0)), 0.2)
    assert (track.track_id, track.box, track.label_index) == (1, (102, 100, 142, 200), 0)
    assert track.score == pytest.approx(STRONG)


def test_what_flashes_up_once_gets_no_id() -> None:
    tracker = Tracker(high=0.5)
    tracker.update(boxes((100, 100, STRONG, 0)), 0.0)
    tracker.update(boxes(), 0.1)
    tracker.update(boxes((100, 100, STRONG, 0)), 0.2)
    assert ids(tracker, boxes((100, 100, STRONG, 0)), 0.3) == [1]


def test_a_weak_box_begins_no_track() -> None:
    tracker = Tracker(high=0.5)
    assert [ids(tracker, boxes((100, 100, WEAK, 0)), t / 10) for t in range(5)] == [[]] * 5


def test_a_weak_box_continues_a_track() -> None:
    tracker = Tracker(high=0.5)
    now = standing(tracker)
    assert ids(tracker, boxes((100, 100, WEAK, 0)), now) == [1]


def test_noise_below_the_low_score_is_not_looked_at() -> None:
    tracker = Tracker(high=0.5, low=0.3)
    now = standing(tracker)
    assert ids(tracker, boxes((100, 100, WEAK, 0)), now) == []


def test_a_lost_track_is_found_again_within_its_time() -> None:
    tracker = Tracker(high=0.5)
    now = standing(tracker)
    assert ids(tracker, boxes(), now + 1.0) == []
    assert ids(tracker, boxes((100, 100, STRONG, 0)), now + 2.8) == [1]


@pytest.mark.parametrize("pictures_between", [0, 30])
def test_a_track_lost_for_too_long_has_ended(pictures_between: int) -> None:
    tracker = Tracker(high=0.5)
    now = standing(tracker)
    for number in range(pictures_between):
        tracker.update(boxes(), now + number / 10)
    tracker.update(boxes((100, 100, STRONG, 0)), now + 4.0)
    assert ids(tracker, boxes((100, 100, STRONG, 0)), now + 4.1) == [2]


def test_classes_are_not_mixed() -> None:
    tracker = Tracker(high=0.5)
    now = standing(tracker)
    assert ids(tracker, boxes((100, 100, STRONG, 1)), now) == []
    both = boxes((100, 100, STRONG, 0), (100, 100, STRONG, 1))
    assert {track.track_id: track.label_index for track in tracker.update(both, now + 0.1)} == {
        1: 0,
        2: 1,
    }


@pytest.mark.parametrize("rate", [2, 5, 10, 25])
def test_a_walker_is_one_track_at_any_rate(rate: int) -> None:
    tracker, seen = Tracker(high=0.5), set[int]()
    for number in range(8 * rate):  # 60 pixels a second: 0.6 of the height, 1.5 of the width
        x = 60 * number / rate
        seen.update(ids(tracker, boxes((x, 100, STRONG, 0)), number / rate))
    assert seen == {1}


@pytest.mark.parametrize("interval", [1, 2, 5, 20, 100])
def test_who_stays_is_one_track_however_seldom_one_looks(interval: int) -> None:
    tracker, seen = Tracker(high=0.5), list[int]()
    for number in range(8):  # one picture in four shows nobody
        found = boxes() if number % 4 == 2 else boxes((100, 100, STRONG, 0))
        seen += ids(tracker, found, float(number * interval))
    assert seen == [1] * 5


def test_where_pictures_come_seldom_a_clear_sight_is_believed_at_once() -> None:
    tracker = Tracker(high=0.5)
    tracker.update(boxes(), 0.0)
    shown = boxes((100, 100, STRONG, 0), (300, 100, 0.55, 0))
    (track,) = tracker.update(shown, 5.0)
    assert (track.track_id, track.box[0]) == (1, 100)


def test_one_long_gap_does_not_lengthen_what_is_kept() -> None:
    tracker = Tracker(high=0.5)
    now = standing(tracker)
    tracker.update(boxes(), now + 60)
    assert ids(tracker, boxes((100, 100, STRONG, 0)), now + 60.1) == []


def test_two_who_pass_each_other_keep_their_ids() -> None:
    tracker, tracks = Tracker(high=0.5), list[Track]()
    for number in range(61):
        right, left = 100 + 5 * number, 400 - 5 * number
        tracks = tracker.update(boxes((right, 100, STRONG, 0), (left, 112, STRONG, 0)), number / 10)
    assert {track.track_id: track.box[0] for track in tracks} == {1: 400, 2: 100}


def test_a_step_back_in_time_is_a_new_scene() -> None:
    tracker = Tracker(high=0.5)
    standing(tracker)
    assert ids(tracker, boxes((100, 100, STRONG, 0)), 0.0) == []
    assert ids(tracker, boxes((100, 100, STRONG, 0)), 0.1) == [2]


rows = st.tuples(
    st.integers(0, 300), st.integers(0, 300), st.sampled_from([0.05, 0.2, 0.8]), st.integers(0, 1)
)
pictures = st.lists(st.tuples(st.lists(rows, max_size=5), st.floats(0, 4)), max_size=12)


@given(pictures)
def test_whatever_is_seen_ids_are_unique_and_never_used_again(
    shown: list[tuple[list[tuple[int, int, float, int]], float]],
) -> None:
    tracker, time, last_seen = Tracker(high=0.5), 0.0, dict[int, float]()
    for found, pause in shown:
        time += pause
        seen = ids(tracker, boxes(*found), time)
        assert len(set(seen)) == len(seen) <= len(found)
        assert all(time - last_seen.get(track_id, time) <= 10.0 for track_id in seen)
        last_seen.update(dict.fromkeys(seen, time))
