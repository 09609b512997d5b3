import numpy as np
import pytest

from cad.analysis.engines.decoders.nanodet import NanoDet
from cad.domain.decoders import OutputMismatchError
from tests.analysis.engines.toys import CELLS, Arrays, infos, spec

BINS = 8


def outputs(labels: int = 2) -> Arrays:
    """Nothing but cell 3 (x 28, y 4, stride 8) with its mass on the bins 1, 0, 2, 3."""
    scores = np.zeros((1, CELLS, labels), dtype=np.float32)
    distances = np.zeros((1, CELLS, 4 * BINS), dtype=np.float32)
    scores[0, 3] = (0.25, 0.75)
    distances[0, 3, [1, BINS, 2 * BINS + 2, 3 * BINS + 3]] = 100
    return {"scores": scores, "dist": distances}


def test_distances_are_the_mean_of_the_bins_in_strides() -> None:
    given = outputs()
    found = NanoDet(spec("nanodet", 2), infos(given)).decode(given, 0, 0.5)
    assert found.boxes == pytest.approx(np.array([[28 - 8, 4, 28 + 16, 4 + 24]]), abs=1e-4)
    assert (found.scores.tolist(), found.classes.tolist()) == ([0.75], [1])


def test_a_cell_may_show_two_classes() -> None:
    given = outputs()
    found = NanoDet(spec("nanodet", 2), infos(given)).decode(given, 0, 0.2)
    assert found.classes.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("scores", (1, CELLS, 5)),
        ("scores", (1, CELLS)),
        ("scores", (1, 80, 2)),
        ("dist", (1, CELLS, 33)),
        ("dist", (1, CELLS, 4)),
        ("logits", (1, CELLS, 4)),
    ],
)
def test_other_outputs_are_refused_with_what_was_found(name: str, shape: tuple[int, ...]) -> None:
    given = {**outputs(), name: np.zeros(shape, dtype=np.float32)}
    with pytest.raises(OutputMismatchError, match=rf"nanodet expects .*2 labels.*{name} float32"):
        NanoDet(spec("nanodet", 2), infos(given))


def test_another_input_size_has_other_cells() -> None:
    given = {name: np.delete(value, 0, axis=1) for name, value in outputs().items()}
    with pytest.raises(OutputMismatchError, match="M = 84 or 85 or 340 cells for an input of 64"):
        NanoDet(spec("nanodet", 2), infos(given))
