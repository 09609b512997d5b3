import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from av import VideoFrame

from benchmarks.accuracy import detector
from benchmarks.detection_scores import Scores, read_ground_truth, score
from cad.analysis.engines.onnx_engine import OnnxEngine

LABELS = Path(__file__).parents[2] / "vectors" / "pedestrians_labels.json"


@pytest.mark.parametrize("model", ["fp32", "int8"])
def test_persons_of_the_clip_are_found(
    model: str, frames: Mapping[int, VideoFrame], request: pytest.FixtureRequest
) -> None:
    engine: OnnxEngine = request.getfixturevalue(model)
    persons = json.loads(LABELS.read_text())["persons"]
    truth = {int(index): np.array(boxes, dtype=float) for index, boxes in persons.items()}
    found = {index: detector(engine)(frames[index]) for index in truth}
    scores = score(truth, found)
    assert scores.precision >= 0.92
    assert scores.recall >= 0.86


def test_an_object_is_found_once() -> None:
    truth = {0: np.array([[0, 0, 10, 10], [50, 0, 60, 10]], dtype=float)}
    found = {0: np.array([[0, 0, 10, 9], [0, 1, 10, 10], [54, 0, 64, 10]], dtype=float)}
    assert score(truth, found) == Scores(matched=1, detections=3, objects=2)


def test_frames_of_the_ground_truth_count_from_one(tmp_path: Path) -> None:
    path = tmp_path / "truth.txt"
    path.write_text("5,1,10,20,30,40,1\n5,2,1,1,1,1,0\n")
    assert {key: rows.tolist() for key, rows in read_ground_truth(path).items()} == {
        4: [[10, 20, 40, 60]]
    }
