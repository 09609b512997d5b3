"""Overlap and assignment."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.analysis.pipeline.tracking.association import assign, overlaps

UNIT = np.array([[0.0, 0.0, 2.0, 2.0]])


@pytest.mark.parametrize(
    ("other", "expected"),
    [((0, 0, 2, 2), 1.0), ((1, 0, 3, 2), 1 / 3), ((2, 0, 4, 2), 0.0), ((5, 5, 6, 6), 0.0)],
)
def test_overlap_is_intersection_over_union(
    other: tuple[int, int, int, int], expected: float
) -> None:
    assert overlaps(UNIT, np.array([other], float))[0, 0] == pytest.approx(expected)


def test_boxes_of_no_size_overlap_nothing() -> None:
    point = np.array([[1.0, 1.0, 1.0, 1.0]])
    assert overlaps(point, point)[0, 0] == 0


def test_grown_boxes_overlap_over_a_gap() -> None:
    margin = np.array([[1.0, 0.0]])
    assert overlaps(UNIT, np.array([[3.0, 0.0, 5.0, 2.0]]), margin)[0, 0] == pytest.approx(1 / 7)


def test_the_best_pairs_together_win_over_the_best_single_pair() -> None:
    rows, columns = assign(np.array([[0.9, 0.8], [0.8, 0.1]]), 0.2)
    assert list(zip(rows, columns, strict=True)) == [(0, 1), (1, 0)]


def test_a_pair_that_does_not_fit_cannot_displace_one_that_does() -> None:
    rows, columns = assign(np.array([[0.3, 0.19], [0.19, 0.0]]), 0.2)
    assert list(zip(rows, columns, strict=True)) == [(0, 0)]


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_pairs_are_one_to_one_and_fit(rows: int, columns: int, seed: int) -> None:
    fit = np.random.default_rng(seed).random((rows, columns))
    first, second = assign(fit, 0.3)
    assert len(set(first)) == len(first) == len(set(second)) == len(second)
    assert np.all(fit[first, second] >= 0.3)
