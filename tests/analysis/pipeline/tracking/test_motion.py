"""The filter: it learns speeds, and widens its doubt while it sees nothing."""

import numpy as np
import pytest

from cad.analysis.pipeline.tracking.motion import Motion, to_centres

BOX = np.array([[100.0, 50.0, 140.0, 150.0]])


def walked(steps: int, seconds: float, speed: float) -> Motion:
    motion = Motion.start(BOX)
    for step in range(1, steps + 1):
        motion.predict(seconds)
        x = step * seconds * speed
        motion.correct(np.array([0]), BOX + np.array([x, 0, x, 0]))
    return motion


def test_a_first_sight_is_taken_as_it_is() -> None:
    np.testing.assert_allclose(Motion.start(BOX).boxes, BOX)


@pytest.mark.parametrize("rate", [2, 5, 25])
def test_the_speed_is_learned_at_any_rate(rate: int) -> None:
    motion = walked(3 * rate, 1 / rate, speed=40.0)
    assert motion.velocity[0, 0] == pytest.approx(40.0, abs=4)
    assert motion.velocity[0, 1] == pytest.approx(0.0, abs=0.1)


def test_a_hidden_box_moves_on_and_keeps_its_size() -> None:
    motion = walked(20, 0.2, speed=40.0)
    before = motion.boxes.copy()
    motion.predict(1.0)
    np.testing.assert_allclose(motion.boxes - before, [[40, 0, 40, 0]], atol=2)


def test_doubt_grows_unseen_and_shrinks_when_seen() -> None:
    motion = walked(5, 0.2, speed=0.0)
    seen = motion.doubt[0, 0]
    motion.predict(1.0)
    unseen = motion.doubt[0, 0]
    motion.correct(np.array([0]), BOX)
    assert motion.doubt[0, 0] < seen * 1.5 < unseen


def test_one_long_prediction_moves_as_far_as_many_short_ones() -> None:
    one, many = walked(5, 0.2, speed=30.0), walked(5, 0.2, speed=30.0)
    one.predict(1.0)
    for _ in range(10):
        many.predict(0.1)
    np.testing.assert_allclose(one.boxes, many.boxes)
    np.testing.assert_allclose(one.doubt, many.doubt)


def test_boxes_do_not_influence_each_other() -> None:
    both = Motion.start(np.vstack([BOX, BOX + 300]))
    both.predict(0.2)
    both.correct(np.array([1]), BOX + 310)
    np.testing.assert_allclose(both.boxes[0], BOX[0])
    assert both.take(np.array([1])).join(both.take(np.array([0]))).boxes[1] == pytest.approx(BOX[0])


def test_centres_are_in_the_middle() -> None:
    np.testing.assert_array_equal(to_centres(BOX), [[120, 100, 40, 100]])
