import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.analysis.engines.suppression import MAX_CANDIDATES, suppress
from cad.domain.decoders import Candidates
from cad.domain.models import NmsScope
from tests.analysis.engines import loops

SCORES = st.integers(0, 1000).map(lambda number: number / 1000)
EDGES = st.integers(0, 40)
SIZES = st.integers(1, 30)
ROWS = st.lists(
    st.tuples(EDGES, EDGES, SIZES, SIZES, SCORES, st.integers(0, 2)),
    max_size=40,
    unique_by=lambda row: row[4],
)


def candidates(rows: list[loops.Box]) -> Candidates:
    table = np.array(rows, dtype=np.float32).reshape(-1, 6)
    return Candidates(table[:, :4], table[:, 4], table[:, 5].astype(np.intp))


def as_boxes(rows: list[tuple[int, int, int, int, float, int]]) -> list[loops.Box]:
    return [loops.Box(x, y, x + w, y + h, score, label) for x, y, w, h, score, label in rows]


@pytest.mark.parametrize("scope", list(NmsScope))
@given(rows=ROWS, tenths=st.sampled_from((0.31, 0.45, 0.62)))
def test_the_same_boxes_stay_as_one_by_one(
    scope: NmsScope, rows: list[tuple[int, int, int, int, float, int]], tenths: float
) -> None:
    boxes = as_boxes(rows)
    expected = loops.suppress(boxes, tenths, across_classes=scope is NmsScope.GLOBAL)
    kept = suppress(candidates(boxes), tenths, scope)
    assert kept.scores.tolist() == pytest.approx([box.score for box in expected])
    assert kept.classes.tolist() == [box.label for box in expected]


@given(rows=ROWS, low=SCORES)
def test_a_lower_threshold_adds_boxes_and_changes_no_other(
    rows: list[tuple[int, int, int, int, float, int]], low: float
) -> None:
    boxes = as_boxes(rows)
    everything = suppress(candidates(boxes), 0.5, NmsScope.CLASS)
    above = suppress(candidates([box for box in boxes if box.score >= low]), 0.5, NmsScope.CLASS)
    head = everything.scores >= np.float32(low)
    assert np.array_equal(everything.boxes[head], above.boxes)


def test_boxes_that_touch_at_exactly_the_limit_stay() -> None:
    half = [loops.Box(0, 0, 10, 10, 0.9, 0), loops.Box(0, 0, 5, 10, 0.8, 0)]
    assert len(suppress(candidates(half), 0.5, NmsScope.CLASS).scores) == 2
    assert len(suppress(candidates(half), 0.49, NmsScope.CLASS).scores) == 1


def test_no_candidates_give_no_boxes() -> None:
    assert suppress(candidates([]), 0.5, NmsScope.CLASS).boxes.shape == (0, 4)


def test_only_the_best_candidates_are_looked_at() -> None:
    apart = [loops.Box(3 * i, 0, 3 * i + 1, 1, i / 2000, 0) for i in range(MAX_CANDIDATES + 5)]
    kept = suppress(candidates(apart), 0.5, NmsScope.CLASS)
    assert len(kept.scores) == MAX_CANDIDATES
    assert kept.scores.min() == pytest.approx(5 / 2000)
