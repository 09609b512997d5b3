import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from cad.analysis.engines.decoders.selection import best_class, every_class, reported_classes
from cad.base.errors import BadValueError
from cad.domain.models import NmsScope
from tests.analysis.engines.toys import spec

Table = NDArray[np.float32]
SCORES = arrays(np.float32, (7, 3), elements=st.floats(0, 1, width=16), unique=True)


@given(SCORES, st.floats(0.125, 1, width=16))
def test_every_pair_above_the_threshold_is_selected_once(scores: Table, threshold: float) -> None:
    chosen = every_class(scores, threshold, None)
    pairs = set(zip(chosen.cells.tolist(), chosen.classes.tolist(), strict=True))
    assert pairs == {(i, j) for i in range(7) for j in range(3) if scores[i, j] >= threshold}
    assert np.array_equal(chosen.scores, scores[chosen.cells, chosen.classes])


@given(SCORES, st.floats(0.125, 1, width=16))
def test_a_cell_counts_for_its_best_class_only(scores: Table, threshold: float) -> None:
    chosen = best_class(scores, threshold, None)
    expected = [i for i in range(7) if scores[i].max() >= threshold]
    assert chosen.cells.tolist() == expected
    assert chosen.classes.tolist() == [int(scores[i].argmax()) for i in expected]


@given(SCORES)
def test_looking_at_some_classes_only_is_filtering_afterwards(scores: Table) -> None:
    for select in (every_class, best_class):
        some = select(scores, 0.25, np.array([0, 2]))
        every = select(scores, 0.25, None)
        wanted = np.isin(every.classes, [0, 2])
        assert sorted(some.cells.tolist()) == sorted(every.cells[wanted].tolist())


def test_suppression_across_classes_needs_all_classes() -> None:
    kept = spec("yolox", keep=("class1",))
    assert reported_classes(kept) is not None
    assert reported_classes(spec("yolox", keep=("class1",), nms=NmsScope.GLOBAL)) is None


def test_a_name_that_is_no_label_is_refused_by_name() -> None:
    with pytest.raises(BadValueError, match=r"keep.*dog"):
        reported_classes(spec("yolox", keep=("dog",)))
