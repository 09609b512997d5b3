"""The YOLO heads against a textbook that decodes one row at a time."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from cad.analysis.engines.registry import bind_decoder
from cad.domain.decoders import Candidates, OutputMismatchError
from tests.analysis.engines import loops
from tests.analysis.engines.toys import CELLS, SIDE, infos, random_rows, spec

LABELS = 3
THRESHOLD = 0.3


def decode(decoder: str, output: NDArray[np.float32], **changes: object) -> Candidates:
    outputs = {"output": output}
    bound = bind_decoder(spec(decoder, LABELS, **changes), infos(outputs))
    return bound.decode(outputs, 0, THRESHOLD)


def assert_same(found: Candidates, expected: Sequence[loops.Box]) -> None:
    table = np.array(expected, dtype=np.float64)
    assert len(expected) > 5
    assert found.boxes == pytest.approx(table[:, :4], abs=1e-4)
    assert found.scores == pytest.approx(table[:, 4], abs=1e-6)
    assert found.classes.tolist() == table[:, 5].tolist()


def test_yolox_boxes_are_relative_to_their_cells() -> None:
    rows = np.random.default_rng(1).uniform(-1, 1, (1, CELLS, 5 + LABELS)).astype(np.float32)
    rows[..., 4:] = np.abs(rows[..., 4:])
    expected = list(loops.yolox(rows[0].tolist(), SIDE, THRESHOLD))
    assert_same(decode("yolox", rows), expected)


def test_yolov5_scores_are_objectness_times_class() -> None:
    rows = random_rows(5 + LABELS, rows=3 * CELLS)
    assert_same(decode("yolov5", rows), list(loops.yolov5(rows[0].tolist(), THRESHOLD)))


@pytest.mark.parametrize("axes", [(0, 1, 2), (0, 2, 1)])
def test_yolov8_is_read_either_way_round(axes: tuple[int, int, int]) -> None:
    rows = random_rows(4 + LABELS)
    expected = list(loops.yolov8(rows[0].tolist(), THRESHOLD))
    assert_same(decode("yolov8", rows.transpose(axes)), expected)


@pytest.mark.parametrize("decoder", ["yolox", "yolov5", "yolov8"])
def test_kept_classes_are_those_of_all_classes(decoder: str) -> None:
    rows = random_rows(
        (4 if decoder == "yolov8" else 5) + LABELS, rows=CELLS * (3 if decoder == "yolov5" else 1)
    )
    every, some = decode(decoder, rows), decode(decoder, rows, keep=("class2",))
    assert some.scores.tolist() == every.scores[every.classes == 2].tolist()
    assert set(some.classes.tolist()) == {2}


@pytest.mark.parametrize("decoder", ["yolox", "yolov5", "yolov8"])
@pytest.mark.parametrize("shape", [(1, 80, 8), (1, 84, 99), (1, 84), (1, 84, 8, 1)])
def test_other_outputs_are_refused_with_what_was_found(
    decoder: str, shape: tuple[int, ...]
) -> None:
    outputs = {"output0": np.zeros(shape, dtype=np.float32)}
    with pytest.raises(OutputMismatchError, match=rf"{decoder} expects one .*output0 float32 \(1"):
        bind_decoder(spec(decoder, LABELS), infos(outputs))


def test_two_outputs_are_not_one() -> None:
    outputs = {name: random_rows(4 + LABELS) for name in ("a", "b")}
    with pytest.raises(OutputMismatchError, match=r"a float32 .*; b float32"):
        bind_decoder(spec("yolov8", LABELS), infos(outputs))
