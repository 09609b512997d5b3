import numpy as np
import pytest

from cad.analysis.engines.decoders.ssd import Ssd
from cad.domain.decoders import OutputMismatchError
from tests.analysis.engines.toys import Arrays, infos, spec


def outputs(suffix: str = "") -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """Three real detections (one of a class without label) and one that is beyond the count."""
    tables: Arrays = {
        "detection_boxes": np.array([[[0.1, 0.2, 0.5, 0.6], *[[0, 0, 1, 1]] * 3]]),
        "detection_scores": np.array([[0.9, 0.8, 0.7, 0.6]]),
        "detection_classes": np.array([[2, 9, 1, 1]]),
        "num_detections": np.array([3]),
    }
    return {f"{name}{suffix}": value.astype(np.float32) for name, value in tables.items()}


@pytest.mark.parametrize("suffix", ["", ":0"])
def test_boxes_become_pixels_and_classes_count_from_zero(suffix: str) -> None:
    given = outputs(suffix)
    found = Ssd(spec("ssd", 2), infos(given)).decode(given, 0, 0.5)
    assert found.boxes[0] == pytest.approx([0.2 * 64, 0.1 * 64, 0.6 * 64, 0.5 * 64])
    assert found.scores.tolist() == pytest.approx([0.9, 0.7])
    assert found.classes.tolist() == [1, 0]


def test_the_threshold_holds() -> None:
    given = outputs()
    assert len(Ssd(spec("ssd", 2), infos(given)).decode(given, 0, 0.95).scores) == 0


@pytest.mark.parametrize("missing", list(outputs()))
def test_each_output_is_needed(missing: str) -> None:
    given = outputs()
    del given[missing]
    with pytest.raises(OutputMismatchError, match="expects detection_boxes"):
        Ssd(spec("ssd", 2), infos(given))


def test_outputs_of_another_rank_are_refused() -> None:
    given = outputs()
    given["detection_scores"] = given["detection_scores"][0]
    with pytest.raises(OutputMismatchError, match=r"detection_scores float32 \(4\)"):
        Ssd(spec("ssd", 2), infos(given))
